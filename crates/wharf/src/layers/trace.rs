//! A span per call that continues the caller's trace context (W3C `traceparent`). Costs nothing while nobody listens at
//! DEBUG: lifecycle lines at INFO for each call are what made other servers slow.

use std::task::{Context, Poll};

use tower::{Layer, Service};
use tracing::{Instrument, instrument::Instrumented};

use crate::call::Call;

#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceLayer;

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace { inner }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Trace<S> {
    inner: S,
}

impl<S: Service<Call>> Service<Call> for Trace<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let span = tracing::debug_span!(
            "call",
            request_id = %call.request_id(),
            method = call.method(),
            target_name = call.target(),
            caller = &*call.caller().id,
            revision = call.revision().as_str(),
            traceparent = call.context.meta.traceparent.as_deref(),
        );
        let future = span.in_scope(|| self.inner.call(call));
        future.instrument(span)
    }
}
