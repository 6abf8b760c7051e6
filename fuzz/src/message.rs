//! Whole messages through decoding, dispatch, validation and encoding, over an in-memory connection. Whatever comes, each
//! answer is one line of JSON-RPC, and there are no more answers than questions.

use std::{cell::OnceCell, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, split},
    runtime::Runtime,
};
use wharf::{
    Args, Ask, Caller, Form, Prompt, Resource, SealingKey, Server, Service, Tool, ToolError, Uri,
    transport::{Shutdown, memory},
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
    #[serde(default)]
    times: Option<u8>,
}

/// A server with one of everything.
#[expect(clippy::expect_used, reason = "without its server the target can't run")]
pub(crate) fn service() -> Service {
    let echo = |Args(Echo { text, times }): Args<Echo>| async move {
        text.repeat(usize::from(times.unwrap_or(1)).min(4))
    };
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let ask = move |ask: Ask| {
        let form = Form::new("Who?", schema.clone());
        async move {
            let answer = ask.form_with("who", form).await?;
            Ok::<_, ToolError>(format!("{answer:?}"))
        }
    };
    Server::new("fuzzed", "1")
        .sealing_keys(SealingKey::new(&[7; 32]).into_iter().collect())
        .tool(Tool::new("echo").handler(echo))
        .tool(Tool::new("ask").handler(ask))
        .resource(Resource::new("memo://one", "one").handler(|| async { "first" }))
        .resource(
            Resource::template("memo://{a}/{b}", "two")
                .handler(|Uri(uri)| async move { uri.to_string() }),
        )
        .prompt(Prompt::new("greet").handler(|| async { "hello" }))
        .build()
        .expect("a server")
}

struct Site {
    service: Service,
    runtime: Runtime,
}

#[expect(clippy::expect_used, reason = "without its runtime the target can't run")]
fn with<T>(run: impl FnOnce(&Site) -> T) -> T {
    thread_local! { static SITE: OnceCell<Site> = const { OnceCell::new() }; }
    SITE.with(|site| {
        run(site.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            Site { service: service(), runtime: runtime.expect("a runtime") }
        }))
    })
}

/// Sends all at once and ends the input; gives what was answered.
fn exchange(input: &[u8]) -> Vec<Value> {
    let output = with(|site| {
        site.runtime.block_on(async {
            let shutdown = Shutdown::new(Duration::ZERO);
            let (stream, task) = memory::connect(&site.service, Caller::local(), &shutdown);
            let (mut reader, mut writer) = split(stream);
            let mut output = Vec::new();
            let send = async {
                drop(writer.write_all(input).await);
                drop(writer.shutdown().await);
            };
            let (_, read) = tokio::join!(send, reader.read_to_end(&mut output));
            assert!(read.is_ok() && task.await.is_ok());
            output
        })
    });
    let lines = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let message: Result<Value, _> = serde_json::from_slice(line);
            assert!(message.is_ok(), "not JSON: {}", line.escape_ascii());
            message.unwrap_or_default()
        })
        .collect()
}

/// The first line chooses the era, the others are messages.
pub(crate) fn run(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').map_or(data.len(), |at| at + 1);
    let (first, messages) = data.split_at(at);
    let mut input = Vec::new();
    if first.first().is_some_and(|byte| byte % 2 == 1) {
        let params = json!({"protocolVersion": "2025-03-26", "capabilities": {"elicitation": {}}, "clientInfo": {"name": "f", "version": "1"}});
        let begin =
            json!({"jsonrpc": "2.0", "id": "begin", "method": "initialize", "params": params});
        input.extend_from_slice(format!("{begin}\n").as_bytes());
    }
    input.extend_from_slice(messages);
    let questions = input.split(|byte| *byte == b'\n').count();
    let mut answers = 0;
    for message in exchange(&input) {
        let several = match message {
            Value::Array(several) => several,
            one => {
                answers += usize::from(one.get("method").is_none());
                vec![one]
            }
        };
        for message in several {
            assert_eq!(message["jsonrpc"], "2.0", "{message}");
            let is_answer = message.get("method").is_none();
            let has = |name: &str| message.get(name).is_some();
            assert_eq!(is_answer, has("result") != has("error"), "{message}");
        }
    }
    assert!(answers <= questions, "{answers} answers to {questions} lines");
}

/// Request state: the server's own, changed by one bit or cut short, and anything else instead of it.
pub(crate) fn sealed(data: &[u8]) {
    wharf::fuzz::sealed(data);
    let Some((&at, rest)) = data.split_first() else { return };
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    });
    let call = |state: &str| {
        let answers = json!({"who": {"action": "decline"}});
        let params = match state {
            "" => json!({"name": "ask", "arguments": {}, "_meta": meta}),
            _ => {
                json!({"name": "ask", "arguments": {}, "_meta": meta, "requestState": state, "inputResponses": answers})
            }
        };
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        exchange(format!("{call}\n").as_bytes()).pop().unwrap_or_default()
    };
    let asked = call("");
    let state = asked["result"]["requestState"].as_str().unwrap_or_default();
    assert!(!state.is_empty(), "{asked}");
    let mut changed = state.as_bytes().to_vec();
    let at = usize::from(at) % changed.len();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let foreign = String::from_utf8_lossy(rest);
    for bad in [&*String::from_utf8_lossy(&changed), &state[..at], &*foreign] {
        if !bad.is_empty() {
            let refused = call(bad);
            assert_eq!(refused["error"]["code"], -32602, "{refused}");
        }
    }
    assert!(call(state).get("result").is_some());
}
