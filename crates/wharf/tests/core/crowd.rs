//! Many clients at once, on several threads, some of whose calls never end until they leave.

use std::sync::Arc;

use serde_json::json;

use crate::{
    conversation::{Lines, message},
    wire::{Request, Site},
    world::World,
};

const CLIENTS: i64 = 24;
const CALLS: i64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_many_clients_gets_its_own_answers() {
    let mut world = World::new();
    let site = Arc::new(Site::new(&world).await);
    let clients = (0..CLIENTS).map(|client| {
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let (mut wire, mut waiting) = (site.connect().await, Vec::new());
            for call in 0..CALLS {
                let text = format!("{client}-{call}");
                let request = Request::tool(call, "echo", json!({"text": text}));
                let answer = wire.ask(&request).await.json();
                assert_eq!(
                    (&answer["id"], &answer["result"]["content"][0]["text"]),
                    (&json!(call), &json!(text))
                );
                let failed =
                    wire.ask(&Request::tool(call, "panic_later", json!({"text": "x"}))).await;
                assert_eq!(failed.json()["result"]["isError"], true);
                let mut other = site.connect().await;
                other.send(&Request::tool(call, "watch", json!({})).to_bytes()).await;
                waiting.push(other);
            }
            waiting
        })
    });
    let mut waiting = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        waiting.extend(client.await.unwrap());
    }
    for _ in 0..waiting.len() {
        world.signals.started.wait().await;
    }
    // All leave at once.
    drop(waiting);
    let count = usize::try_from(CLIENTS * CALLS).unwrap();
    for _ in 0..count {
        world.signals.dropped.wait().await;
        world.signals.cancelled.wait().await;
    }
    let records = [("echo", "OK"), ("panic_later", "INTERNAL_ERROR"), ("watch", "CANCELLED")];
    world.assert_recorded(&records.repeat(count)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_of_calls_on_other_threads_are_whole_lines() {
    let world = World::new();
    let mut lines = Lines::open(&world);
    let count = 500;
    for id in 0..count {
        lines
            .send(&message(true, id, "tools/call", json!({"name": "gate", "arguments": {}})))
            .await;
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..count {
        world.signals.open.raise();
        let answer = lines.next().await.unwrap();
        assert_eq!(answer["result"]["content"][0]["text"], "passed");
        seen.insert(answer["id"].as_i64().unwrap());
    }
    assert!(seen.into_iter().eq(0..count));
}
