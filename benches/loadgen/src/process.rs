//! CPU time and memory of processes and cores, from `/proc` (Linux only).
//!
//! The kernel counts in ticks of 10 ms: a window of seconds is needed, and enough.

use std::fs::read_to_string;

/// `USER_HZ`, which is 100 on every Linux that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system CPU seconds of a process with all its threads; 0 when it is gone.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces: the numbered fields start behind it.
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// A memory figure of a process, such as `VmRSS` or `VmHWM`, in KiB; 0 when it is gone.
pub fn memory_kib(pid: u32, key: &str) -> u64 {
    let status = read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(key));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// What a core did since boot.
#[derive(Clone, Copy, Debug, Default)]
pub struct Core {
    /// Seconds of work.
    pub busy: f64,
    /// Seconds that the hypervisor gave to others.
    pub stolen: f64,
}

/// What a core did since boot; zero for a core that does not exist.
pub fn core(number: usize) -> Core {
    let stat = read_to_string("/proc/stat").unwrap_or_default();
    let name = format!("cpu{number} ");
    let Some(line) = stat.lines().find(|line| line.starts_with(&name)) else {
        return Core::default();
    };
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|v| v.parse().ok()).collect();
    let tick = |n: usize| ticks.get(n).copied().unwrap_or(0.0) / TICKS_PER_SECOND;
    Core { busy: tick(0) + tick(1) + tick(2) + tick(5) + tick(6), stolen: tick(7) }
}
