//! The one function that orders the layers. A test pins the order.

use std::sync::Arc;

use tower::{Service, ServiceBuilder, util::BoxCloneSyncService};

use crate::{
    call::{Call, Outcome},
    error::Error,
    gate::Gate,
    layers::{
        AuthorizeLayer, CatchPanicLayer, ConcurrencyLayer, Handle, IdempotencyLayer, RecordLayer,
        ResultCacheLayer, TimeoutLayer, TraceLayer, ValidateLayer,
    },
    observe::{AuditSink, MetricsSink},
    server::Limits,
};

/// The whole stack, type-erased once.
pub(crate) type Stack = BoxCloneSyncService<Call, Outcome, Error>;

/// Builds the stack of one server.
pub(crate) fn stack(
    limits: &Limits,
    gate: Arc<Gate>,
    metrics: Option<Arc<dyn MetricsSink>>,
    audit: Option<Arc<dyn AuditSink>>,
) -> Stack {
    BoxCloneSyncService::new(layered(limits, gate, metrics, audit))
}

fn layered(
    limits: &Limits,
    gate: Arc<Gate>,
    metrics: Option<Arc<dyn MetricsSink>>,
    audit: Option<Arc<dyn AuditSink>>,
) -> impl Service<Call, Response = Outcome, Error = Error, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static {
    ServiceBuilder::new()
        // Outermost, so that everything below logs inside the request's span.
        .layer(TraceLayer)
        // Outside everything that can refuse, so that refusals, timeouts, panics and dropped calls are counted and
        // audited too.
        .layer(RecordLayer::new(metrics, audit))
        // Outside the layers that could panic themselves; inside the record, which must learn of the panic.
        .layer(CatchPanicLayer)
        // Outside the line for a permit: waiting counts against the deadline.
        .layer(TimeoutLayer::new(limits.request_timeout))
        // Only handlers are counted, and only while they run: see `Call::runs_handler`.
        .layer(ConcurrencyLayer::new(gate))
        // Outside whatever spends quota or work on a call; what was refused gives its place back at once.
        .layer(AuthorizeLayer)
        // Nothing below sees arguments that the schema does not accept, and all of it sees them in their final form.
        .layer(ValidateLayer)
        // Outside the cache: a key says that the call happens once, whatever else would be answered to it.
        .layer(IdempotencyLayer)
        // Innermost: only what would otherwise run is answered from an earlier run.
        .layer(ResultCacheLayer)
        .service(Handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The layers of a service, outermost first: the type of a stack is its order.
    fn order<S>(_: &S) -> Vec<&'static str> {
        let layers = std::any::type_name::<S>().split(['<', '>']).filter(|name| !name.is_empty());
        layers.map(|path| path.rsplit("::").next().unwrap_or(path)).collect()
    }

    #[test]
    fn the_layers_stand_in_this_order() {
        let limits = Limits::default();
        let gate = Arc::new(Gate::new(limits.concurrency, limits.queue));
        let expected = [
            "Trace",
            "Record",
            "CatchPanic",
            "Timeout",
            "Concurrency",
            "Authorize",
            "Validate",
            "Idempotency",
            "ResultCache",
            "Handle",
        ];
        assert_eq!(order(&layered(&limits, gate, None, None)), expected);
    }
}
