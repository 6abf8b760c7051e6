//! What clients are told about the server, byte for byte as JSON values: a change here is a change for every model that uses it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use wharf::{
    Caller, keys,
    transport::{Shutdown, memory},
};

/// The result of one request on 2026-07-28, in memory.
async fn ask(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({keys::PROTOCOL_VERSION: "2026-07-28", keys::CLIENT_CAPABILITIES: {}});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let service = wharf_calculator::server(Default::default()).build().unwrap();
    let shutdown = Shutdown::new(Duration::ZERO);
    let (mut stream, task) = memory::connect(&service, Caller::local(), &shutdown);
    stream.write_all(format!("{request}\n").as_bytes()).await.unwrap();
    let mut line = String::new();
    BufReader::new(&mut stream).read_line(&mut line).await.unwrap();
    drop(stream);
    task.await.unwrap().unwrap();
    serde_json::from_str::<Value>(&line).unwrap()["result"].take()
}

#[tokio::test]
async fn lists_are_as_recorded() {
    let recorded: Value = serde_json::from_str(include_str!("listed.json")).unwrap();
    let listed = json!({
        "tools": ask("tools/list", json!({})).await["tools"],
        "resourceTemplates": ask("resources/templates/list", json!({})).await["resourceTemplates"],
    });
    assert!(listed == recorded, "listed now:\n{listed:#}");
}

#[tokio::test]
async fn tool_and_resource_answer() {
    let sum =
        ask("tools/call", json!({"name": "calculate", "arguments": {"expression": "1/3 + 1/6"}}))
            .await;
    assert_eq!(sum["structuredContent"]["value"], "0.5");
    let refused =
        ask("tools/call", json!({"name": "calculate", "arguments": {"expression": ""}})).await;
    assert_eq!(refused["structuredContent"]["code"], "INVALID_INPUT", "{refused}");
    let greeting = ask("resources/read", json!({"uri": "greeting://Ada"})).await;
    assert_eq!(greeting["contents"][0]["text"], "Hello, Ada!");
    assert_eq!(greeting["contents"][0]["mimeType"], "text/plain");
}
