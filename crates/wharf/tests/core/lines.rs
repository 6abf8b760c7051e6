//! Messages as lines: hostile bytes, floods, ends of input in the worst moment, and a client that does not read.

use std::collections::HashSet;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use wharf::Event;

use crate::{
    conversation::{Lines, message},
    world::World,
};

fn echo(id: i64, text: &str) -> Value {
    message(true, id, "tools/call", json!({"name": "echo", "arguments": {"text": text}}))
}

fn call(id: i64, tool: &str) -> Value {
    message(true, id, "tools/call", json!({"name": tool, "arguments": {}}))
}

#[tokio::test]
async fn ten_thousand_calls_in_one_go_are_all_answered() {
    for modern in [true, false] {
        let world = World::new();
        let mut lines = Lines::open(&world);
        if !modern {
            lines.initialize("2025-11-25", json!({})).await;
        }
        let count: usize = 10_000;
        let mut flood = Vec::new();
        for id in 0..count {
            let params = json!({"name": "echo", "arguments": {"text": "x"}});
            let call = message(modern, id.try_into().unwrap(), "tools/call", params);
            flood.extend_from_slice(format!("{call}\n").as_bytes());
        }
        // The server goes on reading while its answers, some megabytes, wait.
        lines.send_raw(&flood).await;
        let mut seen = HashSet::new();
        for _ in 0..count {
            let answer = lines.next().await.unwrap();
            assert_eq!(answer["result"]["content"][0]["text"], "x");
            assert!(seen.insert(answer["id"].as_i64().unwrap()));
        }
        lines.end().await;
        assert_eq!(lines.next().await, None);
        lines.task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_quick_call_overtakes_a_slow_one() {
    let world = World::new();
    let mut lines = Lines::open(&world);
    lines.send(&call(1, "gate")).await;
    world.signals.started.wait().await;
    assert_eq!(lines.ask(&echo(2, "x")).await["id"], 2);
    world.signals.open.raise();
    assert_eq!(lines.next().await.unwrap()["id"], 1);
}

#[tokio::test]
async fn malformed_lines_are_refused_one_by_one_and_good_ones_served() {
    let world = World::new();
    let mut lines = Lines::open(&world);
    for (bytes, id, code) in [
        (&b"{not json"[..], Value::Null, -32700),
        (b"\xff\xfe", Value::Null, -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc3\x28\"}", Value::Null, -32700),
        (b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", Value::Null, -32700),
        (b"\0", Value::Null, -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\0ng\"}", Value::Null, -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}{}", Value::Null, -32700),
        (b"[1", Value::Null, -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":7}", json!(7), -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":1}", json!("s"), -32600),
        (b"[]", Value::Null, -32600),
        (b"true", Value::Null, -32600),
        // Before `initialize` a request must say what it speaks.
        (b"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/list\"}", json!(8), -32602),
    ] {
        lines.send_raw(bytes).await;
        lines.send_raw(b"\n \t\r\n\n").await;
        let answer = lines.next().await.unwrap();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(code)), "{answer}");
        let answer = lines.ask(&echo(1, "still here")).await;
        assert_eq!(answer["result"]["content"][0]["text"], "still here");
    }
}

#[tokio::test]
async fn bytes_may_come_one_by_one_and_lines_may_end_as_on_windows() {
    let world = World::new();
    let mut lines = Lines::open(&world);
    for byte in format!("{}\r\n", echo(1, "x\\r")).into_bytes() {
        lines.send_raw(&[byte]).await;
    }
    assert_eq!(lines.next().await.unwrap()["id"], 1);
    let two = format!("{}\n{}\r\n", echo(2, "x"), echo(3, "y"));
    lines.send_raw(two.as_bytes()).await;
    assert_eq!(lines.next().await.unwrap()["id"], 2);
    assert_eq!(lines.next().await.unwrap()["id"], 3);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_once_and_skipped() {
    let world = World::with(|server, _| {
        let mut limits = wharf::Limits::default();
        limits.message_bytes = 1000;
        server.limits(limits)
    });
    let mut lines = Lines::open(&world);
    // The longest line that is allowed, and one byte more.
    let room = 1000 - echo(1, "").to_string().len();
    let fits = echo(1, &"x".repeat(room));
    assert_eq!(lines.ask(&fits).await["id"], 1);
    for length in [room + 1, 5_000, 3_000_000] {
        lines.send(&echo(2, &"x".repeat(length))).await;
        let answer = lines.next().await.unwrap();
        let text = "the message is longer than 1000 bytes, the most allowed";
        assert_eq!(answer["id"], Value::Null);
        assert_eq!(answer["error"], json!({"code": -32600, "message": text}));
        assert_eq!(lines.ask(&fits).await["id"], 1, "exactly one refusal, then business as usual");
    }
}

#[tokio::test]
async fn calls_in_flight_at_the_end_of_the_input_are_answered() {
    let mut world = World::new();
    let mut lines = Lines::with_grace(&world, std::time::Duration::from_secs(10));
    lines.send(&call(1, "gate")).await;
    world.signals.started.wait().await;
    lines.end().await;
    world.signals.open.raise();
    assert_eq!(lines.next().await.unwrap()["result"]["content"][0]["text"], "passed");
    assert_eq!(lines.next().await, None);
    lines.task.await.unwrap().unwrap();
    world.assert_recorded(&[("gate", "OK")]).await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_never_end_do_not_outlive_the_input() {
    let mut world = World::new();
    let mut lines = Lines::with_grace(&world, std::time::Duration::from_secs(10));
    lines.send(&call(1, "watch")).await;
    world.signals.started.wait().await;
    lines.end().await;
    assert_eq!(lines.next().await, None);
    world.signals.dropped.wait().await;
    world.signals.cancelled.wait().await;
    world.assert_recorded(&[("watch", "CANCELLED")]).await;
}

#[tokio::test]
async fn the_last_line_needs_no_end_and_half_a_message_is_not_executed() {
    for (cut, recorded) in [(0, &[("echo", "OK")][..]), (1, &[])] {
        let mut world = World::new();
        let mut lines = Lines::open(&world);
        let text = echo(1, "x").to_string();
        lines.send_raw(&text.as_bytes()[..text.len() - cut]).await;
        lines.end().await;
        assert_eq!(lines.next().await.is_some(), cut == 0);
        if cut == 0 {
            assert_eq!(lines.next().await, None);
        }
        lines.task.await.unwrap().unwrap();
        world.assert_recorded(recorded).await;
    }
}

#[tokio::test]
async fn a_client_that_vanishes_ends_the_connection_and_its_calls() {
    let mut world = World::new();
    let mut lines = Lines::open(&world);
    lines.send(&call(1, "watch")).await;
    world.signals.started.wait().await;
    let Lines { reader, writer, task, .. } = lines;
    drop((reader, writer));
    // Whether the loss is an error is the transport's to say; that it ends is ours.
    drop(task.await.unwrap());
    world.signals.dropped.wait().await;
    world.assert_recorded(&[("watch", "CANCELLED")]).await;
}

#[tokio::test]
async fn listen_streams_end_with_the_input() {
    let world = World::new();
    let mut lines = Lines::open(&world);
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let acknowledged = lines.ask(&message(true, 1, "subscriptions/listen", filter)).await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    world.service.handle().publish(Event::ToolsChanged);
    let changed = lines.next().await.unwrap();
    assert_eq!(changed["method"], "notifications/tools/list_changed");
    lines.end().await;
    assert_eq!(lines.next().await, None);
    lines.task.await.unwrap().unwrap();
}

/// Memory stays bounded: the server reads no further once its output waits, and goes on when the client reads.
#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_is_no_longer_read() {
    for modern in [true, false] {
        let world = World::new();
        let mut lines = Lines::open(&world);
        if !modern {
            lines.initialize("2025-11-25", json!({})).await;
        }
        let echo = |text: &str| {
            let params = json!({"name": "echo", "arguments": {"text": text}});
            message(modern, 1, "tools/call", params)
        };
        let line = format!("{}\n", echo(&"x".repeat(60_000))).into_bytes();
        let mut sent = 0;
        // Time is paused: it only moves once nobody can go on.
        let stuck = std::time::Duration::from_secs(1);
        while let Ok(written) =
            tokio::time::timeout(stuck, lines.writer.write(&line[sent % line.len()..])).await
        {
            sent += written.unwrap();
            assert!(sent < 64 * 1024 * 1024, "the server takes everything in");
        }
        assert!(sent > 8 * 1024 * 1024, "a short burst must not stall: {sent}");
        let whole = sent / line.len();
        for _ in 0..whole {
            assert_eq!(lines.next().await.unwrap()["id"], 1);
        }
        lines.send_raw(&line[sent % line.len()..]).await;
        assert_eq!(lines.next().await.unwrap()["id"], 1);
        assert_eq!(lines.ask(&echo("x")).await["id"], 1);
    }
}

#[tokio::test]
async fn an_id_that_is_still_running_is_refused() {
    let mut world = World::new();
    let mut lines = Lines::open(&world);
    lines.send(&call(1, "gate")).await;
    world.signals.started.wait().await;
    let refused = lines.ask(&call(1, "gate")).await;
    let text = "a request with this id is still running; use another id";
    assert_eq!(refused["error"], json!({"code": -32600, "message": text}));
    // The first one is still found by its id.
    world.signals.open.raise();
    assert_eq!(lines.next().await.unwrap()["result"]["content"][0]["text"], "passed");
    assert_eq!(lines.ask(&echo(1, "free again")).await["id"], 1);
    world.assert_recorded(&[("gate", "OK"), ("echo", "OK")]).await;
}

#[tokio::test]
async fn calls_in_flight_are_bounded_per_connection() {
    let world = World::with(|server, _| {
        let mut limits = wharf::Limits::default();
        limits.concurrency_per_connection = 2;
        server.limits(limits)
    });
    let mut lines = Lines::open(&world);
    lines.send(&call(1, "gate")).await;
    lines.send(&call(2, "gate")).await;
    let refused = lines.ask(&call(3, "gate")).await;
    let text = "this connection has too many calls in flight; wait for answers before sending more";
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(3), &json!(-31007)));
    assert_eq!(refused["error"]["message"], text);
    assert_eq!(lines.ask(&echo(4, "quick ones still pass")).await["id"], 4);
    let mut other = Lines::open(&world);
    assert_eq!(other.ask(&echo(5, "as do other clients")).await["id"], 5);
    for _ in 0..2 {
        world.signals.open.raise();
        assert_eq!(lines.next().await.unwrap()["result"]["content"][0]["text"], "passed");
    }
}

