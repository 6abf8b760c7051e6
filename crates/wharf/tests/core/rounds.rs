//! Questions of 2026-07-28: results that ask, and the sealed state that lets the same call, and no other, go on.

use std::time::Duration;

use serde_json::{Value, json};
use wharf::{Answer, Args, Ask, Form, Limits, Server, Tool, ToolError};

use crate::{
    conversation::{Lines, message},
    sessions::site_of_two_callers,
    wire::{Request, Site},
    world::{Text, World},
};

pub(crate) fn form(message: &str) -> Form {
    let text = json!({"type": "string"});
    Form::new(
        message,
        json!({"type": "object", "properties": {"said": text}, "required": ["said"]}),
    )
}

async fn two_questions(ask: Ask, text: String) -> Result<String, ToolError> {
    let mut told = vec![text];
    for key in ["first", "second"] {
        told.push(match ask.form_with(key, form(key)).await? {
            Answer::Accepted(form) => form["said"].as_str().unwrap_or_default().to_owned(),
            other => format!("{other:?}"),
        });
    }
    Ok(told.join(" "))
}

fn asking(server: Server) -> Server {
    let tool = |name: &'static str| {
        Tool::new(name)
            .handler(|ask: Ask, Args(Text { text }): Args<Text>| two_questions(ask, text))
    };
    server.tool(tool("ask")).tool(tool("ask_too"))
}

fn world() -> World {
    World::with(|server, _| asking(server))
}

pub(crate) fn params(tool: &str, text: &str, responses: Value, state: &Value) -> Value {
    let mut params = json!({"name": tool, "arguments": {"text": text}});
    if !responses.is_null() {
        params["inputResponses"] = responses;
    }
    if !state.is_null() {
        params["requestState"] = state.clone();
    }
    params
}

pub(crate) fn said(key: &str, said: &str) -> Value {
    json!({key: {"action": "accept", "content": {"said": said}}})
}

/// The state of an `input_required` result that asks `key`.
pub(crate) fn state_of(answer: &Value, key: &str) -> Value {
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let requests = result["inputRequests"].as_object().unwrap();
    assert_eq!(requests.keys().collect::<Vec<_>>(), [key]);
    assert_eq!(requests[key]["method"], "elicitation/create");
    assert_eq!(requests[key]["params"]["message"], key);
    assert!(result["_meta"][wharf::keys::SERVER_INFO].is_object());
    assert!(result.get("content").is_none());
    result["requestState"].clone()
}

pub(crate) async fn ask(site: &Site, params: Value) -> Value {
    site.ask(&Request::modern(1, "tools/call", params)).await.json()
}

const REFUSED: &str =
    "\"requestState\" is not valid for this call or has expired; call again without it";

pub(crate) fn assert_refused(answer: &Value) {
    assert_eq!(answer["error"], json!({"code": -32602, "message": REFUSED}), "{answer}");
}

#[tokio::test]
async fn answers_accumulate_over_the_rounds() {
    let mut world = world();
    let site = Site::new(&world).await;
    let one = state_of(&ask(&site, params("ask", "x", Value::Null, &Value::Null)).await, "first");
    let two = state_of(&ask(&site, params("ask", "x", said("first", "a"), &one)).await, "second");
    let done = params("ask", "x", said("second", "b"), &two);
    let answer = ask(&site, done.clone()).await;
    assert_eq!(answer["result"]["content"][0]["text"], "x a b");
    assert_eq!(answer["result"]["resultType"], "complete");
    // The same round again is the same call again: nothing in it is spent.
    assert_eq!(ask(&site, done).await["result"], answer["result"]);
    // An answer that was given stands; a later one under its key changes nothing.
    let mut both = said("second", "b");
    both["first"] = said("first", "other")["first"].take();
    let answer = ask(&site, params("ask", "x", both, &two)).await;
    assert_eq!(answer["result"]["content"][0]["text"], "x a b");
    // Without its state a round begins anew, with whatever answers it brings.
    state_of(&ask(&site, params("ask", "x", said("first", "a"), &Value::Null)).await, "second");
    state_of(&ask(&site, params("ask", "x", said("second", "b"), &Value::Null)).await, "first");
    world
        .assert_recorded(&[
            ("ask", "INPUT_REQUIRED"),
            ("ask", "INPUT_REQUIRED"),
            ("ask", "OK"),
            ("ask", "OK"),
            ("ask", "OK"),
            ("ask", "INPUT_REQUIRED"),
            ("ask", "INPUT_REQUIRED"),
        ])
        .await;
}

