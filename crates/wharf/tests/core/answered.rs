//! Every request is answered, however its handler ends, and recorded once with the outcome that the caller read.

use std::time::Duration;

use serde_json::{Value, json};
use wharf::{Limits, Prompt, Tool};

use crate::{
    conversation::{Conversation, Lines, Way, message},
    world::{World, failure_of},
};

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// An internal failure tells its reader the request id and nothing else.
fn assert_internal(failure: &Value) {
    assert_eq!(failure["code"], "INTERNAL_ERROR");
    assert_eq!(failure["retryable"], false);
    let message = failure["message"].as_str().unwrap();
    let id = message
        .strip_prefix("internal error; quote request ")
        .and_then(|rest| rest.strip_suffix(" when you report it"))
        .unwrap_or_else(|| panic!("{message}"));
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(failure.as_object().unwrap().len(), 3, "{failure}");
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_next_call_works() {
    for way in Way::ALL {
        let mut world = World::new();
        let mut client = Conversation::open(&world, way).await;
        for tool in ["panic_at_once", "panic_first", "panic_later"] {
            let result = client.call(tool, json!({"text": "x"})).await;
            assert_internal(&failure_of(&result));
        }
        let echoed = client.call("echo", json!({"text": "hi"})).await;
        assert_eq!(echoed, json!({"content": [{"type": "text", "text": "hi"}]}));
        let expected = [
            ("panic_at_once", "INTERNAL_ERROR"),
            ("panic_first", "INTERNAL_ERROR"),
            ("panic_later", "INTERNAL_ERROR"),
            ("echo", "OK"),
        ];
        world.assert_recorded(&expected).await;
    }
}

#[tokio::test]
async fn each_kind_of_failure_reaches_the_caller_without_its_detail() {
    for way in Way::ALL {
        let mut world = World::new();
        let mut client = Conversation::open(&world, way).await;
        let mut records = Vec::new();
        for (kind, retryable) in [
            ("INVALID_INPUT", false),
            ("AUTHENTICATION_FAILED", false),
            ("PERMISSION_DENIED", false),
            ("RESOURCE_NOT_FOUND", false),
            ("RATE_LIMITED", true),
            ("TIMEOUT", true),
            ("CANCELLED", false),
            ("CONFLICT", false),
            ("SERVICE_UNAVAILABLE", true),
        ] {
            let result = client.call("fail", json!({"text": kind})).await;
            assert!(!result.to_string().contains("secret"), "{result}");
            let mut expected =
                json!({"code": kind, "message": "said to the caller", "retryable": retryable});
            match kind {
                "INVALID_INPUT" => expected["details"] = json!({"field": "x"}),
                "RATE_LIMITED" => expected["retry_after_seconds"] = 2.into(),
                _ => {}
            }
            assert_eq!(failure_of(&result), expected, "{way:?}");
            records.push(("fail", kind));
        }
        let result = client.call("fail", json!({"text": "INTERNAL"})).await;
        assert!(!result.to_string().contains("secret"), "{result}");
        assert_internal(&failure_of(&result));
        records.push(("fail", "INTERNAL_ERROR"));
        world.assert_recorded(&records).await;
    }
}

#[tokio::test]
async fn a_call_that_never_returns_is_ended_by_its_deadline() {
    for way in Way::ALL {
        let mut world = World::with(|server, _| server.timeout(Duration::from_millis(30)));
        let mut client = Conversation::open(&world, way).await;
        let result = client.call("watch", json!({})).await;
        let text = "the call took longer than its limit of 30ms; ask for less, or raise the limit in the configuration";
        assert_eq!(
            failure_of(&result),
            json!({"code": "TIMEOUT", "message": text, "retryable": true})
        );
        // The handler is gone, and what it left behind knows.
        world.signals.dropped.wait().await;
        world.signals.cancelled.wait().await;
        world.assert_recorded(&[("watch", "TIMEOUT")]).await;
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "secret-detail");
    }
}

