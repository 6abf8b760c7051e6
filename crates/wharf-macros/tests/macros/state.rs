//! State: found by type, checked before the first call, and never shared between servers.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use wharf::{
    BuildError, CompletionQuery, Extension, FromCall, Invocation, Json, Prompt, Requirements,
    Server, State, Tool, ToolError, prompt, resource, tool,
};

use crate::client::{ask, call, text};

#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

#[derive(Clone)]
struct Prefix(&'static str);

/// Counts.
#[tool]
async fn count(
    State(count): State<Count>,
    #[arg(default = 1)] by: u64,
    prefix: State<Prefix>,
) -> String {
    format!("{}{}", prefix.0.0, count.0.fetch_add(by, Ordering::Relaxed) + by)
}

#[resource("prefix://{name}")]
async fn prefixed(#[arg(complete = suggest)] name: String, State(prefix): State<Prefix>) -> String {
    format!("{}{name}", prefix.0)
}

async fn suggest(query: CompletionQuery, State(prefix): State<Prefix>) -> Vec<String> {
    vec![format!("{}{}", prefix.0, query.value)]
}

#[prompt]
async fn start(State(prefix): State<Prefix>) -> &'static str {
    prefix.0
}

/// An extractor that builds on another.
struct Shout(String);

impl FromCall for Shout {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        let State(prefix) = State::<Prefix>::from_call(invocation)?;
        Ok(Self(format!("{}{}", prefix.0.to_uppercase(), invocation.arguments())))
    }

    fn requires(requirements: &mut Requirements) {
        State::<Prefix>::requires(requirements);
    }
}

#[tool]
async fn shout(a: u8, #[extract] Shout(shout): Shout) -> String {
    format!("{shout} {a}")
}

/// Takes what it never declared.
struct Sneaky(Prefix);

impl FromCall for Sneaky {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        State::from_call(invocation).map(|State(prefix)| Self(prefix))
    }
}

fn server(prefix: &'static str) -> Server {
    Server::new("state", "1.0.0").state(Count::default()).state(Prefix(prefix))
}

#[tokio::test]
async fn a_handler_takes_the_servers_state() {
    assert_eq!(count(State(Count::default()), 2, State(Prefix("t"))).await, "t2");
    let shared = Count::default();
    let build = || Server::new("s", "1").state(shared.clone()).state(Prefix("n")).tool(count);
    assert_eq!(text(&call(build(), "count", json!({})).await), "n1");
    assert_eq!(text(&call(build(), "count", json!({"by": 4})).await), "n5");
    // One item in two servers: each sees its own server's state.
    let item = Tool::of(count);
    for prefix in ["a", "b"] {
        let result = call(server(prefix).tool(item.clone()), "count", json!({})).await;
        assert_eq!(text(&result), format!("{prefix}1"));
    }
}

#[tokio::test]
async fn resources_prompts_completions_and_extractors_take_state_too() {
    let read =
        ask(server("p-").resource(prefixed), "resources/read", json!({"uri": "prefix://x"})).await;
    assert_eq!(text(&read), "p-x");
    let prompt = ask(server("begin").prompt(start), "prompts/get", json!({"name": "start"})).await;
    assert!(prompt.to_string().contains("begin"), "{prompt}");
    let reference = json!({"type": "ref/resource", "uri": "prefix://{name}"});
    let params = json!({"ref": reference, "argument": {"name": "name", "value": "y"}});
    let completed = ask(server("p-").resource(prefixed), "completion/complete", params).await;
    assert_eq!(completed["completion"]["values"], json!(["p-y"]));
    let shouted = call(server("p").tool(shout), "shout", json!({"a": 7})).await;
    assert_eq!(text(&shouted), "P{\"a\":7} 7");
}

