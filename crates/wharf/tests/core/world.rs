//! The server under attack: tools that misbehave in every way a handler can, signals that tell a test what happened inside
//! them, and sinks that keep every record.
//!
//! Nothing here waits for time: a test waits for what it expects to happen.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use wharf::{
    Args, AuditSink, CallRecord, Cancel, ErrorKind, MetricsSink, RefusalRecord, Resource, Server,
    Service, Tool, ToolError,
};

/// Longest wait for something that must happen. Only a failing test ever waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Something that happened, counted: each wait consumes one.
#[derive(Debug)]
pub(crate) struct Signal(Semaphore);

impl Default for Signal {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Signal {
    pub(crate) fn raise(&self) {
        self.0.add_permits(1);
    }

    pub(crate) async fn wait(&self) {
        let permit = tokio::time::timeout(PATIENCE, self.0.acquire()).await;
        permit.expect("it never happened").unwrap().forget();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.available_permits() > 0
    }
}

/// What happens inside the tools.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    pub(crate) started: Signal,
    pub(crate) dropped: Signal,
    pub(crate) cancelled: Signal,
    /// Lets one waiting call go on.
    pub(crate) open: Signal,
}

/// Tells when the handler that holds it is gone.
pub(crate) struct Guard(pub(crate) Arc<Signals>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.dropped.raise();
    }
}

/// A record: target and outcome.
pub(crate) type Recorded = (String, String);

#[derive(Clone)]
struct Metrics(Arc<Mutex<Vec<Recorded>>>);

struct Audit(mpsc::UnboundedSender<Recorded>);

fn recorded(record: &CallRecord<'_>) -> Recorded {
    (record.target.to_owned(), record.outcome.to_owned())
}

impl MetricsSink for Metrics {
    fn record(&self, record: &CallRecord<'_>) {
        self.0.lock().unwrap().push(recorded(record));
    }

    fn refused(&self, _: &RefusalRecord<'_>) {}
}

impl AuditSink for Audit {
    fn record(&self, record: &CallRecord<'_>) {
        drop(self.0.send(recorded(record)));
    }

    fn refused(&self, _: &RefusalRecord<'_>) {}
}

/// A built server and what can be seen of it.
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) signals: Arc<Signals>,
    metrics: Metrics,
    audit: mpsc::UnboundedReceiver<Recorded>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Text {
    pub(crate) text: String,
}

impl World {
    /// The usual server.
    pub(crate) fn new() -> Self {
        Self::with(|server, _| server)
    }

    /// The usual server with changes.
    pub(crate) fn with(change: impl FnOnce(Server, &Arc<Signals>) -> Server) -> Self {
        let signals = Arc::<Signals>::default();
        Self::around(Arc::clone(&signals), |server| change(tools(server, &signals), &signals))
    }

    /// A server with nothing in it but what `change` puts there.
    pub(crate) fn bare(change: impl FnOnce(Server) -> Server) -> Self {
        Self::around(Arc::default(), change)
    }

    fn around(signals: Arc<Signals>, change: impl FnOnce(Server) -> Server) -> Self {
        let metrics = Metrics(Arc::default());
        let (sender, audit) = mpsc::unbounded_channel();
        let server = Server::new("attacked", "1.0.0")
            .metrics(Arc::new(metrics.clone()))
            .audit(Arc::new(Audit(sender)));
        Self { service: change(server).build().unwrap(), signals, metrics, audit }
    }

    /// The next record, which must come.
    pub(crate) async fn recorded(&mut self) -> Recorded {
        self.audit.recv().await.unwrap()
    }

