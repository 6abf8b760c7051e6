//! What tools give back, held against what they promise.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tracing::Level;
use wharf::{Args, Ask, CachePolicy, Json, Server, Tool, ToolError, ToolResult};

use crate::{
    conversation::{Conversation, Way},
    logs::Logs,
    world::{Text, World, failure_of},
};

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Sum {
    total: u8,
}

/// A tool that promises `{"n": 1 to 10}` and gives what it is told to.
fn promising(server: Server) -> Server {
    let promise = json!({
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 10}},
        "required": ["n"],
        "additionalProperties": false,
    });
    let give = |Args(Text { text }): Args<Text>| async move {
        match &*text {
            "nothing" => Ok(ToolResult::text("no structure")),
            "failure" => Ok(ToolResult::failure("it went wrong")),
            "error" => Err(ToolError::not_found("nothing there")),
            json => ToolResult::structured(&serde_json::from_str::<Value>(json)?),
        }
    };
    let free =
        Tool::new("free").output_schema(json!({"type": "array", "items": {"type": "integer"}}));
    server
        .tool(Tool::new("give").output_schema(promise).handler(give))
        .tool(Tool::new("sum").handler(|| async { Json(Sum { total: 7 }) }))
        .tool(free.handler(|| async { ToolResult::structured(&json!([1, 2])) }))
        .tool(Tool::new("ask").output_schema(json!({"type": "object"})).handler(
            |ask: Ask| async move {
                ask.sample("s", json!({"messages": [], "maxTokens": 1})).await?;
                ToolResult::structured(&json!({}))
            },
        ))
}

#[tokio::test]
async fn a_broken_promise_is_a_failure_whose_place_only_the_log_tells() {
    let logs = Logs::collect();
    // Debug builds check by themselves; this test holds in release builds too.
    let world = World::bare(|server| promising(server.check_outputs(true)));
    for way in Way::ALL {
        let mut client = Conversation::open(&world, way).await;
        for (given, place) in [
            (r#"{"n": "hunter2"}"#, "/n: not accepted (rule: type)"),
            (r#"{"n": 11}"#, "/n: not accepted (rule: maximum)"),
            (r#"{}"#, "/n: required"),
            (r#"{"n": 1, "more": "hunter2"}"#, "/more: unknown property"),
            (r#"["hunter2"]"#, "the structured content: not accepted (rule: type)"),
            ("nothing", "there is no structured content"),
        ] {
            let before = logs.matching(Level::ERROR, place).len();
            let failure = failure_of(&client.call("give", json!({"text": given})).await);
            assert_eq!(failure["code"], "INTERNAL_ERROR");
            let text = failure.to_string();
            assert!(!text.contains("schema") && !text.contains("hunter2"), "{text}");
            assert_eq!(logs.matching(Level::ERROR, place).len(), before + 1, "{place}");
        }
        // Kept promises, and failures, which promise nothing.
        let kept = client.call("give", json!({"text": r#"{"n": 10}"#})).await;
        assert_eq!(kept["structuredContent"], json!({"n": 10}));
        assert_eq!(client.call("sum", json!({})).await["structuredContent"], json!({"total": 7}));
        assert_eq!(client.call("free", json!({})).await.get("isError"), None);
        let failed = client.call("give", json!({"text": "failure"})).await;
        assert_eq!(failed["content"][0]["text"], "it went wrong");
        let error = failure_of(&client.call("give", json!({"text": "error"})).await);
        assert_eq!(error["code"], "RESOURCE_NOT_FOUND");
    }
    assert!(!logs.text().contains("hunter2"));
}

#[tokio::test]
async fn a_question_is_no_result_yet() {
    use crate::{conversation::Lines, conversation::message};
    let world = World::bare(|server| promising(server.check_outputs(true)));
    let mut lines = Lines::open(&world);
    let meta = json!({wharf::keys::CLIENT_CAPABILITIES: {"sampling": {}}});
    let params = json!({"name": "ask", "arguments": {}, "_meta": meta});
    let answer = lines.ask(&message(true, 1, "tools/call", params)).await;
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
}

#[tokio::test]
async fn unchecked_a_broken_promise_is_served_and_logged_once() {
    let logs = Logs::collect();
    let world = World::bare(|server| promising(server.check_outputs(false)));
    let mut client = Conversation::open(&world, Way::HttpModern).await;
    for _ in 0..20 {
        let served = client.call("give", json!({"text": r#"{"n": "hunter2"}"#})).await;
        assert_eq!(served["structuredContent"], json!({"n": "hunter2"}));
    }
    let told = logs.matching(Level::WARN, "breaks its output schema");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("/n: not accepted") && told[0].contains("give"), "{told:?}");
    assert!(!told[0].contains("hunter2"));
}

#[tokio::test]
async fn a_broken_promise_is_never_kept_for_other_calls() {
    let runs = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&runs);
    let tool =
        Tool::new("kept")
            .output_schema(json!({"type": "object", "required": ["n"]}))
            .cache(CachePolicy::ttl(Duration::from_secs(60)))
            .handler(move || {
                // Only the first result is wrong.
                let run = counted.fetch_add(1, Ordering::SeqCst);
                async move {
                    ToolResult::structured(&if run == 0 { json!({}) } else { json!({"n": run}) })
                }
            });
    let world = World::bare(|server| server.check_outputs(true).tool(tool));
    let mut client = Conversation::open(&world, Way::LinesModern).await;
    assert_eq!(failure_of(&client.call("kept", json!({})).await)["code"], "INTERNAL_ERROR");
    for _ in 0..2 {
        assert_eq!(client.call("kept", json!({})).await["structuredContent"], json!({"n": 1}));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[test]
fn an_output_schema_that_can_not_be_used_is_refused_at_build() {
    for schema in [
        json!({"type": "strin"}),
        json!({"$ref": "https://example.com/schema.json"}),
        json!({"$schema": "https://example.com/mine"}),
    ] {
        let tool = Tool::new("t").output_schema(schema.clone()).handler(|| async { "" });
        let error = Server::new("s", "1").tool(tool).build().unwrap_err().to_string();
        assert!(error.starts_with("tool \"t\", output schema: "), "{schema}: {error}");
    }
}
