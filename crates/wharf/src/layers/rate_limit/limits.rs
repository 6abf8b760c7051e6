//! The rate limits of one server: what its author declared, changed by whoever runs it.

use std::time::Duration;

use super::Rate;

/// What happens to a call that can't be counted, because the store is gone, slow or full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StoreFailure {
    /// It goes on, uncounted; the log and the metrics say so.
    #[default]
    Allow,
    /// It is refused with SERVICE_UNAVAILABLE.
    Refuse,
}

/// How often one tool may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ToolRates {
    /// By all callers together.
    pub(crate) total: Option<Rate>,
    /// By each caller.
    pub(crate) per_caller: Option<Rate>,
}

/// The rate limits of one server; those of its tools are the tools' own. Without any, nothing is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimits {
    /// By all callers together.
    pub server: Option<Rate>,
    /// By each caller.
    pub per_caller: Option<Rate>,
    /// By each caller in the long run, such as [`Rate::per_day`]. A bucket, no calendar day: so many at once, and over a
    /// whole day as many again as they come back; there is no midnight at which everyone starts anew.
    pub daily_per_caller: Option<Rate>,
    /// What happens to a call that can't be counted.
    pub store_failure: StoreFailure,
    /// Longest wait for the store.
    pub store_wait: Duration,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            server: None,
            per_caller: None,
            daily_per_caller: None,
            store_failure: StoreFailure::Allow,
            store_wait: Duration::from_millis(250),
        }
    }
}
