//! `/metrics` over the wire: who may read it, what it says of real calls, and that clients can't make it grow.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::json;
use wharf::{
    Authenticator, Caller, Challenge, Credentials, Grants, Metrics, Prompt, PromptMessage,
    Resource, Server, Tool,
    transport::http::{Http, HttpSettings},
};

use crate::{
    wire::{Request, Response, Site},
    world::Signals,
};

/// A key is its permissions, with dots for commas.
struct Keys;

impl Authenticator for Keys {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        let key = credentials.headers.get("x-api-key").and_then(|key| key.to_str().ok());
        let caller = key.map(|key| {
            let grants = Grants::parse(key.split(' ')).unwrap();
            Arc::new(Caller::authenticated("key", "key").with_grants(Arc::new(grants)))
        });
        Box::pin(std::future::ready(caller.ok_or_else(|| Challenge::unauthorized("Bearer"))))
    }
}

fn server(signals: &Arc<Signals>) -> Server {
    let signals = Arc::clone(signals);
    Server::new("scraped", "1.0.0")
        .tool(Tool::new("wait").handler(move || {
            let signals = Arc::clone(&signals);
            async move {
                signals.started.raise();
                signals.open.wait().await;
            }
        }))
        .tool(Tool::new("quick").handler(|| async { "done" }))
        .resource(Resource::template("row://{id}", "row").handler(|| async { "a row" }))
        .prompt(Prompt::new("greet").handler(|| async { vec![PromptMessage::user("hello")] }))
}

async fn site(authenticator: Option<Arc<dyn Authenticator>>) -> (Site, Arc<Signals>) {
    let signals = Arc::<Signals>::default();
    let metrics = Arc::new(Metrics::new());
    let service = server(&signals).metrics(Arc::clone(&metrics) as _).build().unwrap();
    let mut http = Http::new(HttpSettings::default()).service(service).metrics(metrics);
    if let Some(authenticator) = authenticator {
        http = http.authenticator(authenticator);
    }
    (Site::start(http).await, signals)
}

fn scrape(method: &str) -> Request {
    Request::new(method).line(&format!("{method} /metrics HTTP/1.1"))
}

fn value(response: &Response, series: &str) -> Option<f64> {
    let value = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
    response.text().lines().find_map(value)
}

async fn assert_value(site: &Site, series: &str, expected: f64) {
    let response = site.ask(&scrape("GET")).await;
    assert_eq!(value(&response, series), Some(expected), "{series} in\n{}", response.text());
}

