//! Whether a database can be reached and read: what `/readyz` asks.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use wharf::{Probe, Readiness};

use crate::engine::Engine;

/// The check of one database.
pub(crate) struct DatabaseProbe {
    /// The name of the probe.
    pub(crate) name: String,
    /// What is checked.
    pub(crate) engine: Arc<dyn Engine>,
}

impl Probe for DatabaseProbe {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self) -> BoxFuture<'_, Readiness> {
        Box::pin(async {
            match self.engine.check().await {
                Ok(health) if health.warnings.is_empty() => Readiness::Ready,
                // What exactly is wrong is for the operator, and not for whoever asks the endpoint.
                Ok(_) => Readiness::Degraded(
                    "its operator should change something; `wharf doctor` says what".to_owned(),
                ),
                Err(error) => Readiness::NotReady(error.to_string()),
            }
        })
    }
}
