//! 2026-07-28: what every request must carry, what every result carries, and listen streams.

use std::time::Duration;

use serde_json::{Value, json};
use wharf::{Ask, CacheHint, Event, Limits, Prompt, Tool, keys};

use crate::{
    conversation::{Lines, message, plain, with_meta},
    wire::{Request, Site},
    world::World,
};

fn echo() -> Request {
    Request::tool(1, "echo", json!({"text": "x"}))
}

async fn check(site: &Site, request: &Request, status: u16, code: i64, message: &str) -> Value {
    let response = site.ask(request).await;
    let mut error = response.json()["error"].take();
    assert_eq!(
        (response.status, &error["code"], &error["message"]),
        (status, &json!(code), &json!(message)),
        "{request:?}"
    );
    assert_eq!(response.json()["id"], 1);
    error["data"].take()
}

#[tokio::test]
async fn headers_must_say_what_the_body_says() {
    let mut world = World::new();
    let site = Site::new(&world).await;
    for (name, other) in [
        ("MCP-Protocol-Version", "2025-11-25"),
        ("Mcp-Method", "tools/list"),
        ("Mcp-Method", "Tools/Call"),
        ("Mcp-Name", "gate"),
        ("Mcp-Name", "ECHO"),
        ("Mcp-Name", ""),
        ("Mcp-Name", "echo, echo"),
        ("Mcp-Name", "=?base64?Z2F0ZQ==?="),
    ] {
        let text = format!("the header {name} differs from the body");
        check(&site, &echo().header(name, other), 400, -32020, &text).await;
    }
    for name in ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"] {
        let text = format!("the header {name} is missing");
        check(&site, &echo().without(name), 400, -32020, &text).await;
        let value = if name == "Mcp-Name" { "echo" } else { "x" };
        let text = format!("the header {name} appears more than once");
        check(&site, &echo().also(name, value), 400, -32020, &text).await;
        for bad in ["=?base64?%%?=", "=?base64?Z2F0ZQ?=", "\u{e9}cho"] {
            let text = format!(
                "the header {name} has characters that a header can't carry; encode it as =?base64?…?="
            );
            check(&site, &echo().header(name, bad), 400, -32020, &text).await;
        }
    }
    // The encoded form, other cases of the header's name and spaces around it are the same value.
    for (name, value) in
        [("Mcp-Name", "=?base64?ZWNobw==?="), ("MCP-NAME", "echo"), ("mcp-name", " \techo \t")]
    {
        let response = site.ask(&echo().header(name, value)).await;
        assert_eq!(response.status, 200, "{response:?}");
    }
    // Resources are mirrored by their URI, and an unknown one is not found rather than mismatched.
    let read = Request::modern(1, "resources/read", json!({"uri": "memo://one"}));
    assert_eq!(site.ask(&read).await.status, 200);
    let text = "the header Mcp-Name differs from the body";
    check(&site, &read.header("Mcp-Name", "memo://two"), 400, -32020, text).await;
    // Nothing of this reached a handler.
    let ok = [("echo", "OK"), ("echo", "OK"), ("echo", "OK"), ("memo://one", "OK")];
    world.assert_recorded(&ok).await;
}

#[tokio::test]
async fn every_request_says_what_it_speaks_and_can_do() {
    let world = World::with(|server, _| {
        server.tool(Tool::new("sample").handler(|ask: Ask| async move {
            ask.sample("s", json!({"messages": [], "maxTokens": 1})).await.map(|_| ())
        }))
    });
    let site = Site::new(&world).await;
    let with = |meta: Value| {
        let params = json!({"name": "echo", "arguments": {"text": "x"}, "_meta": meta});
        Request::legacy(1, "tools/call", params)
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Name", "echo")
    };
    let version =
        |version: Value| json!({keys::PROTOCOL_VERSION: version, keys::CLIENT_CAPABILITIES: {}});
    let missing = "\"_meta\" lacks io.modelcontextprotocol/protocolVersion";
    check(&site, &with(json!({})), 400, -32602, missing).await;
    check(&site, &with(json!(null)), 400, -32602, missing).await;
    let text = "the protocolVersion in \"_meta\" must be a string";
    for bad in [json!(20260728), json!(null), json!({})] {
        check(&site, &with(version(bad)), 400, -32602, text).await;
    }
    let missing = "\"_meta\" lacks io.modelcontextprotocol/clientCapabilities";
    check(&site, &with(json!({keys::PROTOCOL_VERSION: "2026-07-28"})), 400, -32602, missing).await;
    for bad in [json!(null), json!([]), json!("x")] {
        let mut meta = version(json!("2026-07-28"));
        meta[keys::CLIENT_CAPABILITIES] = bad;
        let text = "the clientCapabilities in \"_meta\" must be an object";
        check(&site, &with(meta), 400, -32602, text).await;
    }
    for bad in ["2027-01-01", "2025-11-25", "", "DRAFT"] {
        let request = with(version(json!(bad))).header("MCP-Protocol-Version", bad);
        let data = check(&site, &request, 400, -32022, "unsupported protocol version").await;
        let supported = ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
        assert_eq!(data, json!({"supported": supported, "requested": bad}));
    }
    for method in ["server/discover", "subscriptions/listen"] {
        let missing = "\"_meta\" lacks io.modelcontextprotocol/protocolVersion";
        check(&site, &Request::legacy(1, method, json!({})), 400, -32602, missing).await;
    }
    let text = "this needs the client capability sampling, which the request does not declare";
    let data = check(&site, &Request::tool(1, "sample", json!({})), 400, -32021, text).await;
    assert_eq!(data, json!({"requiredCapabilities": {"sampling": {}}}));
    let unknown = Request::modern(1, "tasks/get", json!({}));
    check(&site, &unknown, 404, -32601, "this server has no method \"tasks/get\"").await;
}

