//! The measured window: latencies, errors, CPU time, and the report as one JSON line.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::options::Options;
use crate::process::{Core, core, cpu_seconds, memory_kib};

/// Collects from the first request on; forgets the warm-up when the window opens.
pub struct Measurement {
    server: u32,
    started: Instant,
    warm_up: Duration,
    length: Duration,
    core_numbers: [usize; 2],
    latencies_ns: Vec<u32>,
    errors: u64,
    first_error: Option<String>,
    window: Option<Window>,
}

/// The counters at the moment the window opened.
struct Window {
    opened: Instant,
    server_cpu: f64,
    own_cpu: f64,
    cores: [Core; 2],
}

impl Window {
    fn open(at: Instant, server: u32, core_numbers: [usize; 2]) -> Self {
        Self {
            opened: at,
            server_cpu: cpu_seconds(server),
            own_cpu: cpu_seconds(std::process::id()),
            cores: core_numbers.map(core),
        }
    }
}

impl Measurement {
    /// Starts the warm-up of a server process.
    pub fn start(options: &Options, server: u32) -> Self {
        Self {
            server,
            started: Instant::now(),
            warm_up: Duration::from_secs_f64(options.warm_up_seconds),
            length: Duration::from_secs_f64(options.seconds),
            core_numbers: options.cores,
            latencies_ns: Vec::with_capacity(2_000_000),
            errors: 0,
            first_error: None,
            window: None,
        }
    }

    /// Opens the window after the warm-up; true when the measurement is over.
    pub fn is_over(&mut self, now: Instant) -> bool {
        match &self.window {
            Some(window) => now - window.opened > self.length,
            None => {
                if now - self.started > self.warm_up {
                    self.latencies_ns.clear();
                    self.window = Some(Window::open(now, self.server, self.core_numbers));
                }
                false
            }
        }
    }

    /// Counts a right answer.
    pub fn right(&mut self, latency: Duration) {
        self.latencies_ns.push(u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX));
    }

    /// Counts a failure of any kind; the first one is reported. Those of the warm-up count too.
    pub fn wrong(&mut self, what: impl FnOnce() -> String) {
        self.errors += 1;
        self.first_error.get_or_insert_with(what);
    }

    /// Prints the result as one line of JSON on stdout. Times in µs, memory in KiB.
    pub fn report(mut self) {
        let window = self
            .window
            .unwrap_or_else(|| Window::open(self.started, self.server, self.core_numbers));
        let seconds = window.opened.elapsed().as_secs_f64();
        let server_cpu = cpu_seconds(self.server) - window.server_cpu;
        let own_cpu = cpu_seconds(std::process::id()) - window.own_cpu;
        let cores = self.core_numbers.map(core);
        let busy = |n: usize| cores[n].busy - window.cores[n].busy;
        let stolen: f64 = (0..2).map(|n| cores[n].stolen - window.cores[n].stolen).sum();
        let foreign = ((busy(0) - server_cpu).max(busy(1) - own_cpu) + stolen) / seconds;
        self.latencies_ns.sort_unstable();
        let requests = self.latencies_ns.len() as f64;
        let line = json!({
            "requests": requests,
            "errors": self.errors,
            "first_error": self.first_error,
            "requests_per_second": requests / seconds,
            "p50_us": percentile_us(&self.latencies_ns, 0.5),
            "p99_us": percentile_us(&self.latencies_ns, 0.99),
            "cpu_us": if requests > 0.0 { server_cpu / requests * 1e6 } else { 0.0 },
            "server_utilisation": server_cpu / seconds,
            "client_utilisation": own_cpu / seconds,
            // Below zero only by the rounding of ticks.
            "foreign_share": foreign.max(0.0),
            "rss_kib": memory_kib(self.server, "VmRSS"),
        });
        println!("{line}");
    }
}

fn percentile_us(sorted_ns: &[u32], share: f64) -> f64 {
    let at = (sorted_ns.len() as f64 * share) as usize;
    sorted_ns.get(at.min(sorted_ns.len().saturating_sub(1))).map_or(0.0, |ns| f64::from(*ns) / 1e3)
}

#[cfg(test)]
mod tests {
    use super::percentile_us;

    #[test]
    fn percentiles_of_short_lists() {
        let check = |list: &[u32], share: f64, expected: f64| {
            assert_eq!(percentile_us(list, share), expected, "{list:?} {share}");
        };
        check(&[], 0.5, 0.0);
        check(&[3000], 0.99, 3.0);
        check(&[1000, 2000, 3000, 4000], 0.5, 3.0);
        check(&[1000, 2000, 3000, 4000], 0.99, 4.0);
    }
}
