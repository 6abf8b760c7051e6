//! Floods: more calls, sessions and streams than anybody needs. What is past a bound is refused one by one, nothing grows with
//! the flood, and whoever comes next is served.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wharf::{Event, Limits};

use crate::{
    conversation::{Lines, initialize, initialize_request, message},
    wire::{Direct, Request, Site},
    world::{PATIENCE, World},
};

#[tokio::test]
async fn ten_thousand_pipelined_calls_over_http_are_answered_in_order() {
    const COUNT: usize = 10_000;
    let world = World::new();
    let site = Site::new(&world).await;
    for modern in [true, false] {
        let session = initialize(&site, "2025-11-25", json!({})).await;
        let mut flood = Vec::new();
        for id in 0..COUNT {
            let params = json!({"name": "echo", "arguments": {"text": "x"}});
            let mut request = match modern {
                true => Request::modern(id, "tools/call", params),
                false => {
                    Request::legacy(id, "tools/call", params).header("Mcp-Session-Id", &session)
                }
            };
            if id + 1 == COUNT {
                request = request.header("Connection", "close");
            }
            flood.extend(request.to_bytes());
        }
        let (mut reader, mut writer) = TcpStream::connect(site.addr).await.unwrap().into_split();
        // Nobody can send it all before reading: the server takes the next request once the last answer is on its way.
        let sending = tokio::spawn(async move { writer.write_all(&flood).await.map(|()| writer) });
        let mut text = String::new();
        let read = tokio::time::timeout(PATIENCE * 3, reader.read_to_string(&mut text)).await;
        read.expect("it goes on for ever").unwrap();
        drop(sending.await.unwrap());
        let mut answers = text.split("HTTP/1.1 ").skip(1);
        for id in 0..COUNT {
            let answer = answers.next().unwrap();
            assert!(
                answer.starts_with("200") && answer.contains(&format!("\"id\":{id},")),
                "{answer}"
            );
        }
        assert_eq!(answers.next(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_sessions_ends_at_the_bound_and_expires() {
    const MAX: usize = 200;
    let world = World::new();
    let idle = Duration::from_secs(60);
    let http = Direct::with(&world, |settings| {
        settings.sessions.max = MAX;
        settings.sessions.idle_expiry = idle;
    });
    let begin = initialize_request("2025-11-25", json!({}));
    let (mut begun, mut refused) = (Vec::new(), 0);
    for _ in 0..5_000 {
        let response = http.ask(&begin).await;
        match response.header("mcp-session-id") {
            Some(id) => begun.push(id.to_owned()),
            None => {
                assert_eq!((response.status, response.error_code()), (503, -31007));
                refused += 1;
            }
        }
    }
    assert_eq!((begun.len(), refused), (MAX, 5_000 - MAX));
    // A stream in each of them: none is counted as idle, and each id still works.
    let mut streams = Vec::new();
    for id in &begun {
        let ping = Request::legacy(1, "ping", json!({})).header("Mcp-Session-Id", id);
        assert_eq!(http.ask(&ping).await.status, 200);
        streams.push(http.open(&Request::new("GET").header("Mcp-Session-Id", id)).await);
    }
    tokio::time::sleep(idle * 2).await;
    assert_eq!(http.ask(&begin).await.status, 503);
    // Whoever needs no session is served all the while.
    let echo = Request::tool(1, "echo", json!({"text": "x"}));
    assert_eq!(http.ask(&echo).await.status, 200);
    drop(streams);
    tokio::time::sleep(idle * 2).await;
    assert_eq!(http.ask(&begin).await.status, 200, "all have expired");
}

fn few_streams() -> World {
    World::with(|server, _| {
        let mut limits = Limits::default();
        limits.listen_streams = 50;
        server.limits(limits)
    })
}

#[tokio::test]
async fn a_flood_of_listen_streams_over_http_is_refused_past_the_bound() {
    let world = few_streams();
    let site = Site::new(&world).await;
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let listen = Request::modern(1, "subscriptions/listen", filter);
    let mut open = Vec::new();
    for attempt in 0..300 {
        let mut wire = site.connect().await;
        wire.send(&listen.to_bytes()).await;
        let head = wire.head().await;
        if attempt < 50 {
            assert_eq!(head.header("content-type"), Some("text/event-stream"), "{attempt}");
            open.push(wire);
        } else {
            // A refusal, so no stream.
            assert_eq!(head.header("content-type"), Some("application/json"), "{attempt}");
        }
    }
    // Far more changes than any stream may fall behind, while nobody reads.
    for _ in 0..20_000 {
        world.service.handle().publish(Event::ToolsChanged);
    }
    let echo = Request::tool(2, "echo", json!({"text": "x"}));
    assert_eq!(site.ask(&echo).await.status, 200);
    drop(open);
    loop {
        // The places come back once the server has noticed.
        let mut wire = site.connect().await;
        wire.send(&listen.to_bytes()).await;
        if wire.head().await.header("content-type") == Some("text/event-stream") {
            break;
        }
    }
}

/// Fifty streams on one connection hear twenty thousand changes each, and nobody reads: what is kept is bounded.
#[tokio::test]
async fn a_flood_of_changes_on_lines_is_not_kept_for_a_client_that_does_not_read() {
    let world = few_streams();
    let mut lines = Lines::open(&world);
    for id in 0..300 {
        let filter = json!({"notifications": {"toolsListChanged": true}});
        let answer = lines.ask(&message(true, id, "subscriptions/listen", filter)).await;
        match id < 50 {
            true => assert_eq!(answer["method"], "notifications/subscriptions/acknowledged"),
            false => assert_eq!(answer["error"]["code"], -31007, "{answer}"),
        }
    }
    for _ in 0..200 {
        for _ in 0..100 {
            world.service.handle().publish(Event::ToolsChanged);
        }
        tokio::task::yield_now().await;
    }
    let echo =
        message(true, 1000, "tools/call", json!({"name": "echo", "arguments": {"text": "x"}}));
    lines.send(&echo).await;
    let mut heard = 0;
    while lines.next().await.unwrap()["id"] != 1000 {
        heard += 1;
    }
    // 16 MiB may wait for the client, and a stream that falls behind hears of it once instead of a thousand times.
    assert!((50..200_000).contains(&heard), "{heard} of 1,000,000 changes were kept");
    assert_eq!(lines.ask(&echo).await["id"], 1000);
}

#[tokio::test]
async fn an_id_in_use_is_refused_within_its_session_only() {
    let world = World::new();
    let site = Site::new(&world).await;
    let (one, two) = (
        initialize(&site, "2025-11-25", json!({})).await,
        initialize(&site, "2025-11-25", json!({})).await,
    );
    let params = json!({"name": "gate", "arguments": {}});
    let call = |session: &str| {
        Request::legacy(7, "tools/call", params.clone()).header("Mcp-Session-Id", session)
    };
    let mut waiting = Vec::new();
    for request in [call(&one), call(&two), Request::modern(7, "tools/call", params.clone())] {
        let mut wire = site.connect().await;
        wire.send(&request.to_bytes()).await;
        world.signals.started.wait().await;
        waiting.push(wire);
    }
    // Requests of 2026-07-28 share nothing: the same id may run twice.
    let mut again = site.connect().await;
    again.send(&Request::modern(7, "tools/call", params.clone()).to_bytes()).await;
    world.signals.started.wait().await;
    waiting.push(again);
    let refused = site.ask(&call(&one)).await;
    assert_eq!(refused.error_code(), -32600, "{refused:?}");
    for mut wire in waiting {
        world.signals.open.raise();
        let answer = wire.response().await.json();
        assert_eq!(
            (&answer["id"], &answer["result"]["content"][0]["text"]),
            (&json!(7), &json!("passed"))
        );
    }
}
