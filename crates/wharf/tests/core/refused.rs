//! What is refused before it becomes a call is recorded: by both sinks, once, with what is known of it and without any
//! credential.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use serde_json::json;
use wharf::{
    AuditSink, Authenticator, CallRecord, Caller, Challenge, Class, Credentials, Grants,
    MetricsSink, RefusalRecord, Server, Tool,
    transport::http::{Http, HttpSettings},
};

use crate::{
    conversation::Lines,
    wire::{Request, Site},
    world::World,
};

/// A refusal as text: reason, outcome, status, address, caller.
fn told(refusal: &RefusalRecord<'_>) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    format!(
        "{} {} {} {} {}",
        refusal.reason,
        refusal.outcome,
        or_none(refusal.status.map(|status| status.to_string())),
        or_none(refusal.client_addr.map(|address| address.to_string())),
        or_none(refusal.caller.map(|caller| caller.id.to_string())),
    )
}

#[derive(Default)]
struct Sink {
    refusals: Mutex<Vec<String>>,
    /// Everything that any record says.
    all: Mutex<String>,
    calls: Mutex<Vec<String>>,
}

impl Sink {
    fn keep(&self, refusal: &RefusalRecord<'_>) {
        self.all.lock().unwrap().push_str(&format!("{refusal:?}"));
        self.refusals.lock().unwrap().push(told(refusal));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.refusals.lock().unwrap())
    }
}

impl AuditSink for Sink {
    fn record(&self, record: &CallRecord<'_>) {
        self.calls.lock().unwrap().push(record.outcome.to_owned());
    }

    fn refused(&self, refusal: &RefusalRecord<'_>) {
        self.keep(refusal);
    }
}

impl MetricsSink for Sink {
    fn record(&self, _: &CallRecord<'_>) {}

    fn refused(&self, refusal: &RefusalRecord<'_>) {
        self.keep(refusal);
    }
}

/// Lets `ann` in by her key, and refuses everyone else for the reason that the key names.
struct Keys;

impl Authenticator for Keys {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        let key = credentials.headers.get("x-api-key").and_then(|key| key.to_str().ok());
        Box::pin(std::future::ready(match key {
            Some("hunter2-ann") => {
                Ok(Arc::new(Caller::authenticated("ann", "ann").with_grants(Grants::all())))
            }
            None => Err(Challenge::unauthorized("Bearer").because("no_credential")),
            Some("hunter2-often") => Err(Challenge::too_many_failures(7)),
            Some("hunter2-later") => Err(Challenge::unavailable(5)),
            Some("hunter2-weak") => {
                let mut challenge = Challenge::unauthorized("Bearer").because("weak_credential");
                challenge.status = 403;
                Err(challenge)
            }
            Some(_) => Err(Challenge::unauthorized("Bearer").because("wrong_credential")),
        }))
    }
}

struct Watched {
    site: Site,
    audit: Arc<Sink>,
    metrics: Arc<Sink>,
}

impl Watched {
    async fn new() -> Self {
        let (audit, metrics) = (Arc::<Sink>::default(), Arc::<Sink>::default());
        let service = Server::new("watched", "1")
            .audit(Arc::clone(&audit) as _)
            .metrics(Arc::clone(&metrics) as _)
            .tool(Tool::new("look").handler(|| async { "seen" }))
            .build()
            .unwrap();
        let mut settings = HttpSettings::default();
        settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        settings.body_limit_bytes = 4096;
        settings.sessions.max = 0;
        let http = Http::new(settings).service(service).authenticator(Arc::new(Keys));
        Self { site: Site::start(http).await, audit, metrics }
    }

    /// The status of the answer, and what both sinks have seen.
    async fn check(&self, request: Request, expected: &str) {
        let response = self.site.ask(&request).await;
        let refusals = self.audit.take();
        assert_eq!(refusals, self.metrics.take());
        assert_eq!(refusals, [expected], "{request:?} {response:?}");
        assert!(expected.contains(&format!(" {} ", response.status)), "{expected} {response:?}");
    }
}

fn look() -> Request {
    Request::tool(1, "look", json!({})).header("X-API-Key", "hunter2-ann")
}

fn keyed(key: &str) -> Request {
    look().header("X-API-Key", key).header("X-Forwarded-For", "192.0.2.7")
}

#[tokio::test]
async fn refusals_of_the_authenticator_and_the_listener_are_recorded() {
    let watched = Watched::new().await;
    let none = look().without("X-API-Key");
    watched.check(none, "no_credential AUTHENTICATION_FAILED 401 127.0.0.1 -").await;
    for (key, expected) in [
        ("hunter2-wrong", "wrong_credential AUTHENTICATION_FAILED 401 192.0.2.7 -"),
        ("hunter2-weak", "weak_credential PERMISSION_DENIED 403 192.0.2.7 -"),
        ("hunter2-often", "too_many_failures RATE_LIMITED 429 192.0.2.7 -"),
        ("hunter2-later", "credentials_unchecked SERVICE_UNAVAILABLE 503 192.0.2.7 -"),
    ] {
        watched.check(keyed(key), expected).await;
    }
    let host = keyed("hunter2-ann").header("Host", "evil.example");
    watched.check(host, "host PERMISSION_DENIED 403 192.0.2.7 -").await;
    watched.check(look().without("Host"), "host INVALID_INPUT 400 127.0.0.1 -").await;
    let origin = look().header("Origin", "https://evil.example");
    watched.check(origin, "origin PERMISSION_DENIED 403 127.0.0.1 -").await;
    // What is no server's is nobody's to record.
    let elsewhere = Request::new("GET").line("GET /elsewhere HTTP/1.1");
    assert_eq!(watched.site.ask(&elsewhere).await.status, 404);
    assert!(watched.audit.take().is_empty());
}

