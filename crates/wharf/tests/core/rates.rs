//! Rate limits and limits on calls at once, as clients of every transport and era meet them.

use std::time::Duration;

use serde_json::{Value, json};
use tracing::Level;
use wharf::{Answer, Args, Ask, Form, Limits, Rate, Server, StoreFailure, Tool, ToolError};

use crate::{
    conversation::{Conversation, Lines, Way, message},
    faulty::Faulty,
    logs::Logs,
    sessions::site_of_two_callers,
    wire::{Request, Site},
    world::{Text, World, failure_of},
};

fn limited(rate: Rate) -> World {
    World::with(|server, _| server.rate_limit_per_caller(rate))
}

fn echo() -> Value {
    json!({"text": "x"})
}

#[tokio::test]
async fn a_limited_tool_call_is_a_result_that_says_when_to_come_back() {
    for way in Way::ALL {
        let mut world = limited(Rate::per_hour(6).burst(2));
        let mut conversation = Conversation::open(&world, way).await;
        for _ in 0..2 {
            assert_eq!(conversation.call("echo", echo()).await["content"][0]["text"], "x");
        }
        let failure = failure_of(&conversation.call("echo", echo()).await);
        assert_eq!(failure["code"], "RATE_LIMITED", "{way:?}");
        assert_eq!(failure["retryable"], true);
        let wait = failure["retry_after_seconds"].as_u64().unwrap();
        assert!((590..=600).contains(&wait), "{failure}");
        let details = json!({"limit": "per_caller", "rate": "6/h"});
        assert_eq!(failure["details"], details);
        // Before the arguments are even looked at.
        let failure = failure_of(&conversation.call("echo", json!({"wrong": 1})).await);
        assert_eq!(failure["code"], "RATE_LIMITED");
        // A client that can still list does not believe that the server is broken.
        assert!(conversation.ask("tools/list", json!({})).await.unwrap()["tools"].is_array());
        world
            .assert_recorded(&[
                ("echo", "OK"),
                ("echo", "OK"),
                ("echo", "RATE_LIMITED"),
                ("echo", "RATE_LIMITED"),
            ])
            .await;
    }
}

#[tokio::test]
async fn what_is_no_tool_is_refused_with_the_error_of_the_taxonomy() {
    for way in Way::ALL {
        let world = limited(Rate::per_hour(1));
        let mut conversation = Conversation::open(&world, way).await;
        let read = json!({"uri": "memo://one"});
        conversation.ask("resources/read", read.clone()).await.unwrap();
        let error = conversation.ask("resources/read", read).await.unwrap_err();
        assert_eq!(error["code"], -31003, "{way:?}");
        assert_eq!(error["data"]["code"], "RATE_LIMITED");
        assert!(error["data"]["retry_after_seconds"].as_u64().unwrap() >= 3590, "{error}");
        // A name that does not exist costs as much, or it could be guessed for nothing.
        let guess = json!({"name": "guess", "arguments": {}});
        let refused = conversation.ask("tools/call", guess).await;
        assert_eq!(failure_of(&refused.unwrap())["code"], "RATE_LIMITED");
    }
}

#[tokio::test]
async fn after_dispatch_a_limit_is_no_matter_of_http() {
    let site = Site::new(&limited(Rate::per_hour(1))).await;
    for _ in 0..3 {
        let response = site.ask(&Request::tool(1, "echo", echo())).await;
        assert_eq!((response.status, response.header("retry-after")), (200, None));
    }
}

#[tokio::test]
async fn one_callers_calls_are_not_anothers() {
    let world = limited(Rate::per_hour(2));
    let site = site_of_two_callers(&world).await;
    let call = async |name: &str| {
        let request = Request::tool(1, "echo", echo()).header("X-Name", name);
        site.ask(&request).await.json()["result"]["isError"].as_bool() != Some(true)
    };
    assert!(call("ann").await && call("ann").await && !call("ann").await);
    assert!(call("bob").await && call("bob").await && !call("bob").await);
}

async fn confirm(ask: Ask, Args(Text { text }): Args<Text>) -> Result<String, ToolError> {
    let schema = json!({"type": "object", "properties": {}});
    match ask.form_with("sure", Form::new("sure?", schema)).await? {
        Answer::Accepted(_) => Ok(text),
        _ => Ok("no".to_owned()),
    }
}

#[tokio::test]
async fn the_answer_to_a_question_costs_no_second_token_and_only_once() {
    let server = |server: Server| {
        let tool = Tool::new("confirm").rate_limit(Rate::per_hour(2));
        server.tool(tool.handler(confirm)).rate_limit_per_caller(Rate::per_hour(2))
    };
    let world = World::with(|given, _| server(given));
    let site = Site::new(&world).await;
    let ask = async |params| site.ask(&Request::modern(1, "tools/call", params)).await.json();
    let begin = json!({"name": "confirm", "arguments": echo()});
    let states = [ask(begin.clone()).await, ask(begin.clone()).await];
    assert_eq!(failure_of(&ask(begin.clone()).await["result"])["code"], "RATE_LIMITED");
    let going_on = |state: &Value| {
        let mut params = begin.clone();
        params["requestState"] = state["result"]["requestState"].clone();
        params["inputResponses"] = json!({"sure": {"action": "accept", "content": {}}});
        params
    };
    for state in &states {
        let answer = ask(going_on(state)).await;
        assert_eq!(answer["result"]["content"][0]["text"], "x", "{answer}");
        // Again, it is another call, and there is no token left for it.
        let again = ask(going_on(state)).await;
        assert_eq!(failure_of(&again["result"])["code"], "RATE_LIMITED");
    }
    // A state that someone made up buys nothing: it is refused before.
    let mut made_up = going_on(&states[0]);
    made_up["requestState"] = json!("A".repeat(200));
    assert_eq!(ask(made_up).await["error"]["code"], -32602);
    // Answers without a state are a call like any other.
    let mut stateless = going_on(&states[0]);
    drop(stateless.as_object_mut().unwrap().remove("requestState"));
    assert_eq!(failure_of(&ask(stateless).await["result"])["code"], "RATE_LIMITED");
}

