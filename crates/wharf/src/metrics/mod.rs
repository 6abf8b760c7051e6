//! Metrics of a process: what is counted while calls end, and what sources tell when somebody asks, as one text for
//! Prometheus and whatever else reads its formats.
//!
//! Counting is cheap and apart for each group of threads ([`calls`]); everything else is only looked at when it is asked for. The
//! number of series is bounded by what is registered and not by what clients send: labels are names of servers, of what they
//! registered, and words of this crate.

mod calls;
mod measurements;
mod process;
#[cfg(test)]
mod tests;
mod text;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock},
};

use self::calls::Counts;
pub use self::{
    measurements::{Measurements, MetricsSource, Number},
    text::MetricsFormat,
};
use crate::{
    observe::{CallRecord, MetricsSink, RefusalRecord, StoreTrouble},
    shared::PerGroup,
};

/// Counts calls of any number of servers, and gathers what sources measure.
///
/// One of these serves a process: give it to each server as its [`MetricsSink`] and to the listener with
/// [`Http::metrics`](crate::transport::http::Http::metrics), which then serves `/metrics` and adds what it knows of its servers
/// and connections by itself.
///
/// | Metric | Labels | What |
/// |---|---|---|
/// | `wharf_calls_total` | `server`, `method`, `target`, `outcome` | calls that ended, however they did; `outcome` is that of [`CallRecord`] and `target` its `registered` |
/// | `wharf_call_duration_seconds` | `server`, `method`, `target` | histogram of their time from decoding to outcome, cancelled ones included |
/// | `wharf_kept_results_total` | `server`, `target`, `status` | calls of tools with a [`CachePolicy`](crate::CachePolicy): `hit`, `miss` or `shared` |
/// | `wharf_refusals_total` | `server`, `reason` | what was refused before it became a call; `reason` is that of [`RefusalRecord`] |
/// | `wharf_store_trouble_total` | `server`, `part`, `allowed` | calls that met a state store that was gone, slow or full |
/// | `wharf_build_info` | `version` | always 1 |
/// | `process_*` | | CPU seconds, resident bytes, file descriptors and start time, by the names that Prometheus's clients use; Linux only |
///
/// ```
/// use std::sync::Arc;
/// use wharf::{Metrics, MetricsFormat, Server};
///
/// let metrics = Arc::new(Metrics::new());
/// let server = Server::new("calculator", "1.0.0").metrics(Arc::clone(&metrics) as _);
/// # drop(server);
/// assert!(metrics.text(MetricsFormat::OpenMetrics).ends_with("# EOF\n"));
/// ```
pub struct Metrics {
    counts: PerGroup<Counts>,
    sources: RwLock<Vec<Arc<dyn MetricsSource>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Without any counts and sources.
    pub fn new() -> Self {
        Self { counts: PerGroup::new(Counts::default), sources: RwLock::default() }
    }

    /// Asks `source` too, whenever somebody wants to know.
    pub fn add_source(&self, source: Arc<dyn MetricsSource>) {
        self.sources.write().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    /// Everything, as text.
    pub fn text(&self, format: MetricsFormat) -> String {
        self.measured().text(format)
    }

    /// Everything that was counted, and what the sources say now.
    pub(crate) fn measured(&self) -> Measurements {
        let mut out = Measurements::default();
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        out.gauge("wharf_build_info", "The version, as a label", &version, 1_u64);
        calls::measure(self.counts.iter(), &mut out);
        process::measure(&mut out);
        // Copied, so that a source may take its time, or add another one.
        let sources = self.sources.read().unwrap_or_else(PoisonError::into_inner).clone();
        for source in sources {
            // What one source said before it panicked stands, and the others are still asked.
            if catch_unwind(AssertUnwindSafe(|| source.measure(&mut out))).is_err() {
                tracing::error!("a source of metrics panicked, so that metrics are incomplete");
            }
        }
        out
    }
}

impl MetricsSink for Metrics {
    fn record(&self, record: &CallRecord<'_>) {
        self.counts.own().record(record);
    }

    fn refused(&self, refusal: &RefusalRecord<'_>) {
        self.counts.own().refused(refusal);
    }

    fn store_trouble(&self, trouble: &StoreTrouble<'_>) {
        self.counts.own().store_trouble(trouble);
    }
}
