//! Legacy sessions over HTTP: who may use one, how it ends, and that nothing said in it gets lost.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use wharf::{
    Authenticator, Caller, Challenge, Credentials, Grants,
    transport::http::{Http, HttpSettings},
};

use crate::{
    conversation::{initialize, initialize_request},
    wire::{Direct, Request, Site},
    world::{World, failure_of},
};

/// Believes whatever name is sent: two callers are all that these tests need.
pub(crate) struct ByName;

impl Authenticator for ByName {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        let name = credentials.headers.get("x-name").and_then(|name| name.to_str().ok());
        let caller = name
            .map(|name| Arc::new(Caller::authenticated(name, name).with_grants(Grants::all())))
            .ok_or_else(|| Challenge::unauthorized("Bearer"));
        Box::pin(std::future::ready(caller))
    }
}

/// Lets nobody in, each for the reason that it asks for.
struct Refusing;

impl Authenticator for Refusing {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        let wanted = credentials.headers.get("x-reason").and_then(|name| name.to_str().ok());
        Box::pin(std::future::ready(Err(match wanted {
            Some("failures") => Challenge::too_many_failures(7),
            Some("unavailable") => Challenge::unavailable(5),
            _ => Challenge::unauthorized(r#"Bearer realm="x""#),
        })))
    }
}

