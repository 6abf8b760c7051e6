//! Typed questions, choices and yes or no: one handler, clients of every revision.

use serde_json::{Value, json};
use wharf::{Answer, Args, Ask, Form, Server, Tool, ToolError};

use crate::{
    conversation::{Lines, initialize, message, with_meta},
    rounds::{ask, params},
    wire::{Request, Site},
    world::{Text, World, failure_of},
};

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
enum Class {
    /// First class
    First,
    /// Second class
    Second,
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Booking {
    /// How many seats
    #[schemars(range(min = 1, max = 8))]
    seats: u8,
    class: Option<Class>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Many {
    classes: Vec<Class>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Unfit {
    #[serde(rename = "nested")]
    _nested: Booking,
}

async fn asked(ask: Ask, text: String) -> Result<String, ToolError> {
    let choices = [("a", "First letter"), ("b", "Second letter")];
    Ok(match text.as_str() {
        "form" => match ask.form::<Booking>("booking", "Book?").or_argument("seats").await? {
            Answer::Accepted(Booking { seats, class }) => format!("{seats} {class:?}"),
            refused => format!("{refused:?}"),
        },
        "choose" => format!("{:?}", ask.choose("letter", "Which?", &choices).await?),
        "confirm" => {
            let answer = ask.confirm("sure", "Sure?").await?;
            format!("{answer:?} {}", answer.is_yes())
        }
        "url" => format!("{:?}", ask.url("consent", "Log in", "https://example.com/").await?),
        "many" => {
            let Many { classes } = ask.form("many", "Which?").await?.accept()?;
            format!("{classes:?}")
        }
        "round" => {
            let round = ask.round().form::<Booking>("booking", "Book?").confirm("sure", "Sure?");
            let answers = round.choose("letter", "Which?", &choices).send().await?;
            let Booking { seats, .. } = answers.form("booking")?.accept()?;
            let (sure, letter) = (answers.confirmation("sure")?, answers.choice("letter")?);
            format!("{seats} {sure:?} {letter:?}")
        }
        "unfit" => format!("{}", ask.form::<Unfit>("x", "?").await?.accepted().is_some()),
        "nothing" => format!("{:?}", ask.choose("x", "?", &[]).await?),
        "doubled" => {
            let schema = json!({"type": "object", "properties": {}});
            let form = || Form::new("?", schema.clone());
            let answers = ask.round().form_with("x", form()).form_with("x", form()).send().await?;
            format!("{answers:?}")
        }
        "crowd" => {
            let mut round = ask.round();
            for n in 0..65 {
                round = round.confirm(&n.to_string(), "Sure?");
            }
            format!("{:?}", round.send().await?)
        }
        other => other.to_owned(),
    })
}

fn asking(server: Server) -> Server {
    let handler = |ask: Ask, Args(Text { text }): Args<Text>| asked(ask, text);
    server.tool(Tool::new("ask").asks::<Booking>().asks::<Many>().handler(handler))
}

fn world() -> World {
    World::with(|server, _| asking(server))
}

fn capabilities() -> Value {
    json!({"elicitation": {"form": {}, "url": {}}})
}

/// Asks and answers by result key; gives the questions and what the tool says.
async fn modern(text: &str, responses: Value) -> (Value, Value) {
    let site = Site::new(&world()).await;
    let meta = json!({"_meta": {wharf::keys::CLIENT_CAPABILITIES: capabilities()}});
    let send = async |mut params: Value| {
        params["_meta"] = with_meta(meta.clone())["_meta"].take();
        ask(&site, params).await
    };
    let begun = send(params("ask", text, Value::Null, &Value::Null)).await;
    let state = &begun["result"]["requestState"];
    let answer = send(params("ask", text, responses, state)).await;
    (begun["result"]["inputRequests"].clone(), answer)
}

/// The same on a legacy session; answers in the order of the questions.
async fn legacy(revision: &str, text: &str, responses: &[Value]) -> (Vec<Value>, Value) {
    let mut lines = Lines::open(&world());
    lines.initialize(revision, capabilities()).await;
    let arguments = json!({"name": "ask", "arguments": {"text": text}});
    lines.send(&message(false, 1, "tools/call", arguments)).await;
    let mut questions = Vec::new();
    for _ in responses {
        questions.push(lines.next().await.unwrap());
    }
    for (question, result) in questions.iter().zip(responses) {
        lines.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result})).await;
    }
    (questions, lines.next().await.unwrap())
}