#[tokio::test]
async fn a_session_header_means_nothing_in_this_revision() {
    let site = Site::new(&World::new()).await;
    let response = site.ask(&echo().header("Mcp-Session-Id", "made-up")).await;
    assert_eq!((response.status, response.header("mcp-session-id")), (200, None));
}

#[tokio::test]
async fn every_result_says_who_answered_and_what_it_is() {
    let world = World::with(|server, _| {
        server
            .cache(CacheHint::public(Duration::from_secs(60)))
            .prompt(Prompt::new("greet").handler(|| async { "hello" }))
    });
    let mut lines = Lines::open(&world);
    let reference = json!({"type": "ref/prompt", "name": "greet"});
    let complete = json!({"ref": reference, "argument": {"name": "x", "value": ""}});
    let listen = json!({"notifications": {}});
    for (method, params, cached) in [
        ("server/discover", json!({}), Some((60_000, "public"))),
        ("tools/list", json!({}), Some((60_000, "public"))),
        ("resources/list", json!({}), Some((60_000, "public"))),
        ("resources/templates/list", json!({}), Some((60_000, "public"))),
        ("prompts/list", json!({}), Some((60_000, "public"))),
        ("resources/read", json!({"uri": "memo://one"}), Some((0, "private"))),
        ("prompts/get", json!({"name": "greet"}), None),
        ("completion/complete", complete, None),
        ("tools/call", json!({"name": "echo", "arguments": {"text": "x"}}), None),
        ("tools/call", json!({"name": "fail", "arguments": {"text": "x"}}), None),
    ] {
        let mut answer = lines.ask(&message(true, 1, method, params)).await;
        let result = plain(true, answer["result"].take());
        let hint = result["ttlMs"].as_u64().zip(result["cacheScope"].as_str());
        assert_eq!(hint, cached, "{method}: {result}");
    }
    lines.send(&message(true, 2, "subscriptions/listen", listen)).await;
    lines.next().await.unwrap();
    lines.shutdown.begin();
    let answer = lines.next().await.unwrap()["result"].take();
    assert_eq!(answer["_meta"][keys::SUBSCRIPTION_ID], 2);
    assert_eq!(plain(true, answer), json!({}));
}

