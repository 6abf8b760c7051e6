//! The corpus of hostile messages and requests, each over every transport that it names, with the exact refusal.
//!
//! The corpus says what must happen in words; the table here says it in codes. A case of the corpus that is in neither list
//! fails the test, so that a case added later is not forgotten.

use std::collections::HashSet;

use serde_json::{Value, json};
use wharf::Resource;

use crate::{
    conversation::{Lines, initialize, initialize_request},
    sessions::site_of_two_callers,
    wire::{Request, Response, Site},
    world::World,
};

/// What a later layer answers for.
const LATER: [(&str, &str); 5] = [
    ("rpc-31", "the calculator's own limits"),
    ("rpc-33", "the calculator's own parser"),
    ("rpc-53", "credentials are checked by wharf-auth"),
    ("rpc-55", "rates are limited by the rate-limit layer"),
    ("rpc-57", "tasks are an extension that is not registered here"),
];

/// The corpus' cases that are messages: the codes that answer them, in order; none where nothing is to be said, 0 for a
/// result.
const MESSAGES: [(&str, &[i64]); 15] = [
    ("rpc-01", &[-32700]),
    ("rpc-03", &[-32600]),
    ("rpc-05", &[-32600]),
    ("rpc-07", &[-32600]),
    ("rpc-09", &[-32600]),
    ("rpc-11", &[-32602]),
    ("rpc-13", &[-32602]),
    ("rpc-15", &[-32602]),
    ("rpc-17", &[0]),
    ("rpc-19", &[]),
    ("rpc-21", &[-32700]),
    ("rpc-23", &[-32700, -32700]),
    ("rpc-25", &[0]),
    ("rpc-27", &[]),
    ("rpc-29", &[-32002]),
];

/// The corpus' cases that are HTTP requests: the status that answers them.
const REQUESTS: [(&str, u16); 9] = [
    ("rpc-35", 403),
    ("rpc-37", 403),
    ("rpc-39", 400),
    ("rpc-41", 406),
    ("rpc-43", 400),
    ("rpc-45", 408),
    ("rpc-47", 404),
    ("rpc-49", 400),
    ("rpc-51", 404),
];

fn corpus() -> Vec<Value> {
    let text = include_str!("../corpus/jsonrpc_http.json");
    serde_json::from_str::<Value>(text).unwrap()["cases"].as_array().unwrap().clone()
}

