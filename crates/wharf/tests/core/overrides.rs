//! What whoever runs a server changes about its tools holds, and what names no tool is an error.

use std::time::Duration;

use serde_json::{Value, json};
use wharf::{CachePolicy, Rate, Server, Tool, ToolOverrides};

use crate::{
    conversation::{Conversation, Lines, Way, message},
    world::{World, failure_of},
};

fn tool(name: &'static str) -> wharf::ToolBuilder {
    Tool::new(name)
}

fn server(server: Server) -> Server {
    server
        .tool(tool("limited").rate_limit(Rate::per_day(1)).handler(|| async { "counted" }))
        .tool(tool("free").handler(|| async { "free" }))
        .tool(tool("long").handler(|| async { "x".repeat(100_000) }))
        .tool(tool("slow").timeout(Duration::from_secs(60)).handler(|| async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            "done"
        }))
        .tool(
            tool("kept")
                .cache(CachePolicy::ttl(Duration::from_secs(60)))
                .handler(|| async { "new" }),
        )
}

fn changed(change: impl FnOnce(&mut ToolOverrides)) -> ToolOverrides {
    let mut overrides = ToolOverrides::default();
    change(&mut overrides);
    overrides
}

async fn with(name: &'static str, change: impl FnOnce(&mut ToolOverrides)) -> Conversation {
    let world = World::bare(|bare| server(bare).override_tool(name, changed(change)));
    Conversation::open(&world, Way::LinesModern).await
}

/// The `_meta` of a call's result under the project's prefix.
async fn meta(lines: &mut Lines, name: &str, key: &str) -> Value {
    let params = json!({"name": name, "arguments": {}});
    let answer = lines.ask(&message(true, 1, "tools/call", params)).await;
    answer["result"]["_meta"][format!("dev.wharf/{key}")].clone()
}

fn lines_with(name: &'static str, change: impl FnOnce(&mut ToolOverrides)) -> Lines {
    Lines::open(&World::bare(|bare| server(bare).override_tool(name, changed(change))))
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_holds_in_place_of_what_the_author_declared() {
    let mut client = with("limited", |tool| tool.rate = Some(None)).await;
    for _ in 0..5 {
        assert_eq!(client.call("limited", json!({})).await["content"][0]["text"], "counted");
    }
    let rate = Some(Some(Rate::per_minute(2)));
    let mut client = with("free", |tool| tool.rate_per_caller = rate).await;
    client.call("free", json!({})).await;
    client.call("free", json!({})).await;
    let failure = failure_of(&client.call("free", json!({})).await);
    assert_eq!(failure["details"]["limit"], "tool_per_caller");

    let mut client = with("slow", |tool| tool.timeout = Some(Duration::from_secs(5))).await;
    assert_eq!(failure_of(&client.call("slow", json!({})).await)["code"], "TIMEOUT");

    let mut lines = lines_with("long", |tool| tool.response_bytes = Some(4096));
    assert_eq!(meta(&mut lines, "long", "truncated").await, true);

    let ttl = Duration::from_secs(5);
    let mut lines = lines_with("kept", |tool| tool.cache_ttl = Some(ttl));
    assert_eq!(meta(&mut lines, "kept", "cache").await, "miss");
    assert_eq!(meta(&mut lines, "kept", "cache").await, "hit");
    tokio::time::advance(ttl).await;
    assert_eq!(meta(&mut lines, "kept", "cache").await, "miss");
    let mut lines = lines_with("kept", |tool| tool.cache_ttl = Some(Duration::ZERO));
    assert_eq!(meta(&mut lines, "kept", "cache").await, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn one_call_at_once_makes_the_next_one_wait() {
    let world = World::with(|server, _| {
        server.override_tool("gate", changed(|tool| tool.concurrency = Some(1)))
    });
    let mut client = Conversation::open(&world, Way::LinesModern).await;
    client.begin(1, "gate").await;
    client.begin(2, "gate").await;
    client.call("echo", json!({"text": "x"})).await;
    world.signals.started.wait().await;
    assert!(!world.signals.started.is_raised());
    world.signals.open.raise();
    world.signals.started.wait().await;
}

#[tokio::test]
async fn a_disabled_tool_is_not_there() {
    let mut client = with("free", |tool| tool.disabled = true).await;
    let list = client.ask("tools/list", json!({})).await.unwrap();
    assert!(!list.to_string().contains("\"free\""), "{list}");
    let params = json!({"name": "free", "arguments": {}});
    let error = client.ask("tools/call", params).await.unwrap_err();
    assert_eq!(error["code"], -32602);
}

#[test]
fn what_names_no_tool_or_keeps_what_must_not_be_kept_is_an_error() {
    let check = |name: &str, change: fn(&mut ToolOverrides), expected: &str| {
        let built = server(Server::new("shop", "1")).override_tool(name, changed(change)).build();
        assert_eq!(built.unwrap_err().to_string(), expected);
    };
    check(
        "limitd",
        |_| {},
        "there is no tool \"limitd\", did you mean \"limited\"?; the tools are: limited, free, long, slow, kept",
    );
    check(
        "other",
        |tool| tool.disabled = true,
        "there is no tool \"other\"; the tools are: limited, free, long, slow, kept",
    );
    check(
        "free",
        |tool| tool.cache_ttl = Some(Duration::from_secs(1)),
        "tool \"free\": its results are never kept, so they can't be kept for longer or shorter; leave the time out",
    );
    // Both are told.
    let two = server(Server::new("shop", "1"))
        .override_tool("a", ToolOverrides::default())
        .override_tool("b", ToolOverrides::default());
    assert_eq!(two.build().unwrap_err().to_string().lines().count(), 2);
}

#[test]
fn a_part_keeps_its_changes_under_its_prefix() {
    let part = server(Server::new("part", "1"))
        .override_tool("free", changed(|tool| tool.disabled = true));
    let whole = Server::new("whole", "1").merge_prefixed("shop", part).build().unwrap();
    let names: Vec<_> = whole.offered().into_iter().map(|offered| offered.item).collect();
    assert!(names.iter().any(|name| &**name == "shop_slow"), "{names:?}");
    assert!(!names.iter().any(|name| &**name == "shop_free"), "{names:?}");
}