#[tokio::test]
async fn a_handler_that_panics_while_it_is_stopped_is_still_answered() {
    for way in Way::ALL {
        let mut world = World::with(|server, _| {
            server.timeout(Duration::from_millis(30)).tool(Tool::new("bomb").handler(|| async {
                let _bomb = Bomb;
                std::future::pending::<()>().await;
            }))
        });
        let mut client = Conversation::open(&world, way).await;
        let result = client.call("bomb", json!({})).await;
        assert_eq!(failure_of(&result)["code"], "TIMEOUT");
        let echoed = client.call("echo", json!({"text": "hi"})).await;
        assert_eq!(echoed["content"][0]["text"], "hi");
        world.assert_recorded(&[("bomb", "TIMEOUT"), ("echo", "OK")]).await;
    }
}

#[tokio::test]
async fn a_full_line_refuses_and_a_place_in_it_is_served() {
    for way in Way::ALL {
        for queue in [0, 1] {
            let mut world = World::with(|server, _| {
                server.limits(limits(|limits| {
                    limits.concurrency = 1;
                    limits.queue = queue;
                }))
            });
            let mut client = Conversation::open(&world, way).await;
            let mut begun = vec![client.begin(1, "gate").await];
            world.signals.started.wait().await;
            let mut expected = vec![("gate", "OK")];
            if queue == 1 {
                begun.push(client.begin(2, "gate").await);
                // Over HTTP the two connections race; the second call stands in line once a third is refused.
                expected.push(("gate", "OK"));
            }
            let refused = loop {
                let result = client.call("echo", json!({"text": "x"})).await;
                if result.get("isError").is_some() {
                    break result;
                }
                expected.push(("echo", "OK"));
                tokio::task::yield_now().await;
            };
            expected.push(("echo", "SERVICE_UNAVAILABLE"));
            let busy = json!({
                "code": "SERVICE_UNAVAILABLE",
                "message": "the server is busy; try again shortly",
                "retryable": true,
                "retry_after_seconds": 1,
            });
            assert_eq!(failure_of(&refused), busy);
            // Lists need no handler and are served all the same.
            assert!(client.ask("tools/list", json!({})).await.is_ok());
            for begun in begun {
                world.signals.open.raise();
                let answer = client.answer(begun).await;
                assert_eq!(answer["result"]["content"][0]["text"], "passed", "{answer}");
            }
            world.assert_recorded(&expected).await;
        }
    }
}