/// Makes the inputs that are too large to be written down.
fn generated(text: &str) -> String {
    text.replace("{{DEEP_100000}}", &"[".repeat(100_000))
        .replace("{{A*1000000}}", &"A".repeat(1_000_000))
        .replace("{{NO_FINAL_NEWLINE_EOF}}", r#"{"jsonrpc":"2.0","id":1,"method":"pi"#)
}

fn world() -> World {
    World::with(|server, _| {
        server.resource(Resource::template("api://users/{id}/x", "user").handler(|| async { "u" }))
    })
}

/// The code of an answer; 0 for a result.
pub(crate) fn code(answer: &Value) -> i64 {
    match answer.get("error") {
        Some(error) => error["code"].as_i64().unwrap(),
        None => {
            assert!(answer.get("result").is_some(), "{answer}");
            0
        }
    }
}

/// Sends bytes as lines to a legacy connection that knows its revision; then one more, which must work.
pub(crate) async fn over_lines(world: &World, input: &[u8], expected: &[i64], name: &str) {
    let mut lines = Lines::open(world);
    lines.initialize("2025-11-25", json!({})).await;
    lines.send_raw(input).await;
    lines.send_raw(b"\n").await;
    for expected in expected {
        let answer = lines.next().await.unwrap();
        assert_eq!(code(&answer), *expected, "{name}: {answer}");
        assert!(answer.to_string().len() < 5_000, "{name}: echoes its input");
    }
    let pong = lines.ask(&json!({"jsonrpc": "2.0", "id": "after", "method": "ping"})).await;
    assert_eq!(pong["id"], "after", "{name}: {pong}");
}

/// Sends bytes as the body of a legacy request.
pub(crate) async fn over_http(site: &Site, input: &[u8], expected: &[i64], name: &str) {
    let session = initialize(site, "2025-11-25", json!({})).await;
    let request = Request::post(input).header("Mcp-Session-Id", &session);
    let mut wire = site.connect().await;
    let response = wire.ask(&request).await;
    match expected {
        [] => assert_eq!((response.status, response.body.len()), (202, 0), "{name}"),
        [expected] => assert_eq!(code(&response.json()), *expected, "{name}: {response:?}"),
        _ => unreachable!("one body has one answer: {name}"),
    }
    assert!(response.body.len() < 5_000, "{name}: echoes its input");
    let ping = Request::legacy("after", "ping", json!({})).header("Mcp-Session-Id", &session);
    assert_eq!(wire.ask(&ping).await.json()["id"], "after", "{name}");
}

#[tokio::test]
async fn messages_of_the_corpus_are_answered_as_it_says() {
    let world = world();
    let site = Site::new(&world).await;
    let mut seen = HashSet::new();
    for case in corpus() {
        let (id, transport) = (case["id"].as_str().unwrap(), case["transport"].as_str().unwrap());
        let later = LATER.iter().any(|(later, _)| *later == id);
        let request = REQUESTS.iter().any(|(request, _)| *request == id);
        let message = MESSAGES.iter().find(|(message, _)| *message == id);
        assert_eq!(
            usize::from(later) + usize::from(request) + usize::from(message.is_some()),
            1,
            "{id} is in no table, or in two"
        );
        assert!(seen.insert(id.to_owned()), "{id} is there twice");
        let Some((_, expected)) = message else { continue };
        let input = generated(case["input"].as_str().unwrap());
        if id == "rpc-27" {
            let mut lines = Lines::open(&world);
            lines.send_raw(input.as_bytes()).await;
            lines.end().await;
            assert_eq!(lines.next().await, None);
            lines.task.await.unwrap().unwrap();
            continue;
        }
        if transport != "http" {
            over_lines(&world, input.as_bytes(), expected, id).await;
        }
        if transport != "stdio" {
            over_http(&site, input.as_bytes(), expected, id).await;
        }
    }
}

async fn of_corpus(site: &Site, case: &Value, foreign: &str) -> Response {
    let input = &case["input"];
    let mut request = match input["body"].as_str().unwrap_or_default() {
        "ping" => Request::legacy(1, "ping", json!({})),
        "tools/list" => Request::legacy(1, "tools/list", json!({})),
        "" => Request::new(input["method"].as_str().unwrap()),
        raw => Request::post(raw.replace("\\r\\n", "\r\n")),
    };
    if input["method"] == "DELETE" {
        request = Request::new("DELETE");
    }
    request = request.header("X-Name", "bob");
    let mut length = true;
    for (name, value) in input["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap().replace("<another user's id>", foreign);
        length &= !name.eq_ignore_ascii_case("Content-Length");
        request = request.header(name, &value);
    }
    let mut wire = site.connect().await;
    if case["id"] == "rpc-45" {
        // Announced in full, and then only the first byte of it comes.
        let mut head = request.header("Content-Length", "50").head();
        head.extend_from_slice(b"\r\n{");
        wire.send(&head).await;
        let first = wire.head().await;
        return if first.status == 100 { wire.response().await } else { first };
    }
    let mut bytes = request.to_bytes();
    if !length {
        bytes = request.head();
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&request.body);
    }
    wire.send(&bytes).await;
    wire.response().await
}

#[tokio::test]
async fn requests_of_the_corpus_are_refused_with_the_status_it_says() {
    let world = world();
    let patient = Site::with(&world, |settings| {
        settings.header_timeout = std::time::Duration::from_millis(150);
    })
    .await;
    let site = site_of_two_callers(&world).await;
    let begun =
        site.ask(&initialize_request("2025-11-25", json!({})).header("X-Name", "ann")).await;
    let foreign = begun.header("mcp-session-id").unwrap();
    for case in corpus() {
        let Some((id, expected)) = REQUESTS.iter().find(|(id, _)| case["id"] == *id) else {
            continue;
        };
        let site = if *id == "rpc-45" { &patient } else { &site };
        let response = of_corpus(site, &case, foreign).await;
        assert_eq!(response.status, *expected, "{id}: {response:?}");
        assert_eq!(response.header("mcp-session-id"), None, "{id}");
    }
}
