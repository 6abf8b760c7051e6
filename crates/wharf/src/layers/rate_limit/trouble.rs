//! What becomes of calls while the store is gone, slow or full: the configured choice, said aloud.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::StoreFailure;
use crate::{
    error::{Error, ErrorKind, Failure},
    observe::{MetricsSink, StoreTrouble},
    state::StateError,
};

/// Between two lines in the log. The metrics see every call.
const QUIET: Duration = Duration::from_secs(10);
/// For how long a store that did not answer in time is not asked again, where calls go on without it.
const REST: Duration = Duration::from_secs(1);

pub(super) struct Trouble {
    server: Arc<str>,
    choice: StoreFailure,
    metrics: Option<Arc<dyn MetricsSink>>,
    began: Instant,
    /// Milliseconds since `began` from which on the log may say something again.
    quiet_until_ms: AtomicU64,
    /// Milliseconds since `began` until which the store rests.
    rest_until_ms: AtomicU64,
    /// Calls since the last line in the log.
    unsaid: AtomicU64,
}

impl Trouble {
    pub(super) fn new(
        server: Arc<str>,
        choice: StoreFailure,
        metrics: Option<Arc<dyn MetricsSink>>,
    ) -> Self {
        Self {
            server,
            choice,
            metrics,
            began: Instant::now(),
            quiet_until_ms: AtomicU64::new(0),
            rest_until_ms: AtomicU64::new(0),
            unsaid: AtomicU64::new(0),
        }
    }

    /// Whether the store rests: it did not answer in time a moment ago, and asking again would hold up every call.
    pub(super) fn store_rests(&self) -> bool {
        let until = self.rest_until_ms.load(Ordering::Relaxed);
        // The clock is read only once there was trouble.
        until != 0 && self.now_ms() < until
    }

    /// The store said no.
    pub(super) fn failed(&self, error: &StateError) -> Result<(), Error> {
        self.decide(&error.to_string())
    }

    /// The store said nothing.
    pub(super) fn timed_out(&self) -> Result<(), Error> {
        if self.choice == StoreFailure::Allow {
            self.rest_until_ms.store(self.now_ms() + as_ms(REST), Ordering::Relaxed);
        }
        self.decide("the state store did not answer in time")
    }

    /// The store was not asked.
    pub(super) fn not_asked(&self) -> Result<(), Error> {
        self.decide("the state store did not answer in time a moment ago")
    }

    fn decide(&self, cause: &str) -> Result<(), Error> {
        let allowed = self.choice == StoreFailure::Allow;
        if let Some(metrics) = &self.metrics {
            metrics.store_trouble(&StoreTrouble {
                server: &self.server,
                part: "rate_limit",
                allowed,
            });
        }
        self.say(cause, allowed);
        if allowed {
            return Ok(());
        }
        let mut failure = Failure::new(
            ErrorKind::ServiceUnavailable,
            "calls can't be counted right now; try again shortly",
        );
        failure.retry_after = Some(REST);
        failure.source = Some(cause.into());
        Err(Error::Failed(failure))
    }

    /// One line for many calls: who reads the log needs to see it, not to drown in it.
    fn say(&self, cause: &str, allowed: bool) {
        let calls = self.unsaid.fetch_add(1, Ordering::Relaxed) + 1;
        let (now, until) = (self.now_ms(), self.quiet_until_ms.load(Ordering::Relaxed));
        let next = now + as_ms(QUIET);
        let order = Ordering::Relaxed;
        if now < until || self.quiet_until_ms.compare_exchange(until, next, order, order).is_err() {
            return;
        }
        self.unsaid.fetch_sub(calls, Ordering::Relaxed);
        let server = &*self.server;
        if allowed {
            tracing::warn!(
                server,
                cause,
                calls,
                "calls go on without being counted: NO RATE LIMITS"
            );
        } else {
            tracing::warn!(server, cause, calls, "calls are refused because they can't be counted");
        }
    }

    fn now_ms(&self) -> u64 {
        as_ms(self.began.elapsed())
    }
}

fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
