//! What clients are told about the server, byte for byte as JSON values: a change here is a change for every model that uses it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use wharf::{
    Caller, keys,
    transport::{Shutdown, memory},
};
use wharf_database::sqlite::SqliteSettings;

/// The result of one request on 2026-07-28, in memory.
async fn ask(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({keys::PROTOCOL_VERSION: "2026-07-28", keys::CLIENT_CAPABILITIES: {}});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let service = wharf_database::server(SqliteSettings::sample()).unwrap().build().unwrap();
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
    let listed = json!({"tools": ask("tools/list", json!({})).await["tools"]});
    assert!(listed == recorded, "listed now:\n{listed:#}");
}

async fn call(tool: &str, arguments: Value) -> Value {
    ask("tools/call", json!({"name": tool, "arguments": arguments})).await["structuredContent"]
        .take()
}

#[tokio::test]
async fn tools_answer_and_refuse() {
    let list = call("list_tables", json!({"pattern": "zzz*"})).await;
    assert_eq!(list["tables"], json!([]), "{list}");
    let all = call("list_tables", json!({})).await;
    let table = all["tables"][0]["name"].as_str().expect("the sample has tables").to_owned();
    let described = call("describe_table", json!({"table": table})).await;
    assert_eq!(described["name"], table, "{described}");
    let rows =
        call("execute_query", json!({"query": "SELECT ?1 + 1", "params": [41], "row_limit": 1}))
            .await;
    assert_eq!(rows["rows"], json!([[42]]), "{rows}");
    for (tool, arguments) in [
        ("list_tables", json!({"pattern": ""})),
        ("describe_table", json!({"table": ""})),
        ("describe_table", json!({})),
        ("execute_query", json!({"query": ""})),
        ("execute_query", json!({"query": "SELECT 1", "row_limit": 10_001})),
        ("execute_query", json!({"query": "SELECT 1", "timeout_ms": 0})),
        ("execute_query", json!({"query": "SELECT 1", "more": 0})),
        ("execute_query", json!({"query": "SELECT ?", "params": 1})),
    ] {
        let refused = call(tool, arguments.clone()).await;
        assert_eq!(refused["code"], "INVALID_INPUT", "{tool} {arguments}: {refused}");
    }
}
