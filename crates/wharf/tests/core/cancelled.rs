//! A call that its client withdraws stops, says nothing more, and is recorded as cancelled, once.

use serde_json::{Value, json};
use wharf::{LogLevel, Tool};

use crate::{
    conversation::{Lines, initialize, message},
    wire::{Request, Site},
    world::{Guard, World},
};

fn call(id: Value, tool: &str, modern: bool) -> Value {
    let params = json!({"name": tool, "arguments": {}});
    let mut message = message(modern, 0, "tools/call", params);
    message["id"] = id;
    message
}

fn cancel(id: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

/// A server with a tool that says something before it waits for ever.
fn talking() -> World {
    World::with(|server, signals| {
        let signals = std::sync::Arc::clone(signals);
        server.tool(Tool::new("talk").handler(move |log: wharf::Log| {
            let signals = std::sync::Arc::clone(&signals);
            async move {
                let _guard = Guard(std::sync::Arc::clone(&signals));
                log.send(LogLevel::Error, "said").await;
                signals.started.raise();
                std::future::pending::<()>().await;
            }
        }))
    })
}

#[tokio::test]
async fn a_notification_on_lines_stops_the_handler_and_nothing_is_sent() {
    for modern in [true, false] {
        let mut world = World::new();
        let mut lines = Lines::open(&world);
        if !modern {
            lines.initialize("2025-06-18", json!({})).await;
        }
        // A number and the string of its digits are different ids.
        lines.send(&call(json!("5"), "gate", modern)).await;
        lines.send(&call(json!(5), "watch", modern)).await;
        world.signals.started.wait().await;
        world.signals.started.wait().await;
        for unknown in [json!(6), json!("x"), json!(null), json!({}), json!(5.0)] {
            lines.send(&cancel(unknown)).await;
        }
        lines.send(&cancel(json!(5))).await;
        world.signals.dropped.wait().await;
        world.signals.cancelled.wait().await;
        // Too late and twice is harmless.
        lines.send(&cancel(json!(5))).await;
        world.signals.open.raise();
        let answer = lines.next().await.unwrap();
        assert_eq!(answer["id"], "5", "{answer}");
        lines.end().await;
        assert_eq!(lines.next().await, None);
        world.assert_recorded(&[("gate", "OK"), ("watch", "CANCELLED")]).await;
    }
}

#[tokio::test]
async fn a_cancelled_id_can_be_used_again() {
    let mut world = World::new();
    let mut lines = Lines::open(&world);
    for _ in 0..3 {
        lines.send(&call(json!(1), "never", true)).await;
        world.signals.started.wait().await;
        lines.send(&cancel(json!(1))).await;
        world.signals.dropped.wait().await;
    }
    let answer = lines.ask(&message(true, 1, "tools/list", json!({}))).await;
    assert_eq!(answer["id"], 1);
    world.assert_recorded(&[("never", "CANCELLED"); 3]).await;
}

#[tokio::test]
async fn one_batch_of_cancellations_stops_many_calls() {
    let mut world = World::new();
    let mut lines = Lines::open(&world);
    let count: i64 = 200;
    for id in 0..count {
        lines.send(&call(json!(id), "watch", true)).await;
    }
    for _ in 0..count {
        world.signals.started.wait().await;
    }
    for id in 0..count {
        lines.send(&cancel(json!(id))).await;
    }
    for _ in 0..count {
        world.signals.dropped.wait().await;
        world.signals.cancelled.wait().await;
    }
    lines.end().await;
    assert_eq!(lines.next().await, None);
    world.assert_recorded(&vec![("watch", "CANCELLED"); 200]).await;
}

#[tokio::test]
async fn a_lost_connection_cancels_a_call_that_would_answer_with_json() {
    let mut world = World::new();
    let site = Site::new(&world).await;
    for accept in ["application/json", "application/json, text/event-stream"] {
        let mut wire = site.connect().await;
        let request = Request::tool(1, "watch", json!({})).header("Accept", accept);
        wire.send(&request.to_bytes()).await;
        world.signals.started.wait().await;
        drop(wire);
        world.signals.dropped.wait().await;
        world.signals.cancelled.wait().await;
    }
    world.assert_recorded(&[("watch", "CANCELLED"); 2]).await;
}

#[tokio::test]
async fn a_lost_stream_cancels_its_call() {
    let mut world = talking();
    let site = Site::new(&world).await;
    let mut wire = site.connect().await;
    let meta = json!({wharf::keys::LOG_LEVEL: "debug"});
    let params = json!({"name": "talk", "arguments": {}, "_meta": meta});
    wire.open(&Request::modern(1, "tools/call", params)).await;
    let event = wire.event().await.unwrap();
    assert_eq!(
        event.data["params"],
        json!({"level": "error", "logger": "attacked", "data": "said"})
    );
    assert_eq!(event.id, None);
    world.signals.started.wait().await;
    drop(wire);
    world.signals.dropped.wait().await;
    world.assert_recorded(&[("talk", "CANCELLED")]).await;
}

#[tokio::test]
async fn a_session_cancels_a_call_with_another_request() {
    let mut world = World::new();
    let site = Site::new(&world).await;
    let session = initialize(&site, "2025-11-25", json!({})).await;
    let other = initialize(&site, "2025-11-25", json!({})).await;
    let mut wire = site.connect().await;
    let request = Request::post(call(json!(5), "watch", false).to_string());
    wire.send(&request.header("Mcp-Session-Id", &session).to_bytes()).await;
    world.signals.started.wait().await;
    let withdraw = Request::post(cancel(json!(5)).to_string());
    // Another session's id 5, and no session's, are not this one.
    let foreign = site.ask(&withdraw.clone().header("Mcp-Session-Id", &other)).await;
    assert_eq!((foreign.status, foreign.body.len()), (202, 0));
    assert_eq!(site.ask(&withdraw).await.status, 202);
    assert!(!world.signals.dropped.is_raised());
    let accepted = site.ask(&withdraw.header("Mcp-Session-Id", &session)).await;
    assert_eq!((accepted.status, accepted.body.len()), (202, 0));
    world.signals.dropped.wait().await;
    world.signals.cancelled.wait().await;
    let response = wire.response().await;
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert_eq!(response.text(), "", "an answer to a withdrawn call is forbidden");
    world.assert_recorded(&[("watch", "CANCELLED")]).await;
}

#[tokio::test]
async fn a_session_that_is_deleted_cancels_its_streaming_calls() {
    let mut world = talking();
    let site = Site::new(&world).await;
    let session = initialize(&site, "2025-11-25", json!({})).await;
    let mut wire = site.connect().await;
    let request = Request::post(call(json!(5), "talk", false).to_string());
    wire.open(&request.header("Mcp-Session-Id", &session)).await;
    world.signals.started.wait().await;
    let deleted = site.ask(&Request::new("DELETE").header("Mcp-Session-Id", &session)).await;
    assert_eq!(deleted.status, 204);
    world.signals.dropped.wait().await;
    // The priming event and what was said; no answer.
    assert_eq!(wire.event().await.unwrap().data, Value::Null);
    assert_eq!(wire.event().await.unwrap().data["method"], "notifications/message");
    assert!(wire.event().await.is_none());
    world.assert_recorded(&[("talk", "CANCELLED")]).await;
}

#[tokio::test]
async fn a_call_that_waits_in_line_can_be_cancelled_too() {
    let mut world = World::with(|server, _| {
        let mut limits = wharf::Limits::default();
        limits.concurrency = 1;
        server.limits(limits)
    });
    let mut lines = Lines::open(&world);
    lines.send(&call(json!(1), "gate", true)).await;
    world.signals.started.wait().await;
    lines.send(&call(json!(2), "gate", true)).await;
    lines.send(&cancel(json!(2))).await;
    assert_eq!(world.recorded().await, ("gate".to_owned(), "CANCELLED".to_owned()));
    world.signals.open.raise();
    assert_eq!(lines.next().await.unwrap()["id"], 1);
    // Its place went back: the next call gets through.
    world.signals.open.raise();
    assert_eq!(lines.ask(&call(json!(3), "gate", true)).await["id"], 3);
    assert!(!world.signals.open.is_raised());
}