#[tokio::test]
async fn calls_that_outlive_the_grace_period_are_told_so() {
    for way in Way::ALL {
        let mut world = World::new();
        let mut client = Conversation::open(&world, way).await;
        let begun = client.begin(9, "watch").await;
        world.signals.started.wait().await;
        client.shut_down();
        let answer = client.answer(begun).await;
        assert_eq!(answer["id"], 9, "{way:?}");
        let text = "the server is shutting down; call again in a moment";
        assert_eq!(
            failure_of(&answer["result"]),
            json!({"code": "SERVICE_UNAVAILABLE", "message": text, "retryable": true}),
            "{way:?}"
        );
        world.signals.dropped.wait().await;
        world.signals.cancelled.wait().await;
        world.assert_recorded(&[("watch", "SERVICE_UNAVAILABLE")]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_end_within_the_grace_period_are_answered() {
    let mut world = World::new();
    let mut lines = Lines::with_grace(&world, Duration::from_secs(10));
    lines.send(&message(true, 1, "tools/call", json!({"name": "gate", "arguments": {}}))).await;
    world.signals.started.wait().await;
    lines.shutdown.begin();
    tokio::time::sleep(Duration::from_secs(9)).await;
    world.signals.open.raise();
    let answer = lines.next().await.unwrap();
    assert_eq!(answer["result"]["content"][0]["text"], "passed");
    assert_eq!(lines.next().await, None);
    world.assert_recorded(&[("gate", "OK")]).await;
}

#[tokio::test]
async fn unknown_things_are_named_in_the_refusal() {
    for way in Way::ALL {
        let world = World::with(|server, _| {
            server.prompt(Prompt::new("greet").handler(|| async { "hello" }))
        });
        let mut client = Conversation::open(&world, way).await;
        let mut check = async |method: &str, params: Value, code: i64, message: &str| {
            let error = client.ask(method, params).await.unwrap_err();
            assert_eq!((&error["code"], &error["message"]), (&json!(code), &json!(message)));
            error
        };
        let call = |name: &str| json!({"name": name, "arguments": {}});
        check("tools/call", call("ecko"), -32602, "unknown tool \"ecko\"; did you mean \"echo\"?")
            .await;
        let far = "unknown tool \"zzzzzz\\nz\"; call tools/list for the names";
        if way != Way::HttpModern {
            // A header can't carry this name, so over HTTP the refusal is another one.
            check("tools/call", call("zzzzzz\nz"), -32602, far).await;
        }
        let prompt = "unknown prompt \"nope\"; call prompts/list for the names";
        check("prompts/get", json!({"name": "nope"}), -32602, prompt).await;
        let method = "this server has no method \"tools/cull\"";
        check("tools/cull", json!({}), -32601, method).await;
        let code = if way.is_modern() { -32602 } else { -32002 };
        let resource = "no resource at \"memo://two\"; call resources/list for what there is";
        let error = check("resources/read", json!({"uri": "memo://two"}), code, resource).await;
        let data = json!({"uri": "memo://two", "code": "RESOURCE_NOT_FOUND"});
        assert_eq!(error["data"], data);
        // Methods of the other era do not exist.
        let (foreign, own) = match way.is_modern() {
            true => (["ping", "logging/setLevel", "resources/subscribe"], "server/discover"),
            false => (["tasks/get", "server/discoverx", "subscriptions/listenx"], "ping"),
        };
        for method in foreign {
            let text = format!("this server has no method \"{method}\"");
            check(method, json!({}), -32601, &text).await;
        }
        assert!(client.ask(own, json!({})).await.is_ok());
    }
}

#[tokio::test]
async fn pages_come_in_order_and_cursors_can_not_be_made_up() {
    for way in Way::ALL {
        let world = World::with(|server, _| {
            let server = server.limits(limits(|limits| limits.page_size = 10));
            (0..17).fold(server, |server, n| {
                server.tool(Tool::new(format!("extra_{n:02}")).handler(|| async { "x" }))
            })
        });
        let mut client = Conversation::open(&world, way).await;
        let (mut names, mut sizes, mut cursors) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let params = match cursors.last() {
                Some(cursor) => json!({"cursor": cursor}),
                None => json!({}),
            };
            let page = client.ask("tools/list", params).await.unwrap();
            let tools = page["tools"].as_array().unwrap();
            sizes.push(tools.len());
            names.extend(tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
            match page.get("nextCursor") {
                Some(cursor) => cursors.push(cursor.as_str().unwrap().to_owned()),
                None => break,
            }
        }
        assert_eq!(sizes, [10, 10, 5]);
        let expected = ["echo", "never", "gate", "watch", "fail", "panic_at_once"]
            .into_iter()
            .chain(["panic_first", "panic_later"])
            .map(str::to_owned)
            .chain((0..17).map(|n| format!("extra_{n:02}")));
        assert_eq!(names, expected.collect::<Vec<_>>());
        let mut tampered = cursors[0].clone().into_bytes();
        let middle = tampered.len() / 2;
        tampered[middle] = if tampered[middle] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(tampered).unwrap();
        let long = "A".repeat(100_000);
        for cursor in ["", "10", "zzzz", "=?base64?", &tampered, &cursors[0][1..], &long] {
            let error = client.ask("tools/list", json!({"cursor": cursor})).await.unwrap_err();
            assert_eq!(error["code"], -32602, "{cursor}");
            assert!(error.to_string().len() < 500, "{error}");
        }
        // A cursor belongs to the list that gave it.
        for method in ["resources/list", "prompts/list", "resources/templates/list"] {
            let error = client.ask(method, json!({"cursor": cursors[0]})).await.unwrap_err();
            assert_eq!(error["code"], -32602, "{method}");
        }
        for cursor in [json!(10), json!({}), json!([])] {
            let error = client.ask("tools/list", json!({"cursor": cursor})).await.unwrap_err();
            assert_eq!(error["message"], "\"cursor\" must be a string");
        }
    }
}
