//! What a server says of itself when somebody asks for metrics.

use std::sync::atomic::Ordering;

use super::Service;
use crate::metrics::{Measurements, MetricsSource};

/// | Metric | Labels | What |
/// |---|---|---|
/// | `wharf_calls_running`, `wharf_calls_running_max` | `server` | calls that hold a permit of [`Limits::concurrency`](crate::Limits::concurrency), and may |
/// | `wharf_calls_waiting`, `wharf_calls_waiting_max` | `server` | calls that wait for a permit, and may |
/// | `wharf_listen_streams`, `wharf_listen_streams_max` | `server` | open streams of `subscriptions/listen` |
/// | `wharf_kept_results_bytes`, `wharf_kept_results_bytes_max` | `server` | results that are kept for the next call |
///
/// A listener asks its servers by itself; a server that no listener serves can be a [source](crate::Metrics::add_source).
impl MetricsSource for Service {
    fn measure(&self, out: &mut Measurements) {
        let core = &self.0;
        let server = [("server", core.name())];
        let load = core.gate().load();
        let mut gauge = |name, help, value: u64| out.gauge(name, help, &server, value);
        gauge("wharf_calls_running", "Calls that run", whole(load.held));
        gauge("wharf_calls_running_max", "Calls that may run at once", whole(load.permits));
        // Whoever was turned away a moment ago may still be counted.
        let waiting = load.waiting.min(core.gate().queue());
        gauge("wharf_calls_waiting", "Calls that wait for their turn", whole(waiting));
        gauge("wharf_calls_waiting_max", "Calls that may wait", whole(core.gate().queue()));
        let streams = core.listeners.load(Ordering::Relaxed).min(core.limits.listen_streams);
        gauge("wharf_listen_streams", "Open listen streams", whole(streams));
        let most = whole(core.limits.listen_streams);
        gauge("wharf_listen_streams_max", "Listen streams that may be open", most);
        let kept = core.kept_results.size_bytes();
        gauge("wharf_kept_results_bytes", "Results kept for later calls", kept);
        let most = core.limits.result_cache_bytes;
        gauge("wharf_kept_results_bytes_max", "Bytes of results that may be kept", most);
    }
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
