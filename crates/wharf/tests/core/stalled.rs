//! Clients that stop reading: they lose their own call, and nobody else waits for them.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use wharf::{Limits, Log, LogLevel, Tool, keys};

use crate::{
    conversation::initialize,
    wire::{Request, Site},
    world::{Guard, World},
};

/// A server that serves one call at a time, and a tool that says megabytes.
fn flooding() -> World {
    World::with(|server, signals| {
        let mut limits = Limits::default();
        limits.concurrency = 1;
        let signals = Arc::clone(signals);
        server.limits(limits).tool(Tool::new("flood").handler(move |log: Log| {
            let signals = Arc::clone(&signals);
            async move {
                let _guard = Guard(Arc::clone(&signals));
                signals.started.raise();
                let text = "x".repeat(64 * 1024);
                for _ in 0..500 {
                    log.send(LogLevel::Error, &text).await;
                }
            }
        }))
    })
}

#[tokio::test]
async fn a_client_that_does_not_read_its_stream_gives_its_place_up() {
    for modern in [true, false] {
        let mut world = flooding();
        let site = Site::with(&world, |settings| {
            settings.idle_timeout = Duration::from_millis(200);
            settings.sessions.resume_window = Duration::from_millis(200);
        })
        .await;
        let meta = json!({keys::LOG_LEVEL: "debug"});
        let params = json!({"name": "flood", "arguments": {}, "_meta": meta});
        let request = match modern {
            true => Request::modern(1, "tools/call", params),
            false => {
                let session = initialize(&site, "2025-11-25", json!({})).await;
                Request::legacy(1, "tools/call", params).header("Mcp-Session-Id", &session)
            }
        };
        let mut wire = site.connect().await;
        wire.send(&request.to_bytes()).await;
        world.signals.started.wait().await;
        // Its connection stays open all the while.
        let echoed = site.ask(&Request::tool(2, "echo", json!({"text": "x"}))).await.json();
        assert_eq!(echoed["result"]["content"][0]["text"], "x", "{echoed}");
        world.signals.dropped.wait().await;
        drop(wire);
        // The client of a session may come back for what its call said, so that call ran to its end.
        let outcome = if modern { "CANCELLED" } else { "OK" };
        world.assert_recorded(&[("flood", outcome), ("echo", "OK")]).await;
    }
}