#[tokio::test]
async fn messages_that_never_become_a_call_are_recorded_with_their_caller() {
    let watched = Watched::new().await;
    let post = |body: &str| {
        let mut request = look();
        request.body = body.as_bytes().to_vec();
        request
    };
    let by_ann = |request: Request| request.header("X-API-Key", "hunter2-ann");
    let get = by_ann(Request::new("GET").header("Mcp-Session-Id", "x"));
    for (request, expected) in [
        (post("{"), "not_json INVALID_INPUT 400 127.0.0.1 ann"),
        (post("[]"), "invalid_request INVALID_INPUT 400 127.0.0.1 ann"),
        (look().without("Content-Type"), "media_type INVALID_INPUT 415 127.0.0.1 ann"),
        (look().header("Accept", "text/html"), "media_type INVALID_INPUT 406 127.0.0.1 ann"),
        (post(&" ".repeat(5000)), "body_too_large INVALID_INPUT 413 127.0.0.1 ann"),
        (look().line("PUT /mcp HTTP/1.1"), "method INVALID_INPUT 405 127.0.0.1 ann"),
        (get, "no_session RESOURCE_NOT_FOUND 404 127.0.0.1 ann"),
        (
            by_ann(Request::modern(1, "no/such", json!({}))),
            "unknown_method RESOURCE_NOT_FOUND 404 127.0.0.1 ann",
        ),
        (look().header("Mcp-Name", "other"), "header_mismatch INVALID_INPUT 400 127.0.0.1 ann"),
        (
            by_ann(Request::legacy(1, "ping", json!({})))
                .header("MCP-Protocol-Version", "2020-01-01"),
            "unsupported_version INVALID_INPUT 400 127.0.0.1 ann",
        ),
        (
            by_ann(Request::legacy(1, "ping", json!({}))).header("Mcp-Session-Id", "x"),
            "invalid_request INVALID_INPUT 404 127.0.0.1 ann",
        ),
        (
            by_ann(Request::legacy(1, "initialize", json!({"protocolVersion": "2025-11-25"}))),
            "too_many_sessions SERVICE_UNAVAILABLE 503 127.0.0.1 ann",
        ),
    ] {
        watched.check(request, expected).await;
    }
    // A call is recorded as one, whatever becomes of it.
    watched.audit.calls.lock().unwrap().clear();
    watched.site.ask(&look()).await;
    watched.site.ask(&by_ann(Request::tool(1, "unknown", json!({})))).await;
    assert_eq!(*watched.audit.calls.lock().unwrap(), ["OK", "RESOURCE_NOT_FOUND"]);
    assert!(watched.audit.take().is_empty() && watched.metrics.take().is_empty());
}

#[tokio::test]
async fn no_record_has_a_credential_in_it() {
    let watched = Watched::new().await;
    for key in ["hunter2-wrong", "hunter2-often", "hunter2-later", "hunter2-weak", "hunter2-ann"] {
        let bearer = format!("Bearer {key}");
        let request = keyed(key).header("Authorization", &bearer);
        watched.site.ask(&request).await;
        watched.site.ask(&request.header("Host", "evil.example")).await;
    }
    let all = watched.audit.all.lock().unwrap().clone();
    assert!(all.contains("too_many_failures") && !all.contains("hunter2"), "{all}");
}

#[tokio::test]
async fn lines_that_never_become_a_call_are_recorded() {
    let audit = Arc::<Sink>::default();
    let world = World::bare(|server| {
        let mut limits = wharf::Limits::default();
        limits.message_bytes = 1000;
        server.audit(Arc::clone(&audit) as _).limits(limits)
    });
    let mut lines = Lines::open(&world);
    for (line, expected) in [
        ("{".to_owned(), "not_json INVALID_INPUT - - local"),
        ("[]".to_owned(), "invalid_request INVALID_INPUT - - local"),
        (" ".repeat(2000), "invalid_request INVALID_INPUT - - local"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned(),
            "invalid_params INVALID_INPUT - - local",
        ),
    ] {
        lines.send_raw(format!("{line}\n").as_bytes()).await;
        assert!(lines.next().await.unwrap().get("error").is_some());
        assert_eq!(audit.take(), [expected], "{}", line.trim());
    }
}

struct Panics;

impl AuditSink for Panics {
    fn record(&self, _: &CallRecord<'_>) {}

    fn refused(&self, refusal: &RefusalRecord<'_>) {
        assert_eq!(refusal.class, Class::CallerFault);
        panic!("the disk is full");
    }
}

#[tokio::test]
async fn a_sink_that_panics_does_not_take_the_answer_with_it() {
    let service = Server::new("panics", "1").audit(Arc::new(Panics)).build().unwrap();
    let http = Http::new(HttpSettings::default()).service(service).authenticator(Arc::new(Keys));
    let site = Site::start(http).await;
    let mut wire = site.connect().await;
    for _ in 0..2 {
        assert_eq!(wire.ask(&look().without("X-API-Key")).await.status, 401);
        assert_eq!(wire.ask(&look().without("Content-Type")).await.status, 415);
    }
}

#[tokio::test]
async fn a_flood_of_refusals_is_one_record_each_and_nothing_is_queued() {
    let watched = Watched::new().await;
    let mut wire = watched.site.connect().await;
    let refused = keyed("hunter2-wrong");
    for sent in 1..=500_usize {
        assert_eq!(wire.ask(&refused).await.status, 401);
        // Written before the answer left: whoever floods waits for the sinks.
        assert_eq!(watched.audit.refusals.lock().unwrap().len(), sent);
    }
}