#[tokio::test]
async fn challenges_are_statuses_and_headers() {
    let world = World::new();
    let http = Http::new(HttpSettings::default()).service(world.service.clone());
    let site = Site::start(http.authenticator(Arc::new(Refusing))).await;
    for (reason, status, challenge, retry_after) in [
        ("none", 401, Some(r#"Bearer realm="x""#), None),
        ("failures", 429, None, Some("7")),
        ("unavailable", 503, None, Some("5")),
    ] {
        let request = Request::legacy(1, "ping", json!({})).header("x-reason", reason);
        let response = site.ask(&request).await;
        assert_eq!(response.status, status, "{reason}");
        assert_eq!(response.header("www-authenticate"), challenge, "{reason}");
        assert_eq!(response.header("retry-after"), retry_after, "{reason}");
    }
}

pub(crate) async fn site_of_two_callers(world: &World) -> Site {
    let http = Http::new(HttpSettings::default()).service(world.service.clone());
    Site::start(http.authenticator(Arc::new(ByName))).await
}

fn call(id: i64, tool: &str, session: &str) -> Request {
    Request::legacy(id, "tools/call", json!({"name": tool, "arguments": {}}))
        .header("Mcp-Session-Id", session)
}

fn ping(session: &str) -> Request {
    Request::legacy(1, "ping", json!({})).header("Mcp-Session-Id", session)
}

fn delete(session: &str) -> Request {
    Request::new("DELETE").header("Mcp-Session-Id", session)
}

#[tokio::test]
async fn ids_are_long_distinct_and_visible_ascii() {
    let site = Site::new(&World::new()).await;
    let mut seen = HashSet::new();
    for _ in 0..50 {
        let id = initialize(&site, "2025-06-18", json!({})).await;
        assert!(id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
        assert!(seen.insert(id));
    }
}

#[tokio::test]
async fn unknown_ids_are_not_found_and_begin_nothing() {
    let site = Site::new(&World::new()).await;
    let real = initialize(&site, "2025-11-25", json!({})).await;
    let upper = real.to_ascii_uppercase();
    let long = "a".repeat(8_000);
    for id in ["../../x", "", "null", "0", &real[1..], &format!("{real}x"), &upper, &long, "%00"] {
        for request in [ping(id), Request::new("GET").header("Mcp-Session-Id", id), delete(id)] {
            let response = site.ask(&request).await;
            assert_eq!(response.status, 404, "{id:?} {request:?}");
            assert_eq!(response.header("mcp-session-id"), None);
            assert_eq!(response.error_code(), -32600);
        }
        // A notification is not taken in either.
        let note = Request::post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        assert_eq!(site.ask(&note.header("Mcp-Session-Id", id)).await.status, 404);
    }
    assert_eq!(site.ask(&ping(&real)).await.status, 200);
}

#[tokio::test]
async fn a_session_belongs_to_its_caller() {
    let world = World::new();
    let site = site_of_two_callers(&world).await;
    let begin = initialize_request("2025-11-25", json!({}));
    assert_eq!(site.ask(&begin).await.status, 401);
    let response = site.ask(&begin.header("X-Name", "ann")).await;
    let id = response.header("mcp-session-id").unwrap().to_owned();
    for request in [ping(&id), Request::new("GET").header("Mcp-Session-Id", &id), delete(&id)] {
        assert_eq!(site.ask(&request.clone().header("X-Name", "bob")).await.status, 404);
        assert_eq!(site.ask(&request).await.status, 401);
    }
    assert_eq!(site.ask(&ping(&id).header("X-Name", "ann")).await.status, 200);
}

#[tokio::test]
async fn a_deleted_session_is_gone() {
    let site = Site::new(&World::new()).await;
    let id = initialize(&site, "2025-11-25", json!({})).await;
    let mut stream = site.connect().await;
    stream.open(&Request::new("GET").header("Mcp-Session-Id", &id)).await;
    let deleted = site.ask(&delete(&id)).await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    // Its stream ends, after the priming event.
    assert_eq!(stream.event().await.unwrap().data, Value::Null);
    assert!(stream.event().await.is_none());
    for request in [ping(&id), delete(&id), Request::new("GET").header("Mcp-Session-Id", &id)] {
        assert_eq!(site.ask(&request).await.status, 404);
    }
    assert_eq!(site.ask(&Request::new("DELETE")).await.status, 400);
}

#[tokio::test]
async fn sessions_are_bounded_in_number() {
    let site = Site::with(&World::new(), |settings| settings.sessions.max = 2).await;
    let first = initialize(&site, "2025-11-25", json!({})).await;
    initialize(&site, "2025-11-25", json!({})).await;
    let refused = site.ask(&initialize_request("2025-11-25", json!({}))).await;
    assert_eq!((refused.status, refused.error_code()), (503, -31007));
    assert_eq!(refused.header("retry-after"), Some("30"));
    assert_eq!(refused.header("mcp-session-id"), None);
    // The ones that exist go on, and one that ends makes room.
    assert_eq!(site.ask(&ping(&first)).await.status, 200);
    assert_eq!(site.ask(&delete(&first)).await.status, 204);
    initialize(&site, "2025-11-25", json!({})).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_expires_but_one_at_work_does_not() {
    let mut world = World::new();
    let idle = Duration::from_secs(5);
    let http = Arc::new(Direct::with(&world, |settings| settings.sessions.idle_expiry = idle));
    let begin = async || {
        let response = http.ask(&initialize_request("2025-11-25", json!({}))).await;
        response.header("mcp-session-id").unwrap().to_owned()
    };
    let (unused, used, read, busy) = (begin().await, begin().await, begin().await, begin().await);
    let stream = http.open(&Request::new("GET").header("Mcp-Session-Id", &read)).await;
    let calling = tokio::spawn({
        let (http, request) = (Arc::clone(&http), call(7, "gate", &busy));
        async move { http.ask(&request).await }
    });
    world.signals.started.wait().await;
    for _ in 0..2 {
        tokio::time::sleep(idle * 3 / 4).await;
        assert_eq!(http.ask(&ping(&used)).await.status, 200);
    }
    assert_eq!(http.ask(&ping(&unused)).await.status, 404);
    assert_eq!(http.ask(&ping(&read)).await.status, 200, "its stream is being read");
    assert_eq!(http.ask(&ping(&busy)).await.status, 200, "a call is being served");
    tokio::time::sleep(idle * 3 / 4).await;
    world.signals.open.raise();
    let answer = calling.await.unwrap().json();
    assert_eq!(answer["result"]["content"][0]["text"], "passed");
    // Idleness begins with the answer, and with the end of the stream.
    tokio::time::sleep(idle / 2).await;
    assert_eq!(http.ask(&ping(&busy)).await.status, 200);
    drop(stream);
    tokio::time::sleep(idle).await;
    for session in [&used, &read, &busy] {
        assert_eq!(http.ask(&ping(session)).await.status, 404);
    }
    world.assert_recorded(&[("gate", "OK")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_idle_from_the_moment_its_stream_is_left() {
    let idle = Duration::from_secs(5);
    let http = Direct::with(&World::new(), |settings| settings.sessions.idle_expiry = idle);
    let begun = http.ask(&initialize_request("2025-11-25", json!({}))).await;
    let id = begun.header("mcp-session-id").unwrap().to_owned();
    let stream = http.open(&Request::new("GET").header("Mcp-Session-Id", &id)).await;
    tokio::time::sleep(idle * 3).await;
    // The network fails for a moment, and the client comes back at once.
    drop(stream);
    tokio::time::sleep(idle / 2).await;
    assert_eq!(http.ask(&ping(&id)).await.status, 200);
}

#[tokio::test]
async fn clients_without_a_session_are_served_what_needs_none() {
    let site = Site::new(&World::new()).await;
    let echo = json!({"name": "echo", "arguments": {"text": "x"}});
    for revision in [None, Some("2024-11-05"), Some("2025-03-26"), Some("2025-11-25")] {
        let mut request = Request::legacy(1, "tools/call", echo.clone());
        if let Some(revision) = revision {
            request = request.header("MCP-Protocol-Version", revision);
        }
        let response = site.ask(&request).await;
        assert_eq!(response.json()["result"], json!({"content": [{"type": "text", "text": "x"}]}));
        assert_eq!(response.header("mcp-session-id"), None);
    }
    let response =
        site.ask(&Request::legacy(1, "resources/subscribe", json!({"uri": "memo://one"}))).await;
    assert_eq!(response.error_code(), -32600);
    assert_eq!(site.ask(&Request::new("GET")).await.status, 405);
    // Turned off, `initialize` still answers and names no session.
    let site = Site::with(&World::new(), |settings| settings.sessions.enabled = false).await;
    let response = site.ask(&initialize_request("2025-11-25", json!({}))).await;
    assert_eq!((response.status, response.header("mcp-session-id")), (200, None));
    for method in ["GET", "DELETE"] {
        assert_eq!(site.ask(&Request::new(method)).await.status, 405);
    }
}

#[tokio::test]
async fn the_oldest_revision_works_without_the_initialized_notification() {
    let world = World::new();
    let site = Site::new(&world).await;
    let id = initialize(&site, "2024-11-05", json!({})).await;
    let response = site.ask(&call(1, "echo", &id)).await;
    // The placeholder arguments do not fit; the answer has the shape of the revision: text, nothing structured.
    let result = &response.json()["result"];
    assert_eq!(failure_of(result)["code"], "INVALID_INPUT");
    assert!(result.get("structuredContent").is_none());
    // A revision that nobody knows, or the stateless one, is answered with the newest that has sessions.
    for asked in ["2023-01-01", "2026-07-28", "", "x"] {
        let answer = site.ask(&initialize_request(asked, json!({}))).await.json();
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    }
}

#[tokio::test]
async fn a_session_begun_inside_another_one_is_its_own() {
    let world = World::new();
    let site = Site::new(&world).await;
    let old = initialize(&site, "2025-11-25", json!({})).await;
    let begin = initialize_request("2025-11-25", json!({})).header("Mcp-Session-Id", &old);
    let new = site.ask(&begin).await.header("mcp-session-id").unwrap().to_owned();
    assert_ne!(old, new);
    let mut wire = site.connect().await;
    wire.send(&call(7, "gate", &new).to_bytes()).await;
    world.signals.started.wait().await;
    // The same id is free in the old session, and the end of that one is not the end of this one's call.
    assert_eq!(site.ask(&call(7, "echo", &old)).await.json()["result"]["isError"], true);
    assert_eq!(site.ask(&delete(&old)).await.status, 204);
    world.signals.open.raise();
    let answer = wire.response().await.json();
    assert_eq!(answer["result"]["content"][0]["text"], "passed");
}