#[tokio::test]
async fn batches_exist_in_one_revision_only() {
    let ping = |id: i64| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    let gate = |id| message(false, id, "tools/call", json!({"name": "gate", "arguments": {}}));
    for (revision, allowed) in
        [("2024-11-05", false), ("2025-03-26", true), ("2025-06-18", false), ("2025-11-25", false)]
    {
        let world = World::new();
        let mut lines = Lines::open(&world);
        let early = lines.ask(&json!([ping(1)])).await;
        assert_eq!(early["error"]["code"], -32600, "{early}");
        lines.initialize(revision, json!({})).await;
        let answer = lines.ask(&json!([ping(1)])).await;
        if !allowed {
            assert_eq!(answer["error"]["code"], -32600, "{revision}: {answer}");
            assert_eq!(answer["id"], Value::Null);
            continue;
        }
        assert_eq!(answer, json!([{"jsonrpc": "2.0", "id": 1, "result": {}}]));
        // The answers come together once the last call is done.
        lines
            .send(&json!([ping(1), gate(2), 5, [ping(3)], {"jsonrpc": "2.0", "method": "x"}]))
            .await;
        world.signals.started.wait().await;
        world.signals.open.raise();
        let answer = lines.next().await.unwrap();
        let mut ids: Vec<_> =
            answer.as_array().unwrap().iter().map(|a| a["id"].to_string()).collect();
        ids.sort();
        assert_eq!(ids, ["1", "2", "null", "null"], "{answer}");
        // Notifications only: nothing to say. Too many, or none: one refusal.
        lines.send(&json!([{"jsonrpc": "2.0", "method": "x"}])).await;
        let most: Vec<_> = (0..1000).map(ping).collect();
        assert_eq!(lines.ask(&json!(most)).await.as_array().unwrap().len(), 1000);
        let over: Vec<_> = (0..1001).map(ping).collect();
        for bad in [json!(over), json!([])] {
            let answer = lines.ask(&bad).await;
            let text = "a batch has 1 to 1000 messages";
            assert_eq!(answer["error"], json!({"code": -32600, "message": text}));
        }
    }
}

#[tokio::test]
async fn initialize_can_not_hide_in_a_batch() {
    let world = World::new();
    let mut lines = Lines::open(&world);
    lines.initialize("2025-03-26", json!({})).await;
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}});
    let answer = lines.ask(&json!([message(false, 1, "initialize", params)])).await;
    let text = "initialize can't be part of a batch";
    assert_eq!(answer[0]["error"], json!({"code": -32600, "message": text}), "{answer}");
    // The session is the one it was: batches are still allowed.
    let ping = json!([{"jsonrpc": "2.0", "id": 2, "method": "ping"}]);
    assert_eq!(lines.ask(&ping).await[0]["id"], 2);
}
