//! Whether the roots can be read: what `/readyz` asks.

use futures_util::future::BoxFuture;
use wharf::{Probe, Readiness};

use crate::tree::Files;

/// Fails when a root was removed or may no longer be listed.
pub(crate) struct RootsProbe(pub(crate) Files);

impl Probe for RootsProbe {
    fn name(&self) -> &str {
        "files"
    }

    fn check(&self) -> BoxFuture<'_, Readiness> {
        Box::pin(async {
            match self.0.check().await {
                Ok(()) => Readiness::Ready,
                Err(error) => Readiness::NotReady(error.to_string()),
            }
        })
    }
}