#[tokio::test]
async fn calls_are_counted_by_what_is_registered_and_never_by_what_clients_write() {
    let (site, _) = site(None).await;
    for n in 0..50 {
        site.ask(&Request::tool(n, "quick", json!({}))).await;
        site.ask(&Request::tool(n, &format!("made_up_{n}"), json!({}))).await;
        site.ask(&Request::modern(n, "resources/read", json!({"uri": format!("row://{n}")}))).await;
        site.ask(&Request::modern(n, "resources/read", json!({"uri": format!("none://{n}")})))
            .await;
        site.ask(&Request::modern(n, "prompts/get", json!({"name": "greet"}))).await;
        site.ask(&Request::modern(n, &format!("made/up/{n}"), json!({}))).await;
        site.ask(&Request::post("{")).await;
    }
    let response = site.ask(&scrape("GET")).await;
    let text = response.text();
    let calls = |labels: &str| value(&response, &format!("wharf_calls_total{{{labels}}}"));
    for labels in [
        r#"method="tools/call",outcome="OK",server="scraped",target="quick""#,
        r#"method="tools/call",outcome="RESOURCE_NOT_FOUND",server="scraped",target="""#,
        r#"method="resources/read",outcome="OK",server="scraped",target="row://{id}""#,
        r#"method="resources/read",outcome="RESOURCE_NOT_FOUND",server="scraped",target="""#,
        r#"method="prompts/get",outcome="OK",server="scraped",target="greet""#,
    ] {
        assert_eq!(calls(labels), Some(50.0), "{labels} in\n{text}");
    }
    let refused = value(&response, r#"wharf_refusals_total{reason="not_json",server="scraped"}"#);
    assert_eq!(refused, Some(50.0), "{text}");
    assert!(!text.contains("made_up") && !text.contains("made/up") && !text.contains("none://"));
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn what_goes_on_can_be_seen_and_ends() {
    let (site, signals) = site(None).await;
    let running = r#"wharf_calls_running{server="scraped"}"#;
    assert_value(&site, running, 0.0).await;
    let mut waiting = site.connect().await;
    waiting.send(&Request::tool(1, "wait", json!({})).to_bytes()).await;
    signals.started.wait().await;
    assert_value(&site, running, 1.0).await;
    // That of the call and that of the scrape.
    assert_value(&site, "wharf_connections", 2.0).await;
    signals.open.raise();
    assert_eq!(waiting.response().await.status, 200);
    assert_value(&site, running, 0.0).await;
    // A client that goes away has cancelled its call.
    let mut leaving = site.connect().await;
    leaving.send(&Request::tool(2, "wait", json!({})).to_bytes()).await;
    signals.started.wait().await;
    drop(leaving);
    let cancelled = r#"wharf_calls_total{method="tools/call",outcome="CANCELLED",server="scraped",target="wait"}"#;
    until(&site, cancelled, 1.0).await;
    until(&site, running, 0.0).await;
    // A session is open until it is ended.
    let initialize = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let begun = site.ask(&Request::legacy(1, "initialize", initialize)).await;
    let sessions = r#"wharf_sessions{server="scraped"}"#;
    assert_value(&site, sessions, 1.0).await;
    let end =
        Request::new("DELETE").header("Mcp-Session-Id", begun.header("mcp-session-id").unwrap());
    site.ask(&end).await;
    assert_value(&site, sessions, 0.0).await;
}

/// Scrapes until it is so: what a connection's end brings about is nobody's to wait for.
async fn until(site: &Site, series: &str, expected: f64) {
    let seen = async {
        while value(&site.ask(&scrape("GET")).await, series) != Some(expected) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, seen).await.expect(series);
}

#[tokio::test]
async fn only_who_may_reads_metrics() {
    let (site, _) = site(Some(Arc::new(Keys))).await;
    let none = site.ask(&scrape("GET")).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer")));
    for (key, status) in [
        ("*", 200),
        ("metrics:read", 200),
        ("admin", 200),
        ("metrics:read !scraped:*", 200),
        ("tools resources prompts", 403),
        ("scraped:* scraped:metrics", 403),
        ("*:*", 403),
        ("metrics:*", 403),
        ("* !metrics:read", 403),
        ("admin !metrics:read", 403),
        ("* !admin", 403),
    ] {
        let response = site.ask(&scrape("GET").header("X-API-Key", key)).await;
        assert_eq!(response.status, status, "{key}: {}", response.text());
        assert_eq!(response.text().contains("wharf_calls"), status == 200, "{key}");
        if status == 403 {
            let challenge = response.header("www-authenticate").unwrap();
            assert!(challenge.contains("scope=\"metrics:read\""), "{challenge}");
            assert!(response.text().contains("metrics:read"), "{}", response.text());
        }
    }
    // A key for metrics opens nothing else.
    let call = Request::tool(1, "quick", json!({})).header("X-API-Key", "metrics:read");
    let refused = site.ask(&call).await;
    assert!(refused.text().contains("PERMISSION_DENIED") || refused.status == 403, "{refused:?}");
}

#[tokio::test]
async fn metrics_are_read_and_nothing_else_and_by_pages_of_others_not_at_all() {
    let (site, _) = site(None).await;
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let response = site.ask(&scrape(method)).await;
        assert_eq!(
            (response.status, response.header("allow")),
            (405, Some("GET, HEAD")),
            "{method}"
        );
    }
    let mut wire = site.connect().await;
    wire.send(&scrape("HEAD").to_bytes()).await;
    let head = wire.head().await;
    assert_eq!(head.status, 200);
    assert!(head.header("content-length").unwrap().parse::<usize>().unwrap() > 100);
    for (name, value) in [("Host", "evil.example"), ("Origin", "https://evil.example")] {
        assert_eq!(site.ask(&scrape("GET").header(name, value)).await.status, 403, "{name}");
    }
    let openmetrics = scrape("GET").header("Accept", "application/openmetrics-text; version=1.0.0");
    let response = site.ask(&openmetrics).await;
    assert!(response.text().ends_with("# EOF\n"));
    assert!(response.header("content-type").unwrap().starts_with("application/openmetrics-text"));
}

#[tokio::test]
async fn without_metrics_there_is_nothing_to_read() {
    let service = server(&Arc::default()).build().unwrap();
    let site = Site::start(Http::new(HttpSettings::default()).service(service)).await;
    assert_eq!(site.ask(&scrape("GET")).await.status, 404);
}

#[tokio::test]
async fn a_listener_that_is_full_counts_whom_it_turns_away() {
    let metrics = Arc::new(Metrics::new());
    let mut settings = HttpSettings::default();
    settings.max_connections = 1;
    let service = server(&Arc::default()).build().unwrap();
    let site = Site::start(Http::new(settings).service(service).metrics(metrics)).await;
    let mut only = site.connect().await;
    assert_eq!(only.ask(&scrape("GET")).await.status, 200);
    assert_eq!(site.connect().await.status_or_close().await, Some(503));
    let response = only.ask(&scrape("GET")).await;
    assert_eq!(value(&response, "wharf_connections_turned_away_total"), Some(1.0));
    assert_eq!(value(&response, "wharf_connections_max"), Some(1.0));
}
