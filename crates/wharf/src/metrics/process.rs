//! What the operating system says of this process, by the names that Prometheus's own clients use. Linux only: elsewhere there
//! is no `/proc`, and these metrics are not there.

use std::{
    fs,
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use super::measurements::Measurements;

/// What `/proc` counts in: USER_HZ, which Linux tells programs to be 100 whatever the kernel's own is.
const TICKS_PER_SECOND: f64 = 100.0;

static STARTED: LazyLock<f64> = LazyLock::new(|| {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // By the kernel, because metrics may be first looked at long after the start.
    since.as_secs_f64() - age_seconds().unwrap_or_default()
});

pub(super) fn measure(out: &mut Measurements) {
    if let Some(seconds) = cpu_seconds() {
        out.counter("process_cpu_seconds", "CPU time of user and system", &[], seconds);
        out.gauge("process_start_time_seconds", "Start, in seconds since 1970", &[], *STARTED);
    }
    if let Some(bytes) = resident_bytes() {
        out.gauge("process_resident_memory_bytes", "Resident memory", &[], bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The directory itself is one of them while it is read.
        let open = open.count().saturating_sub(1);
        out.gauge("process_open_fds", "Open file descriptors", &[], open);
    }
    if let Some(most) = most_descriptors() {
        out.gauge("process_max_fds", "File descriptors that may be open", &[], most);
    }
}

/// Fields of `/proc/self/stat` (proc(5)) behind the name, which may hold anything; the first of them is the state, field 3.
fn stat_fields() -> Option<Vec<String>> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind) = stat.rsplit_once(')')?;
    Some(behind.split_whitespace().map(str::to_owned).collect())
}

fn ticks(fields: &[String], number: usize) -> Option<f64> {
    Some(fields.get(number - 3)?.parse::<f64>().ok()? / TICKS_PER_SECOND)
}

fn cpu_seconds() -> Option<f64> {
    let fields = stat_fields()?;
    Some(ticks(&fields, 14)? + ticks(&fields, 15)?)
}

fn age_seconds() -> Option<f64> {
    let started = ticks(&stat_fields()?, 22)?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Some(uptime - started)
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn most_descriptors() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