#[tokio::test]
async fn connections_at_once_share_their_callers_bucket() {
    let world = limited(Rate::per_day(10));
    let site = Site::new(&world).await;
    let calls = (0..40).map(|_| async {
        let answer = site.ask(&Request::tool(1, "echo", echo())).await.json();
        answer["result"]["isError"] != true
    });
    let calls =
        tokio::time::timeout(Duration::from_secs(20), futures_util::future::join_all(calls));
    assert_eq!(calls.await.unwrap().into_iter().filter(|passed| *passed).count(), 10);
}

fn one_at_once(server: Server) -> Server {
    let mut limits = Limits::default();
    limits.concurrency_per_caller = Some(1);
    server.limits(limits).tool(Tool::new("confirm").concurrency(1).handler(confirm))
}

#[tokio::test]
async fn a_callers_second_call_waits_for_its_first_and_for_no_one_elses() {
    let world = World::with(|server, _| one_at_once(server));
    let site = site_of_two_callers(&world).await;
    let begin = async |name: &str, tool: &str, arguments: Value| {
        let mut wire = site.connect().await;
        let request = Request::tool(1, tool, arguments).header("X-Name", name);
        wire.send(&request.to_bytes()).await;
        wire
    };
    let mut first = begin("ann", "gate", json!({})).await;
    world.signals.started.wait().await;
    let mut second = begin("ann", "gate", json!({})).await;
    // Someone else is served meanwhile, however long ann's calls take.
    let mut other = begin("bob", "echo", echo()).await;
    assert_eq!(other.response().await.json()["result"]["content"][0]["text"], "x");
    assert!(!world.signals.started.is_raised());
    world.signals.open.raise();
    assert_eq!(first.response().await.json()["result"]["content"][0]["text"], "passed");
    world.signals.started.wait().await;
    world.signals.open.raise();
    assert_eq!(second.response().await.json()["result"]["content"][0]["text"], "passed");
}

#[tokio::test]
async fn while_a_person_is_asked_the_callers_and_the_tools_place_are_free() {
    let world = World::with(|server, _| one_at_once(server));
    let mut lines = Lines::open(&world);
    lines.initialize("2025-11-25", json!({"elicitation": {}})).await;
    let call = |id: i64, text: &str| {
        message(false, id, "tools/call", json!({"name": "confirm", "arguments": {"text": text}}))
    };
    // Both ask, though only one may run at once: who asks does not run.
    let mut questions = Vec::new();
    for (id, text) in [(1, "one"), (2, "two")] {
        lines.send(&call(id, text)).await;
        let question = lines.next().await.expect("a question");
        assert_eq!(question["method"], "elicitation/create", "{question}");
        questions.push(question["id"].clone());
    }
    for (question, expected) in questions.into_iter().zip(["one", "two"]).rev() {
        let result = json!({"action": "accept", "content": {}});
        lines.send(&json!({"jsonrpc": "2.0", "id": question, "result": result})).await;
        let answer = lines.next().await.expect("an answer");
        assert_eq!(answer["result"]["content"][0]["text"], expected, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_in_trouble_is_told_loudly_and_not_for_each_call() {
    for (choice, passes) in [(StoreFailure::Allow, true), (StoreFailure::Refuse, false)] {
        for way in [Way::LinesModern, Way::LinesLegacy] {
            let logs = Logs::collect();
            let world = World::bare(|server| {
                let full = Faulty::with(|limits| limits.entries = 0);
                server
                    .state_store(full)
                    .rate_limit_per_caller(Rate::per_minute(1))
                    .rate_limits(|limits| limits.store_failure = choice)
                    .tool(Tool::new("free").handler(|| async { "passed" }))
            });
            let mut client = Conversation::open(&world, way).await;
            let told = || {
                logs.matching(
                    Level::WARN,
                    if passes { "NO RATE LIMITS" } else { "refused because" },
                )
                .len()
            };
            for round in 1..=2 {
                for _ in 0..20 {
                    let result = client.call("free", json!({})).await;
                    match passes {
                        true => assert_eq!(result["content"][0]["text"], "passed"),
                        false => assert_eq!(failure_of(&result)["code"], "SERVICE_UNAVAILABLE"),
                    }
                }
                assert_eq!(told(), round, "{choice:?} {way:?}");
                tokio::time::advance(Duration::from_secs(10)).await;
            }
        }
    }
}
