//! A client in memory that speaks 2026-07-28: one request, one answer.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use wharf::{
    Caller, Server, Service,
    transport::{Shutdown, memory},
};

/// The answer of `server` to one request: its result, or its error.
pub(crate) async fn ask(server: Server, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        wharf::keys::PROTOCOL_VERSION: "2026-07-28",
        wharf::keys::CLIENT_CAPABILITIES: {},
    });
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut answer = send(&server.build().unwrap(), &request).await;
    if answer.get("result").is_some() { answer["result"].take() } else { answer["error"].take() }
}

/// The answer of `service` to `request`.
pub(crate) async fn send(service: &Service, request: &Value) -> Value {
    let shutdown = Shutdown::new(Duration::ZERO);
    let (mut stream, task) = memory::connect(service, Caller::local(), &shutdown);
    stream.write_all(format!("{request}\n").as_bytes()).await.unwrap();
    let mut line = String::new();
    BufReader::new(&mut stream).read_line(&mut line).await.unwrap();
    drop(stream);
    task.await.unwrap().unwrap();
    serde_json::from_str(&line).unwrap()
}

pub(crate) async fn call(server: Server, tool: &str, arguments: Value) -> Value {
    ask(server, "tools/call", json!({"name": tool, "arguments": arguments})).await
}

/// The text of a tool's or resource's only block.
pub(crate) fn text(result: &Value) -> &str {
    let block = result.pointer("/content/0").or(result.pointer("/contents/0"));
    block.and_then(|block| block["text"].as_str()).unwrap_or_else(|| panic!("no text: {result}"))
}
