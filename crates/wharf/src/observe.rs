//! The seams through which finished calls are counted and recorded.
//!
//! Both sinks get the same record, once per call, also when the call was cancelled or its future dropped. A record never
//! holds arguments or results.

use std::time::Duration;

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

/// Counts finished calls. Must not block.
pub trait MetricsSink: Send + Sync + 'static {
    /// One call has finished.
    fn record(&self, record: &CallRecord<'_>);

    /// One call met a state store in trouble.
    fn store_trouble(&self, _: &StoreTrouble<'_>) {}
}

/// Keeps a record of finished calls, also of refused ones. Must not block.
pub trait AuditSink: Send + Sync + 'static {
    /// One call has finished.
    fn record(&self, record: &CallRecord<'_>);
}

/// Whether something that a server depends on can serve.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// Everything works.
    Ready,
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
