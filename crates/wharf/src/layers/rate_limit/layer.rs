//! Configures the service.

use std::sync::Arc;

use tower::Layer;

use super::{
    RateLimits,
    service::{RateLimit, Shared},
    trouble::Trouble,
};
use crate::{observe::MetricsSink, state::StateStore};

#[derive(Clone)]
pub(crate) struct RateLimitLayer(Arc<Shared>);

impl RateLimitLayer {
    pub(crate) fn new(
        server: &str,
        limits: RateLimits,
        store: Arc<dyn StateStore>,
        metrics: Option<Arc<dyn MetricsSink>>,
    ) -> Self {
        let server: Arc<str> = server.into();
        let trouble = Trouble::new(Arc::clone(&server), limits.store_failure, metrics);
        Self(Arc::new(Shared { server, limits, store, trouble }))
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit::new(inner, Arc::clone(&self.0))
    }
}