#[tokio::test]
async fn the_state_is_good_for_its_own_call_only() {
    let world = world();
    let site = Site::new(&world).await;
    let one = state_of(&ask(&site, params("ask", "x", Value::Null, &Value::Null)).await, "first");
    let answers = || said("first", "a");
    assert_refused(&ask(&site, params("ask", "y", answers(), &one)).await);
    assert_refused(&ask(&site, params("ask_too", "x", answers(), &one)).await);
    let mut more = params("ask", "x", answers(), &one);
    more["arguments"]["extra"] = json!(null);
    assert_refused(&ask(&site, more).await);
    let read = json!({"uri": "memo://one", "requestState": one, "inputResponses": answers()});
    let read = site.ask(&Request::modern(1, "resources/read", read)).await.json();
    assert_refused(&read);
    // Another server's seal, and every changed byte of this one's.
    let other = Site::new(&self::world()).await;
    assert_refused(&ask(&other, params("ask", "x", answers(), &one)).await);
    let text = one.as_str().unwrap();
    for at in (0..text.len()).step_by(7) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = json!(String::from_utf8(bytes).unwrap());
        assert_refused(&ask(&site, params("ask", "x", answers(), &changed)).await);
    }
    let doubled = format!("{text}{text}");
    for made_up in ["", "A", "=", &text[1..], &text[..text.len() - 1], &doubled, "\u{0}"] {
        assert_refused(&ask(&site, params("ask", "x", answers(), &json!(made_up))).await);
    }
    for wrong in [json!(1), json!({}), json!([one])] {
        let answer = ask(&site, params("ask", "x", answers(), &wrong)).await;
        let text = "\"requestState\" must be a string";
        assert_eq!(answer["error"], json!({"code": -32602, "message": text}));
    }
    // Order and spacing of the arguments are the client's: the call is still the same.
    let spaced = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"requestState":{one},"arguments":{{ "\u0074ext" : "x" }},
        "inputResponses":{},"name":"ask","_meta":{}}}}}"#,
        answers(),
        crate::conversation::with_meta(json!({}))["_meta"],
    );
    let mut request = Request::tool(1, "ask", json!({}));
    request.body = spaced.into_bytes();
    state_of(&site.ask(&request).await.json(), "second");
}

#[tokio::test]
async fn the_state_is_good_for_its_own_caller_only() {
    let world = world();
    let site = site_of_two_callers(&world).await;
    let as_caller = async |name: &str, params| {
        site.ask(&Request::modern(1, "tools/call", params).header("X-Name", name)).await.json()
    };
    let begun = as_caller("ann", params("ask", "x", Value::Null, &Value::Null)).await;
    let one = state_of(&begun, "first");
    assert_refused(&as_caller("bob", params("ask", "x", said("first", "a"), &one)).await);
    let going_on = as_caller("ann", params("ask", "x", said("first", "a"), &one)).await;
    state_of(&going_on, "second");
}

#[tokio::test]
async fn the_state_expires() {
    for (ttl, valid) in [(Duration::ZERO, false), (Duration::from_secs(60), true)] {
        let world = World::with(|server, _| {
            let mut limits = Limits::default();
            limits.request_state_ttl = ttl;
            asking(server.limits(limits))
        });
        let site = Site::new(&world).await;
        let begun = ask(&site, params("ask", "x", Value::Null, &Value::Null)).await;
        let one = state_of(&begun, "first");
        let answer = ask(&site, params("ask", "x", said("first", "a"), &one)).await;
        if valid {
            state_of(&answer, "second");
        } else {
            assert_refused(&answer);
        }
    }
}

#[tokio::test]
async fn garbage_instead_of_answers_is_refused() {
    let world = world();
    let mut lines = Lines::open(&world);
    let begin = message(true, 1, "tools/call", params("ask", "x", Value::Null, &Value::Null));
    let one = state_of(&lines.ask(&begin).await, "first");
    let mut send = async |responses| {
        lines.ask(&message(true, 1, "tools/call", params("ask", "x", responses, &one))).await
    };
    for garbage in [
        json!([]),
        json!("first"),
        json!(1),
        json!({"first": "yes"}),
        json!({"first": null}),
        json!({"first": []}),
        json!({"first": {}}),
        json!({"first": {"action": "ACCEPT"}}),
        json!({"first": {"action": "accept"}}),
        json!({"first": {"action": "accept", "content": []}}),
        json!({"first": {"action": "accept", "content": {"said": {}}}}),
        json!({"first": {"action": "accept", "content": {}}}),
    ] {
        let answer = send(garbage.clone()).await;
        assert_eq!(answer["error"]["code"], -32602, "{garbage}: {answer}");
    }
    // Answers to what was not asked are no answers.
    state_of(&send(json!({"FIRST": {"action": "decline"}, "": {}, "second": 5})).await, "first");
    state_of(&send(json!({})).await, "first");
    // A refusal by the person is an answer.
    state_of(&send(json!({"first": {"action": "decline"}})).await, "second");
    let many = |count: usize| -> Value {
        (0..count)
            .map(|n| (format!("k{n}"), json!({"action": "decline"})))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    state_of(&send(many(64)).await, "first");
    let text = "\"inputResponses\" has more than 64 answers";
    assert_eq!(send(many(65)).await["error"], json!({"code": -32602, "message": text}));
    // What is carried on is bounded, whatever was said.
    let text = "the answers so far exceed 65536 bytes; answer more briefly";
    let answer = send(said("first", &"x".repeat(100_000))).await;
    assert_eq!(answer["error"], json!({"code": -32602, "message": text}));
}

#[tokio::test]
async fn the_same_key_twice_among_the_answers_is_refused() {
    let world = world();
    let mut lines = Lines::open(&world);
    let call = message(true, 1, "tools/call", params("ask", "x", said("first", "a"), &Value::Null));
    let twice =
        call.to_string().replace("\"first\":", "\"first\":{\"action\":\"decline\"},\"first\":");
    lines.send_raw(format!("{twice}\n").as_bytes()).await;
    let text = "\"inputResponses\" must be an object of answers by question key";
    assert_eq!(lines.next().await.unwrap()["error"], json!({"code": -32602, "message": text}));
}