fn refusals(server: Server) -> Vec<String> {
    match server.build() {
        Ok(_) => Vec::new(),
        Err(BuildError::Several(errors)) => errors.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn a_server_without_a_state_that_is_taken_is_not_built() {
    let method = |State(prefix): State<Prefix>| async move { Json(json!({"prefix": prefix.0})) };
    let server = Server::new("s", "1")
        .state(Count::default())
        .tool(count)
        .tool(shout)
        .resource(prefixed)
        .prompt(start)
        .prompt(Prompt::new("other").complete("a", suggest).handler(|| async { "text" }))
        .extension(Extension::new("com.example/x").method("x/y", method));
    let refusals = refusals(server);
    let expected = [
        "tool \"count\"",
        "tool \"shout\"",
        "resource \"prefix://{name}\"",
        "a completer of resource \"prefix://{name}\"",
        "prompt \"start\"",
        "a completer of prompt \"other\"",
        "method \"x/y\"",
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|what| {
            format!(
                "{what} needs a state of type macros::state::Prefix; give it to the server with `.state(value)`"
            )
        })
        .collect();
    assert_eq!(refusals, expected);
}

#[test]
fn a_state_given_twice_is_refused() {
    let refusals = refusals(Server::new("s", "1").state(1_u8).state(2_u16).state(3_u8));
    let expected =
        "two states of type u8 were given; wrap one of them in a type of its own, or leave it out";
    assert_eq!(refusals, [expected]);
}

#[tokio::test]
async fn merged_parts_keep_their_own_state() {
    let part =
        |prefix| Server::new(prefix, "1").state(Prefix(prefix)).tool(count).resource(prefixed);
    let whole = || {
        let outer = Server::new("outer", "1").state(Count::default()).state(Prefix("outer"));
        outer.merge_prefixed("a", part("a")).tool(count)
    };
    // The part's own prefix, and the whole's counter, which the part does not have.
    assert_eq!(text(&call(whole(), "a_count", json!({})).await), "a1");
    assert_eq!(text(&call(whole(), "count", json!({})).await), "outer1");
    let read = ask(whole(), "resources/read", json!({"uri": "prefix://x"})).await;
    assert_eq!(text(&read), "ax");
    // Nothing of a part reaches the whole.
    let refusals =
        refusals(Server::new("w", "1").merge(part("p").state(Count::default())).tool(shout));
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(refusals[0].starts_with("tool \"shout\" needs a state"), "{refusals:?}");
}

#[tokio::test]
async fn what_is_added_later_takes_state_too() {
    let service = server("later").dynamic().build().unwrap();
    service.handle().update(|changes| changes.add_tool(count)).unwrap();
    let meta =
        json!({wharf::keys::PROTOCOL_VERSION: "2026-07-28", wharf::keys::CLIENT_CAPABILITIES: {}});
    let params = json!({"name": "count", "arguments": {}, "_meta": meta});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    assert_eq!(text(&crate::client::send(&service, &request).await["result"]), "later1");

    let bare = Server::new("bare", "1").dynamic().build().unwrap();
    let error = bare.handle().update(|changes| changes.add_tool(count)).unwrap_err().to_string();
    assert!(error.contains("state::Count") && error.contains("state::Prefix"), "{error}");
}

#[tokio::test]
async fn an_undeclared_state_is_an_internal_error_that_tells_the_caller_nothing() {
    let tool = Tool::new("sneaky").handler(|Sneaky(prefix): Sneaky| async move { prefix.0 });
    let result = call(server("secret").tool(tool), "sneaky", json!({})).await;
    let said = result.to_string();
    assert!(
        said.contains("INTERNAL_ERROR") && !said.contains("Prefix") && !said.contains("secret"),
        "{said}"
    );
}

#[tokio::test]
async fn concurrent_calls_share_one_state() {
    let shared = Count::default();
    let service = Server::new("s", "1").state(shared.clone()).state(Prefix("")).tool(count);
    let service = service.build().unwrap();
    let shutdown = wharf::transport::Shutdown::new(std::time::Duration::ZERO);
    let (stream, task) =
        wharf::transport::memory::connect(&service, wharf::Caller::local(), &shutdown);
    let (reader, mut writer) = tokio::io::split(stream);
    let meta =
        json!({wharf::keys::PROTOCOL_VERSION: "2026-07-28", wharf::keys::CLIENT_CAPABILITIES: {}});
    let requests: String = (0..100)
        .map(|id| {
            let params = json!({"name": "count", "arguments": {}, "_meta": meta});
            format!(
                "{}\n",
                json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
            )
        })
        .collect();
    let write = async {
        tokio::io::AsyncWriteExt::write_all(&mut writer, requests.as_bytes()).await.unwrap();
    };
    let read = async {
        let mut seen = std::collections::BTreeSet::new();
        let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(reader));
        while seen.len() < 100 {
            let line = lines.next_line().await.unwrap().unwrap();
            let answer: Value = serde_json::from_str(&line).unwrap();
            assert!(seen.insert(text(&answer["result"]).parse::<u64>().unwrap()), "{answer}");
        }
        assert_eq!(seen.last(), Some(&100));
    };
    tokio::join!(write, read);
    assert_eq!(shared.0.load(Ordering::Relaxed), 100);
    drop((service, writer));
    task.abort();
}
