//! Options that no list shows reach the builder all the same.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use wharf::{Args, Server, State, prompt, resource, tool};

use crate::client::send;

#[derive(Clone, Default)]
struct Runs(Arc<AtomicU64>);

impl Runs {
    fn next(&self) -> String {
        (self.0.fetch_add(1, Ordering::Relaxed) + 1).to_string()
    }
}

#[tool(idempotent_by = "key")]
async fn once(key: String, State(runs): State<Runs>) -> String {
    format!("{key} {}", runs.next())
}

#[tool(cache = "60s")]
async fn kept(State(runs): State<Runs>) -> String {
    runs.next()
}

#[tool]
async fn fresh(State(runs): State<Runs>) -> String {
    runs.next()
}

#[tokio::test]
async fn kept_and_idempotent_results_are_given_again() {
    let server = Server::new("o", "1").state(Runs::default()).tool(once).tool(kept).tool(fresh);
    let service = server.build().unwrap();
    let check = async |tool: &str, arguments: Value, expected: &str| {
        let meta = json!({wharf::keys::PROTOCOL_VERSION: "2026-07-28", wharf::keys::CLIENT_CAPABILITIES: {}});
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let answer = send(&service, &request).await;
        assert_eq!(crate::client::text(&answer["result"]), expected, "{tool}: {answer}");
    };
    check("fresh", json!({}), "1").await;
    check("fresh", json!({}), "2").await;
    check("kept", json!({}), "3").await;
    check("kept", json!({}), "3").await;
    check("once", json!({"key": "a"}), "a 4").await;
    check("once", json!({"key": "a"}), "a 4").await;
    check("once", json!({"key": "b"}), "b 5").await;
}

#[tool(scopes("not a scope", "issues:write"))]
async fn scoped_tool() {}

#[resource("a://b", scopes("not a scope"))]
async fn scoped_resource() -> String {
    String::new()
}

#[prompt(scopes("not a scope"))]
async fn scoped_prompt() -> String {
    String::new()
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Keyed {
    #[expect(dead_code, reason = "only its schema is looked at")]
    key: String,
}

#[tool(idempotent_by = "kye")]
async fn misspelt(_keyed: Args<Keyed>) {}

#[test]
fn what_only_the_builder_can_judge_is_refused_by_it() {
    let server = Server::new("o", "1")
        .tool(scoped_tool)
        .tool(misspelt)
        .resource(scoped_resource)
        .prompt(scoped_prompt);
    let said = server.build().unwrap_err().to_string();
    let said: Vec<_> = said.lines().collect();
    assert_eq!(said.len(), 4, "{said:#?}");
    for (said, what) in said.iter().zip([
        "tool \"scoped_tool\"",
        "tool \"misspelt\"",
        "resource \"a://b\"",
        "prompt \"scoped_prompt\"",
    ]) {
        assert!(said.starts_with(what), "{said}");
    }
    assert!(said[1].contains("idempotent_by"), "{said:#?}");
}

/// Takes longer than it may.
#[tool(timeout = "50ms")]
async fn slow() {
    std::future::pending::<()>().await;
}

#[tool(timeout = PATIENCE)]
async fn slower() {
    std::future::pending::<()>().await;
}

const PATIENCE: Duration = Duration::from_millis(70);

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_the_call() {
    for (tool, after) in [("slow", Duration::from_millis(50)), ("slower", PATIENCE)] {
        let begun = tokio::time::Instant::now();
        let server = Server::new("o", "1").tool(slow).tool(slower);
        let result = crate::client::call(server, tool, json!({})).await;
        assert_eq!(result["structuredContent"]["code"], "TIMEOUT", "{result}");
        assert_eq!(begun.elapsed().as_millis(), after.as_millis(), "{tool}");
    }
}