    /// The records of calls with a target are exactly these so far, in both sinks, each once.
    pub(crate) async fn assert_recorded(&mut self, expected: &[(&str, &str)]) {
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            let record =
                tokio::time::timeout(PATIENCE, self.recorded()).await.expect("a record is missing");
            // `initialize` and the like name no target.
            if !record.0.is_empty() {
                seen.push(record);
            }
        }
        while let Ok(record) = self.audit.try_recv() {
            if !record.0.is_empty() {
                seen.push(record);
            }
        }
        let mut metrics = self.metrics.0.lock().unwrap().clone();
        metrics.retain(|record| !record.0.is_empty());
        let mut expected: Vec<Recorded> =
            expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        for records in [&mut seen, &mut metrics, &mut expected] {
            records.sort();
        }
        assert_eq!(seen, expected);
        assert_eq!(metrics, expected);
    }
}

fn tools(server: Server, signals: &Arc<Signals>) -> Server {
    let (never, gate, watch) = (Arc::clone(signals), Arc::clone(signals), Arc::clone(signals));
    server
        .tool(Tool::new("echo").handler(|Args(Text { text }): Args<Text>| async move { text }))
        .tool(Tool::new("never").handler(move || {
            let signals = Arc::clone(&never);
            async move {
                let _guard = Guard(Arc::clone(&signals));
                signals.started.raise();
                std::future::pending::<()>().await;
            }
        }))
        .tool(Tool::new("gate").handler(move || {
            let signals = Arc::clone(&gate);
            async move {
                signals.started.raise();
                signals.open.wait().await;
                "passed"
            }
        }))
        // Work that outlives its handler learns of the cancellation from `Cancel` alone.
        .tool(Tool::new("watch").handler(move |cancel: Cancel| {
            let signals = Arc::clone(&watch);
            async move {
                let outside = Arc::clone(&signals);
                tokio::spawn(async move {
                    cancel.cancelled().await;
                    assert!(cancel.is_cancelled());
                    outside.cancelled.raise();
                });
                let _guard = Guard(Arc::clone(&signals));
                signals.started.raise();
                std::future::pending::<()>().await;
            }
        }))
        .tool(
            Tool::new("fail").handler(|Args(Text { text }): Args<Text>| async move {
                Err::<(), _>(failure(&text))
            }),
        )
        .tool(Tool::new("panic_at_once").handler(|Args(Text { text }): Args<Text>| {
            assert!(text.is_empty(), "secret-detail");
            std::future::ready(())
        }))
        .tool(Tool::new("panic_first").handler(|Args(Text { text }): Args<Text>| async move {
            assert!(text.is_empty(), "secret-detail");
        }))
        .tool(Tool::new("panic_later").handler(|Args(Text { text }): Args<Text>| async move {
            tokio::task::yield_now().await;
            assert!(text.is_empty(), "secret-detail");
        }))
        .resource(Resource::new("memo://one", "one").handler(|| async { "first" }))
}

/// One failure of each kind.
fn failure(kind: &str) -> ToolError {
    let new = |kind| ToolError::new(kind, "said to the caller").source("secret-detail");
    match kind {
        "INVALID_INPUT" => new(ErrorKind::InvalidInput).details(json!({"field": "x"})),
        "AUTHENTICATION_FAILED" => new(ErrorKind::AuthenticationFailed),
        "PERMISSION_DENIED" => new(ErrorKind::PermissionDenied),
        "RESOURCE_NOT_FOUND" => new(ErrorKind::ResourceNotFound),
        "RATE_LIMITED" => new(ErrorKind::RateLimited).retry_after(Duration::from_millis(1500)),
        "TIMEOUT" => new(ErrorKind::Timeout),
        "CANCELLED" => new(ErrorKind::Cancelled),
        "CONFLICT" => new(ErrorKind::Conflict),
        "SERVICE_UNAVAILABLE" => new(ErrorKind::ServiceUnavailable),
        _ => ToolError::internal("secret-detail"),
    }
}

/// The failure object of an `isError` result; its text is the same object.
pub(crate) fn failure_of(result: &Value) -> Value {
    assert_eq!(result["isError"], true, "{result}");
    let text = result["content"][0]["text"].as_str().unwrap();
    let failure: Value = serde_json::from_str(text).unwrap();
    if let Some(structured) = result.get("structuredContent") {
        assert_eq!(*structured, failure);
    }
    failure
}