#[tokio::test]
async fn a_listen_stream_carries_what_was_asked_for_and_ends_with_an_answer() {
    for filter in [
        json!({"toolsListChanged": true, "resourceSubscriptions": ["memo://one"]}),
        json!({"promptsListChanged": true, "resourcesListChanged": true, "toolsListChanged": false}),
        json!({}),
    ] {
        let world = World::new();
        let site = Site::new(&world).await;
        let request =
            Request::modern("sub", "subscriptions/listen", json!({"notifications": filter}));
        let mut wire = site.connect().await;
        wire.open(&request).await;
        let first = wire.event().await.unwrap();
        assert_eq!(first.data["method"], "notifications/subscriptions/acknowledged");
        let mut honoured = filter.clone();
        honoured.as_object_mut().unwrap().retain(|_, value| *value != false);
        assert_eq!(first.data["params"]["notifications"], honoured);
        let handle = world.service.handle();
        let updated = |uri: &str| Event::ResourceUpdated { uri: uri.into() };
        for event in [
            Event::ToolsChanged,
            Event::PromptsChanged,
            Event::ResourcesChanged,
            updated("memo://one"),
            updated("memo://two"),
        ] {
            handle.publish(event);
        }
        let mut expected = Vec::new();
        for (key, method) in [
            ("toolsListChanged", "notifications/tools/list_changed"),
            ("promptsListChanged", "notifications/prompts/list_changed"),
            ("resourcesListChanged", "notifications/resources/list_changed"),
            ("resourceSubscriptions", "notifications/resources/updated"),
        ] {
            if filter.get(key).is_some_and(|wanted| *wanted != false) {
                expected.push(method);
            }
        }
        let mut events = vec![first];
        for method in expected {
            let event = wire.event().await.unwrap();
            assert_eq!(event.data["method"], method);
            events.push(event);
        }
        for event in &events {
            assert_eq!(event.id, None, "this revision resumes nothing");
            assert_eq!(event.data["params"]["_meta"][keys::SUBSCRIPTION_ID], "sub");
        }
        site.shutdown.begin();
        let answer = wire.event().await.unwrap().data;
        assert_eq!(
            (&answer["id"], &answer["result"]["resultType"]),
            (&json!("sub"), &json!("complete"))
        );
        assert_eq!(answer["result"]["_meta"][keys::SUBSCRIPTION_ID], "sub");
        assert!(wire.event().await.is_none());
        site.ended().await;
    }
}

#[tokio::test]
async fn listen_streams_are_bounded_and_their_places_come_back() {
    let world = World::with(|server, _| {
        let mut limits = Limits::default();
        limits.listen_streams = 1;
        limits.listen_resources = 2;
        server.limits(limits)
    });
    let site = Site::new(&world).await;
    let listen = |uris: &[&str]| {
        let filter = json!({"notifications": {"resourceSubscriptions": uris}});
        Request::modern(1, "subscriptions/listen", filter)
    };
    let text = "one stream can watch 2 resources at most";
    let response = site.ask(&listen(&["a:1", "a:2", "a:3"])).await;
    assert_eq!(response.json()["error"], json!({"code": -32602, "message": text}));
    // A stream to a client that takes none is refused, and takes no place.
    let json_only = listen(&[]).header("Accept", "application/json");
    assert_eq!(site.ask(&json_only).await.status, 406);
    let mut wire = site.connect().await;
    wire.open(&listen(&["a:1", "a:2"])).await;
    wire.event().await.unwrap();
    let refused = site.ask(&listen(&[])).await;
    assert_eq!(refused.error_code(), -31007);
    assert_eq!(refused.json()["error"]["data"]["code"], "SERVICE_UNAVAILABLE");
    drop(wire);
    // The server notices the loss in its own time; each refusal until then is a well-formed one.
    let mut wire = loop {
        let mut wire = site.connect().await;
        wire.send(&listen(&[]).to_bytes()).await;
        let head = wire.head().await;
        if head.header("content-type") == Some("text/event-stream") {
            break wire;
        }
    };
    assert!(wire.event().await.is_some());
}

#[tokio::test]
async fn a_listen_stream_on_lines_ends_when_it_is_cancelled() {
    let world = World::new();
    let mut lines = Lines::open(&world);
    let filter = json!({"notifications": {"toolsListChanged": true}});
    lines.ask(&message(true, 1, "subscriptions/listen", filter)).await;
    let params = json!({"requestId": 1});
    lines
        .send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
        .await;
    let pong = message(true, 2, "tools/call", json!({"name": "echo", "arguments": {"text": "x"}}));
    lines.ask(&pong).await;
    world.service.handle().publish(Event::ToolsChanged);
    assert_eq!(lines.ask(&pong).await["id"], 2);
    // Its id is free again.
    let filter = json!({"notifications": {}});
    let again = lines.ask(&message(true, 1, "subscriptions/listen", filter)).await;
    assert_eq!(again["method"], "notifications/subscriptions/acknowledged");
}

#[tokio::test]
async fn malformed_listen_filters_are_refused() {
    let world = World::new();
    let mut lines = Lines::open(&world);
    for filter in [
        json!(null),
        json!([]),
        json!("toolsListChanged"),
        json!({"toolsListChanged": "true"}),
        json!({"ToolsListChanged": true}),
        json!({"resourceSubscriptions": "memo://one"}),
        json!({"resourceSubscriptions": [1]}),
    ] {
        let params = with_meta(json!({"notifications": filter}));
        let answer = lines.ask(&message(true, 1, "subscriptions/listen", params)).await;
        assert_eq!(answer["error"]["code"], -32602, "{filter}: {answer}");
    }
    let answer = lines.ask(&message(true, 1, "subscriptions/listen", json!({}))).await;
    assert_eq!(answer["error"]["message"], "\"notifications\" is missing: say what to listen for");
}
