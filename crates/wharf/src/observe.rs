//! The seams through which finished calls are counted and recorded.
//!
//! Both sinks get the same record, once per call, also when the call was cancelled or its future dropped; and one for each
//! request or message that was refused before it became a call. A record never holds arguments, results or credentials.
//!
//! Sinks are called on the spot, by whoever serves the request, and nothing is queued for them: a flood of refusals costs
//! one call of each sink per refusal, and no memory.

use std::{
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use crate::{
    cache_policy::CacheStatus,
    caller::Caller,
    context::RequestId,
    error::{Class, ErrorKind},
    protocol::Revision,
};

/// One finished call.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallRecord<'a> {
    /// Which request it was.
    pub request_id: RequestId,
    /// Which server served it.
    pub server: &'a str,
    /// The protocol's method.
    pub method: &'static str,
    /// The tool, URI, prompt or list that was named.
    pub target: &'a str,
    /// As what the target is registered: the tool's, prompt's or extension method's name, the resource's URI or its
    /// template. Empty where nothing registered was named. Clients can make up any number of targets, and none of these.
    pub registered: &'a str,
    /// Who called.
    pub caller: &'a Caller,
    /// The revision that the client speaks.
    pub revision: Revision,
    /// `OK`, `INPUT_REQUIRED`, or the taxonomy's code.
    pub outcome: &'static str,
    /// Whose fault it is.
    pub class: Class,
    /// Where a tool's result came from, for tools with a [`CachePolicy`](crate::CachePolicy).
    pub cache: Option<CacheStatus>,
    /// From decoding to outcome.
    pub elapsed: Duration,
}

impl CallRecord<'_> {
    /// The outcome of a success.
    pub const OK: &'static str = "OK";
    /// The outcome of a call whose client went away or withdrew it.
    pub const CANCELLED: &'static str = ErrorKind::Cancelled.code();
}

/// A request or a message that was refused before it became a call: by the authenticator, for its `Host` or `Origin`, for
/// its form, or because what it needs is not there.
///
/// Connections that are turned away unread, and bytes that are no HTTP, leave no record: nothing is known of them.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RefusalRecord<'a> {
    /// Names this refusal; the client is not told it.
    pub request_id: RequestId,
    /// Which server it was sent to.
    pub server: &'a str,
    /// The client's address as the authenticator sees it; none on stdio and in memory.
    pub client_addr: Option<IpAddr>,
    /// Who called, where that was known by then.
    pub caller: Option<&'a Caller>,
    /// The taxonomy's code.
    pub outcome: &'static str,
    /// Whose fault it is.
    pub class: Class,
    /// Which check refused it, in one word such as `host`, `origin`, `no_credential`, `wrong_credential` or `not_json`. An
    /// authenticator may have words of its own (see [`Challenge::because`](crate::Challenge::because)).
    pub reason: &'static str,
    /// The HTTP status that the client was answered with; none on stdio and in memory.
    pub status: Option<u16>,
}

/// A call that could not be looked after as configured, because the state store was gone, slow or full.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StoreTrouble<'a> {
    /// Which server.
    pub server: &'a str,
    /// What needed the store, such as `rate_limit`.
    pub part: &'static str,
    /// Whether the call went on.
    pub allowed: bool,
}

/// Counts finished calls and refusals. Must not block: it is called while the client waits.
pub trait MetricsSink: Send + Sync + 'static {
    /// One call has finished.
    fn record(&self, record: &CallRecord<'_>);

    /// Something was refused before it became a call. Whoever can reach the listener can make this happen as often as it
    /// can send requests.
    fn refused(&self, refusal: &RefusalRecord<'_>);

    /// One call met a state store in trouble.
    fn store_trouble(&self, _: &StoreTrouble<'_>) {}
}

/// Keeps a record of finished calls and of refusals. Must not block: it is called while the client waits.
pub trait AuditSink: Send + Sync + 'static {
    /// One call has finished.
    fn record(&self, record: &CallRecord<'_>);

    /// Something was refused before it became a call. Whoever can reach the listener can make this happen as often as it
    /// can send requests, so a sink that writes must bound what it writes.
    fn refused(&self, refusal: &RefusalRecord<'_>);
}

/// Both sinks of one server.
#[derive(Clone, Default)]
pub(crate) struct Sinks {
    pub(crate) metrics: Option<Arc<dyn MetricsSink>>,
    pub(crate) audit: Option<Arc<dyn AuditSink>>,
}

impl Sinks {
    pub(crate) fn are_there(&self) -> bool {
        self.metrics.is_some() || self.audit.is_some()
    }

    pub(crate) fn record(&self, record: &CallRecord<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.record(record);
        }
        if let Some(audit) = &self.audit {
            audit.record(record);
        }
    }

    /// No layer stands around this, so a sink that panics is caught here: the client is still owed its answer.
    pub(crate) fn refused(&self, refusal: &RefusalRecord<'_>) {
        let told = catch_unwind(AssertUnwindSafe(|| {
            if let Some(metrics) = &self.metrics {
                metrics.refused(refusal);
            }
            if let Some(audit) = &self.audit {
                audit.refused(refusal);
            }
        }));
        if told.is_err() {
            tracing::error!(request_id = %refusal.request_id, "a sink panicked, so a refusal may not be recorded");
        }
    }
}

/// Whether something that a server depends on can serve.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// Everything works.
    Ready,
    /// It serves, but something is wrong that somebody should look at; the text says what and names no secret. The
    /// endpoint answers 200, because sending clients elsewhere would not help.
    Degraded(String),
    /// Not now; the text says what is missing and names no secret.
    NotReady(String),
}

/// A check of readiness, asked by `/readyz` and `/health`.
pub trait Probe: Send + Sync + 'static {
    /// What is checked.
    fn name(&self) -> &str;

    /// Checks it. Bounded by the endpoint's own deadline.
    fn check(&self) -> futures_util::future::BoxFuture<'_, Readiness>;
}
