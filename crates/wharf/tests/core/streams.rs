//! What a legacy session's streams carry: questions and their answers, changes, and what a client missed while it was away.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use wharf::{Answer, Ask, Event, Form, Log, LogLevel, Polling, Tool, ToolError};

use crate::{
    conversation::{Lines, initialize, initialize_request, message},
    wire::{Direct, Request, Site, Wire},
    world::{Guard, Signals, World, failure_of},
};

fn call(id: i64, tool: &str, session: &str) -> Request {
    Request::legacy(id, "tools/call", json!({"name": tool, "arguments": {}}))
        .header("Mcp-Session-Id", session)
}

fn asking(server: wharf::Server, _: &Arc<Signals>) -> wharf::Server {
    server.tool(Tool::new("ask").handler(|ask: Ask| async move {
        let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
        match ask.form_with("name", Form::new("Who?", schema)).await? {
            Answer::Accepted(form) => Ok::<_, ToolError>(json!(form).to_string()),
            other => Ok(format!("{other:?}")),
        }
    }))
}

fn answer_to(id: &Value, result: Value, session: &str) -> Request {
    Request::post(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
        .header("Mcp-Session-Id", session)
}

#[tokio::test]
async fn a_question_goes_out_on_the_stream_and_its_answer_comes_by_another_request() {
    let mut world = World::with(asking);
    let site = Site::new(&world).await;
    let capabilities = json!({"elicitation": {}});
    let id = initialize(&site, "2025-11-25", capabilities.clone()).await;
    let other = initialize(&site, "2025-11-25", capabilities).await;
    let mut wire = site.connect().await;
    wire.open(&call(1, "ask", &id)).await;
    assert_eq!(wire.event().await.unwrap().data, Value::Null, "the priming event");
    let question = wire.event().await.unwrap().data;
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(question["params"]["message"], "Who?");
    assert_eq!(question["params"]["mode"], "form");
    // Answers to other questions, of other sessions, and malformed ones change nothing.
    let accept = |name: &str| json!({"action": "accept", "content": {"name": name}});
    for wrong in [json!(999), json!("1"), json!(-1)] {
        assert_eq!(site.ask(&answer_to(&wrong, accept("no"), &id)).await.status, 202);
    }
    assert_eq!(site.ask(&answer_to(&question["id"], accept("no"), &other)).await.status, 202);
    let sessionless = answer_to(&question["id"], accept("no"), "").without("Mcp-Session-Id");
    assert_eq!(site.ask(&sessionless).await.status, 202);
    assert_eq!(site.ask(&answer_to(&question["id"], accept("ann"), &id)).await.status, 202);
    let answer = wire.event().await.unwrap().data;
    assert_eq!(answer["result"]["content"][0]["text"], r#"{"name":"ann"}"#);
    assert!(wire.event().await.is_none());
    // A second answer to the same question is late.
    assert_eq!(site.ask(&answer_to(&question["id"], accept("late"), &id)).await.status, 202);
    world.assert_recorded(&[("ask", "OK")]).await;
}

#[tokio::test]
async fn what_a_client_answers_to_a_question_decides_the_call() {
    let error = json!({"code": -1, "message": "no thanks"});
    for (reply, text, code) in [
        (json!({"result": {"action": "decline"}}), "Declined", ""),
        (json!({"result": {"action": "cancel"}}), "Cancelled", ""),
        (json!({"error": error}), "", "SERVICE_UNAVAILABLE"),
        (json!({"result": {"action": "shrug"}}), "", "-32602"),
        (json!({"result": "accept"}), "", "-32602"),
        (json!({"result": null}), "", "-32602"),
        (json!({"result": {"action": "accept", "content": {"name": {}}}}), "", "-32602"),
    ] {
        let world = World::with(asking);
        let mut lines = Lines::open(&world);
        lines.initialize("2025-11-25", json!({"elicitation": {}})).await;
        let question = lines.ask(&message(false, 1, "tools/call", json!({"name": "ask"}))).await;
        let mut full = json!({"jsonrpc": "2.0", "id": question["id"]});
        full.as_object_mut().unwrap().extend(reply.as_object().unwrap().clone());
        let answer = lines.ask(&full).await;
        match code {
            "" => assert_eq!(answer["result"]["content"][0]["text"], text),
            "-32602" => assert_eq!(answer["error"]["code"], -32602, "{answer}"),
            code => assert_eq!(failure_of(&answer["result"])["code"], code),
        }
    }
}

#[tokio::test]
async fn a_client_that_can_not_be_asked_is_told_why() {
    let world = World::with(asking);
    let site = Site::new(&world).await;
    let without = initialize(&site, "2025-11-25", json!({})).await;
    let lacks = "this needs the client capability elicitation (form mode), which the client did not declare in initialize";
    let result = site.ask(&call(1, "ask", &without)).await.json()["result"].take();
    assert_eq!(
        (failure_of(&result)["code"].as_str(), failure_of(&result)["message"].as_str()),
        (Some("INVALID_INPUT"), Some(lacks))
    );
    // One that takes no stream can't hear the question.
    let id = initialize(&site, "2025-11-25", json!({"elicitation": {}})).await;
    let request = call(1, "ask", &id).header("Accept", "application/json");
    let result = site.ask(&request).await.json()["result"].take();
    assert_eq!(failure_of(&result)["code"], "SERVICE_UNAVAILABLE");
}

#[tokio::test]
async fn an_answer_that_meets_a_full_line_ends_as_busy() {
    let world = World::with(|server, signals| {
        let mut limits = wharf::Limits::default();
        (limits.concurrency, limits.queue) = (1, 0);
        asking(server.limits(limits), signals)
    });
    let mut lines = Lines::open(&world);
    lines.initialize("2025-11-25", json!({"elicitation": {}})).await;
    let question = lines.ask(&message(false, 1, "tools/call", json!({"name": "ask"}))).await;
    // While the person thinks, someone else takes the only permit.
    lines.send(&message(false, 2, "tools/call", json!({"name": "gate"}))).await;
    world.signals.started.wait().await;
    let accept = json!({"action": "accept", "content": {"name": "ann"}});
    let full = json!({"jsonrpc": "2.0", "id": question["id"], "result": accept});
    let failure = failure_of(&lines.ask(&full).await["result"]);
    assert_eq!(failure["code"], "SERVICE_UNAVAILABLE", "{failure}");
    assert_eq!(failure["retry_after_seconds"], 1);
    world.signals.open.raise();
    assert_eq!(lines.next().await.unwrap()["id"], 2);
}

#[tokio::test(start_paused = true)]
async fn the_clock_goes_on_as_soon_as_the_person_has_answered() {
    let second = std::time::Duration::from_secs(1);
    let world = World::with(|server, _| {
        let slow = Tool::new("slow").timeout(2 * second).handler(|ask: Ask| async move {
            ask.confirm("sure", "Sure?").await?;
            std::future::pending::<Result<(), wharf::ToolError>>().await
        });
        server.tool(slow)
    });
    let mut lines = Lines::open(&world);
    lines.initialize("2025-11-25", json!({"elicitation": {}})).await;
    let question = lines.ask(&message(false, 1, "tools/call", json!({"name": "slow"}))).await;
    // Longer than the call may take: that time is the person's.
    tokio::time::sleep(5 * second).await;
    let accept = json!({"action": "accept", "content": {"confirmed": true}});
    let answered = tokio::time::Instant::now();
    let full = json!({"jsonrpc": "2.0", "id": question["id"], "result": accept});
    let failure = failure_of(&lines.ask(&full).await["result"]);
    assert_eq!(failure["code"], "TIMEOUT", "{failure}");
    let took = answered.elapsed();
    assert!(took > second && took < 3 * second, "{took:?}");
}

/// Says "1" to "3", each when the test lets it.
fn counting(server: wharf::Server, signals: &Arc<Signals>) -> wharf::Server {
    let signals = Arc::clone(signals);
    server.tool(Tool::new("count").handler(move |log: Log, polling: Polling| {
        let signals = Arc::clone(&signals);
        async move {
            log.send(LogLevel::Error, 1).await;
            signals.started.raise();
            signals.open.wait().await;
            polling.release().await;
            for number in 2..=3 {
                log.send(LogLevel::Error, number).await;
            }
            "counted"
        }
    }))
}

fn resume(session: &str, last: &str) -> Request {
    Request::new("GET").header("Mcp-Session-Id", session).header("Last-Event-ID", last)
}

async fn said(wire: &mut Wire) -> (String, Value) {
    let event = wire.event().await.unwrap();
    let mut data = event.data;
    let said = match data.get("params") {
        Some(params) => params["data"].clone(),
        None => data["result"]["content"][0]["text"].take(),
    };
    (event.id.unwrap(), said)
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed() {
    for broken in [false, true] {
        let mut world = World::with(counting);
        let site = Site::new(&world).await;
        let id = initialize(&site, "2025-11-25", json!({})).await;
        let mut wire = site.connect().await;
        wire.open(&call(1, "count", &id)).await;
        let primed = wire.event().await.unwrap().id.unwrap();
        let (first, one) = said(&mut wire).await;
        assert_eq!(one, 1);
        world.signals.started.wait().await;
        if broken {
            drop(wire);
            world.signals.open.raise();
        } else {
            world.signals.open.raise();
            assert!(wire.event().await.is_none(), "released");
        }
        let mut again = site.connect().await;
        again.open(&resume(&id, &first)).await;
        let (second, two) = said(&mut again).await;
        assert_eq!(two, 2);
        assert_eq!(said(&mut again).await.1, 3);
        assert_eq!(said(&mut again).await.1, "counted");
        assert!(again.event().await.is_none());
        // The whole stream is still there, from any point on.
        for (last, left) in [(&second, 2), (&first, 3), (&primed, 5)] {
            let mut wire = site.connect().await;
            wire.open(&resume(&id, last)).await;
            let mut count = 0;
            while wire.event().await.is_some() {
                count += 1;
            }
            assert_eq!(count, left, "after {last}");
        }
        world.assert_recorded(&[("count", "OK")]).await;
    }
}

#[tokio::test]
async fn made_up_event_ids_are_refused() {
    let world = World::new();
    let site = Site::new(&world).await;
    let id = initialize(&site, "2025-11-25", json!({})).await;
    for last in ["", "x", "1", "1-", "-1", "1-x", "9-1", "1-1-1", "18446744073709551616-0", "0-0"] {
        let response = site.ask(&resume(&id, last)).await;
        assert_eq!(response.status, 400, "{last:?}");
        assert_eq!(response.text(), "Last-Event-ID names no stream of this session\n");
    }
}

#[tokio::test]
async fn a_session_hears_of_changes_once_and_on_one_stream() {
    let world = World::new();
    let site = Site::new(&world).await;
    let id = initialize(&site, "2025-11-25", json!({})).await;
    let get = Request::new("GET").header("Mcp-Session-Id", &id);
    assert_eq!(site.ask(&get.clone().header("Accept", "application/json")).await.status, 406);
    let mut first = site.connect().await;
    first.open(&get).await;
    assert_eq!(first.event().await.unwrap().data, Value::Null);
    let publish = |event| world.service.handle().publish(event);
    publish(Event::ToolsChanged);
    let heard = first.event().await.unwrap();
    assert_eq!(heard.data, json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}));
    // A second stream takes the first one's place.
    let mut second = site.connect().await;
    second.open(&get).await;
    assert!(first.event().await.is_none());
    assert_eq!(second.event().await.unwrap().data, Value::Null);
    publish(Event::ResourceUpdated { uri: "memo://one".into() });
    publish(Event::PromptsChanged);
    let mut method = second.event().await.unwrap().data["method"].take();
    while method == "notifications/tools/list_changed" {
        method = second.event().await.unwrap().data["method"].take();
    }
    assert_eq!(method, "notifications/prompts/list_changed", "nothing of what was not subscribed");
    // While nobody reads, changes are kept for whoever comes back.
    drop(second);
    publish(Event::ResourcesChanged);
    let mut third = site.connect().await;
    third.open(&resume(&id, heard.id.as_deref().unwrap())).await;
    let mut methods = Vec::new();
    while methods.last().is_none_or(|last| last != "notifications/resources/list_changed") {
        methods.push(third.event().await.unwrap().data["method"].take());
    }
    assert_eq!(methods[0], "notifications/prompts/list_changed");
}

#[tokio::test]
async fn subscriptions_and_the_log_level_filter_what_is_sent() {
    let world = World::with(|server, _| {
        server.tool(Tool::new("log").handler(|log: Log| async move {
            for level in [LogLevel::Debug, LogLevel::Info, LogLevel::Error, LogLevel::Emergency] {
                log.send(level, level.as_str()).await;
            }
        }))
    });
    let mut lines = Lines::open(&world);
    lines.initialize("2025-11-25", json!({})).await;
    for (level, expected) in [
        ("", &["info", "error", "emergency"][..]),
        ("debug", &["debug", "info", "error", "emergency"]),
        ("critical", &["emergency"]),
    ] {
        if !level.is_empty() {
            let set =
                lines.ask(&message(false, 1, "logging/setLevel", json!({"level": level}))).await;
            assert_eq!(set["result"], json!({}));
        }
        lines.send(&message(false, 2, "tools/call", json!({"name": "log"}))).await;
        for level in expected {
            assert_eq!(lines.next().await.unwrap()["params"]["level"], *level);
        }
        assert_eq!(lines.next().await.unwrap()["id"], 2);
    }
    for bad in [json!("loud"), json!("ERROR"), json!(3), json!(null)] {
        let refused =
            lines.ask(&message(false, 1, "logging/setLevel", json!({"level": bad}))).await;
        assert_eq!(refused["error"]["code"], -32602);
    }
    let subscribe = |method: &str, uri: &str| message(false, 3, method, json!({"uri": uri}));
    assert_eq!(
        lines.ask(&subscribe("resources/subscribe", "memo://one")).await["result"],
        json!({})
    );
    let unknown = lines.ask(&subscribe("resources/subscribe", "memo://two")).await;
    assert_eq!(unknown["error"]["code"], -32002);
    let updated =
        || world.service.handle().publish(Event::ResourceUpdated { uri: "memo://one".into() });
    updated();
    let params = json!({"uri": "memo://one"});
    assert_eq!(lines.next().await.unwrap()["params"], params);
    assert_eq!(
        lines.ask(&subscribe("resources/unsubscribe", "memo://one")).await["result"],
        json!({})
    );
    updated();
    assert_eq!(lines.ask(&message(false, 4, "ping", json!({}))).await["id"], 4);
}

/// Says something every ten seconds, for ever.
#[tokio::test(start_paused = true)]
async fn a_call_whose_client_stays_away_is_cancelled() {
    let mut world = World::with(|server, signals| {
        let signals = Arc::clone(signals);
        let timeout = Duration::from_secs(3600);
        server.tool(Tool::new("tick").timeout(timeout).handler(move |log: Log| {
            let signals = Arc::clone(&signals);
            async move {
                let _guard = Guard(signals);
                for _ in 0..10_000 {
                    log.send(LogLevel::Error, "tick").await;
                    tokio::time::sleep(Duration::from_secs(10)).await;
                }
            }
        }))
    });
    let window = Duration::from_secs(60);
    let http = Direct::with(&world, |settings| settings.sessions.resume_window = window);
    let response = http.ask(&initialize_request("2025-11-25", json!({}))).await;
    let id = response.header("mcp-session-id").unwrap().to_owned();
    let stream = http.open(&call(1, "tick", &id)).await;
    // However long the client reads, it is not away.
    tokio::time::sleep(window * 3).await;
    assert!(!world.signals.dropped.is_raised());
    drop(stream);
    tokio::time::sleep(window - Duration::from_secs(1)).await;
    assert!(!world.signals.dropped.is_raised());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(world.signals.dropped.is_raised());
    world.assert_recorded(&[("tick", "CANCELLED")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_misses_nothing_however_much_is_said() {
    let world = World::with(|server, _| {
        server.tool(Tool::new("burst").handler(|log: Log| async move {
            for number in 0..2000 {
                log.send(LogLevel::Error, number).await;
            }
        }))
    });
    let http = Direct::with(&world, |settings| settings.sessions.replay_events = 8);
    for revision in ["2025-06-18", "2025-11-25"] {
        let response = http.ask(&initialize_request(revision, json!({}))).await;
        let id = response.header("mcp-session-id").unwrap().to_owned();
        let response = http.ask(&call(1, "burst", &id)).await;
        let said = response.text().lines().filter_map(|line| line.strip_prefix("data: {"));
        let said: Vec<Value> =
            said.map(|rest| serde_json::from_str(&format!("{{{rest}")).unwrap()).collect();
        assert_eq!(said.len(), 2001, "{revision}");
        for (number, message) in said[..2000].iter().enumerate() {
            assert_eq!(message["params"]["data"], number);
        }
        assert_eq!(said[2000]["id"], 1);
    }
}