fn accept(content: Value) -> Value {
    json!({"action": "accept", "content": content})
}

#[tokio::test]
async fn every_kind_of_question_is_asked_and_answered_in_both_eras() {
    let decline = || json!({"action": "decline"});
    for (text, key, reply, expected) in [
        ("form", "booking", accept(json!({"seats": 2, "class": "First"})), "2 Some(First)"),
        ("form", "booking", accept(json!({"seats": 3})), "3 None"),
        // Coerced as arguments are.
        ("form", "booking", accept(json!({"seats": "4"})), "4 None"),
        ("form", "booking", decline(), "Declined"),
        ("form", "booking", json!({"action": "cancel"}), "Cancelled"),
        ("choose", "letter", accept(json!({"choice": "b"})), "Accepted(\"b\")"),
        ("choose", "letter", decline(), "Declined"),
        ("confirm", "sure", accept(json!({"confirmed": true})), "Accepted(true) true"),
        ("confirm", "sure", accept(json!({"confirmed": false})), "Accepted(false) false"),
        ("confirm", "sure", decline(), "Declined false"),
        ("url", "consent", json!({"action": "accept"}), "Accepted(())"),
        ("url", "consent", decline(), "Declined"),
        ("many", "many", accept(json!({"classes": ["Second"]})), "[Second]"),
    ] {
        let (questions, answer) = modern(text, json!({key: reply})).await;
        assert_eq!(answer["result"]["content"][0]["text"], expected, "{text} {answer}");
        let params = &questions[key]["params"];
        let (asked, answer) = legacy("2025-11-25", text, std::slice::from_ref(&reply)).await;
        assert_eq!(answer["result"]["content"][0]["text"], expected, "{text} {answer}");
        // The same question, but for the id that the older revision wants of a URL.
        let mut legacy_params = asked[0]["params"].clone();
        legacy_params.as_object_mut().unwrap().remove("elicitationId");
        assert_eq!(legacy_params, *params);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_its_question_is_refused() {
    for (text, key, reply) in [
        ("form", "booking", accept(json!({"seats": 9}))),
        ("form", "booking", accept(json!({"seats": 1, "class": "Third"}))),
        ("form", "booking", accept(json!({}))),
        ("choose", "letter", accept(json!({"choice": "c"}))),
        ("choose", "letter", accept(json!({"choice": ["a"]}))),
        ("confirm", "sure", accept(json!({"confirmed": "perhaps"}))),
        ("confirm", "sure", accept(json!({}))),
        ("url", "consent", json!({"action": "shrug"})),
        ("many", "many", accept(json!({"classes": "First"}))),
    ] {
        let (_, answer) = modern(text, json!({key: reply})).await;
        assert_eq!(answer["error"]["code"], -32602, "{text} {answer}");
        let (_, answer) = legacy("2025-11-25", text, std::slice::from_ref(&reply)).await;
        assert_eq!(answer["error"]["code"], -32602, "{text} {answer}");
    }
}

#[tokio::test]
async fn several_typed_questions_are_asked_at_once() {
    let replies = [
        accept(json!({"seats": 2})),
        accept(json!({"confirmed": true})),
        accept(json!({"choice": "a"})),
    ];
    let expected = "2 Accepted(true) Accepted(\"a\")";
    let by_key = json!({"booking": replies[0], "sure": replies[1], "letter": replies[2]});
    let (questions, answer) = modern("round", by_key).await;
    assert_eq!(questions.as_object().unwrap().len(), 3);
    assert_eq!(answer["result"]["content"][0]["text"], expected, "{answer}");
    let (_, answer) = legacy("2025-11-25", "round", &replies).await;
    assert_eq!(answer["result"]["content"][0]["text"], expected, "{answer}");
}

#[tokio::test]
async fn an_older_client_is_asked_in_its_own_words() {
    let reply = accept(json!({"choice": "a"}));
    let (asked, answer) = legacy("2025-06-18", "choose", &[reply]).await;
    let letter = json!({"type": "string", "enum": ["a", "b"], "enumNames": ["First letter", "Second letter"]});
    let schema =
        json!({"type": "object", "properties": {"choice": letter}, "required": ["choice"]});
    assert_eq!(asked[0]["params"], json!({"message": "Which?", "requestedSchema": schema}));
    assert_eq!(answer["result"]["content"][0]["text"], "Accepted(\"a\")");
    let (_, answer) = legacy("2025-06-18", "choose", &[accept(json!({"choice": "c"}))]).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    // What it can't show it is not sent.
    let (_, answer) = legacy("2025-06-18", "many", &[]).await;
    let failure = failure_of(&answer["result"]);
    assert_eq!(failure["code"], "SERVICE_UNAVAILABLE", "{answer}");
    assert!(failure["message"].as_str().unwrap().contains("2025-11-25 or later"), "{answer}");
}

#[tokio::test]
async fn a_client_that_can_not_be_asked_is_told_what_to_pass_instead() {
    let site = Site::new(&world()).await;
    let hint = "; pass the argument \"seats\" instead";
    let mut call = params("ask", "form", Value::Null, &Value::Null);
    call["_meta"] = json!({wharf::keys::CLIENT_CAPABILITIES: {}});
    let answer = ask(&site, call).await;
    assert_eq!(answer["error"]["code"], -32021);
    assert_eq!(
        answer["error"]["data"]["requiredCapabilities"],
        json!({"elicitation": {"form": {}}})
    );
    let text = format!(
        "this needs the client capability elicitation (form mode), which the request does not declare{hint}"
    );
    assert_eq!(answer["error"]["message"], text);
    // In a session that did not declare it, without a session, and where no question gets through.
    let tool = json!({"name": "ask", "arguments": {"text": "form"}});
    let session = initialize(&site, "2025-11-25", json!({})).await;
    let without = Request::legacy(1, "tools/call", tool.clone());
    let declared = without.clone().header("Mcp-Session-Id", &session);
    let session = initialize(&site, "2025-11-25", capabilities()).await;
    let deaf = without.clone().header("Mcp-Session-Id", &session);
    for request in [declared, without, deaf.header("Accept", "application/json")] {
        let failure = failure_of(&site.ask(&request).await.json()["result"]);
        assert!(
            failure["message"].as_str().unwrap().contains("pass the argument \"seats\""),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn questions_that_can_not_be_asked_are_the_authors_fault_at_first_use() {
    for text in ["unfit", "nothing", "doubled", "crowd"] {
        let (_, answer) = modern(text, Value::Null).await;
        assert_eq!(failure_of(&answer["result"])["code"], "INTERNAL_ERROR", "{text} {answer}");
        let (_, answer) = legacy("2025-11-25", text, &[]).await;
        assert_eq!(failure_of(&answer["result"])["code"], "INTERNAL_ERROR", "{text} {answer}");
    }
    // One that was declared is found when the server is built.
    let tool = Tool::new("ask").asks::<Booking>().asks::<Unfit>().handler(|| async {});
    let error = Server::new("x", "1").tool(tool).build().unwrap_err().to_string();
    let expected =
        "Unfit can't be a form because of its field \"nested\": an object can't be shown";
    assert!(error.contains("tool \"ask\"") && error.contains(expected), "{error}");
}
