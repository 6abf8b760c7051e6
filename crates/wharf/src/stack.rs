//! The one function that orders the layers. A test pins the order.

use std::sync::Arc;

use tower::{Service, ServiceBuilder, util::BoxCloneSyncService};

use crate::{
    call::{Call, Outcome},
    error::Error,
    gate::Gate,
    layers::{
        AuthorizeLayer, CatchPanicLayer, ConcurrencyLayer, Handle, IdempotencyLayer,
        RateLimitLayer, RateLimits, RecordLayer, ResponseBudgetLayer, ResultCacheLayer,
        TimeoutLayer, TraceLayer, ValidateLayer,
    },
    observe::MetricsSink,
    server::Limits,
    state::StateStore,
};

/// The whole stack, type-erased once.
pub(crate) type Stack = BoxCloneSyncService<Call, Outcome, Error>;

/// What the layers of one server are made of.
pub(crate) struct Parts<'a> {
    pub(crate) server: &'a str,
    pub(crate) limits: &'a Limits,
    pub(crate) rate_limits: RateLimits,
    pub(crate) gate: Arc<Gate>,
    pub(crate) state: Arc<dyn StateStore>,
    /// Where trouble with the state store is counted.
    pub(crate) metrics: Option<Arc<dyn MetricsSink>>,
}

/// Builds the stack of one server.
#[cfg(not(feature = "profiling"))]
pub(crate) fn stack(parts: Parts<'_>) -> Stack {
    BoxCloneSyncService::new(layered(parts))
}

/// Builds the stack of one server, or as many of its inner layers as the profiler wants.
#[cfg(feature = "profiling")]
pub(crate) fn stack(parts: Parts<'_>) -> Stack {
    use crate::profiling::{LAYERS, kept_layers};
    let count = kept_layers();
    if count >= LAYERS.len() {
        BoxCloneSyncService::new(layered(parts))
    } else {
        inner(parts, count)
    }
}

/// The innermost `count` layers of [`layered`].
#[cfg(feature = "profiling")]
fn inner(
    Parts { server, limits, rate_limits, gate, state, metrics }: Parts<'_>,
    count: usize,
) -> Stack {
    let mut layers = 0..;
    macro_rules! around {
        ($service:expr, $($layer:expr,)*) => {{
            let service = $service;
            if layers.next() == Some(count) {
                return BoxCloneSyncService::new(service);
            }
            around!(@next service, $($layer,)*)
        }};
        (@next $service:ident, $layer:expr, $($rest:expr,)*) => {
            around!(tower::Layer::layer(&$layer, $service), $($rest,)*)
        };
        (@next $service:ident,) => { BoxCloneSyncService::new($service) };
    }
    around!(
        Handle,
        ResultCacheLayer,
        ResponseBudgetLayer::new(limits.response_bytes),
        IdempotencyLayer,
        ValidateLayer,
        RateLimitLayer::new(server, rate_limits, state, metrics),
        AuthorizeLayer,
        ConcurrencyLayer::new(gate),
        TimeoutLayer::new(limits.request_timeout),
        CatchPanicLayer,
        RecordLayer,
    )
}

fn layered(
    Parts { server, limits, rate_limits, gate, state, metrics }: Parts<'_>,
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
        .layer(RecordLayer)
        // Outside the layers that could panic themselves; inside the record, which must learn of the panic.
        .layer(CatchPanicLayer)
        // Outside the line for a permit: waiting counts against the deadline.
        .layer(TimeoutLayer::new(limits.request_timeout))
        // Only handlers are counted, and only while they run: see `Call::runs_handler`.
        .layer(ConcurrencyLayer::new(gate))
        // Outside whatever spends quota or work on a call; what was refused gives its place back at once.
        .layer(AuthorizeLayer)
        // Outside validation and whatever else costs something: a call that comes too often must stay cheap. Inside the
        // record, so that refusals are counted.
        .layer(RateLimitLayer::new(server, rate_limits, state, metrics))
        // Nothing below sees arguments that the schema does not accept, and all of it sees them in their final form.
        .layer(ValidateLayer)
        // Outside the cache: a key says that the call happens once, whatever else would be answered to it. Outside the
        // budget: it remembers what its caller was told.
        .layer(IdempotencyLayer)
        // Outside the cache, which may serve one result to several callers: the pages of a cut one belong to one of them.
        // Inside the timeout and the permit: cutting is work.
        .layer(ResponseBudgetLayer::new(limits.response_bytes))
        // Innermost: only what would otherwise run is answered from an earlier run.
        .layer(ResultCacheLayer)
        .service(Handle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::MemoryStore;

    /// The layers of a service, outermost first: the type of a stack is its order.
    fn order<S>(_: &S) -> Vec<&'static str> {
        let layers = std::any::type_name::<S>().split(['<', '>']).filter(|name| !name.is_empty());
        layers.map(|path| path.rsplit("::").next().unwrap_or(path)).collect()
    }

    #[test]
    fn the_layers_stand_in_this_order() {
        let limits = Limits::default();
        let parts = Parts {
            server: "ordered",
            limits: &limits,
            rate_limits: RateLimits::default(),
            gate: Arc::new(Gate::new(&limits)),
            state: Arc::new(MemoryStore::default()),
            metrics: None,
        };
        let expected = [
            "Trace",
            "Record",
            "CatchPanic",
            "Timeout",
            "Concurrency",
            "Authorize",
            "RateLimit",
            "Validate",
            "Idempotency",
            "ResponseBudget",
            "ResultCache",
            "Handle",
        ];
        assert_eq!(order(&layered(parts)), expected);
    }
}
