//! What a harmless attack may take: rows and bytes as the limits say, and memory of the tests' process, as Linux counts it.

use std::fs;

use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::result::QueryResult;

/// From here on.
pub(crate) struct Peak {
    before_kib: u64,
}

impl Peak {
    pub(crate) fn start() -> Self {
        // Forgets the peak so far.
        fs::write("/proc/self/clear_refs", "5").unwrap();
        Self { before_kib: status("VmRSS:") }
    }

    /// What was added, at the moment when it was most.
    pub(crate) fn grown_mib(&self) -> u64 {
        status("VmHWM:").saturating_sub(self.before_kib) / 1_024
    }

    /// What is out of bounds about an answer under the default limits.
    pub(crate) fn within_bounds(
        &self,
        answer: &Result<QueryResult, DatabaseError>,
        max_mib: u64,
    ) -> Result<(), String> {
        let limits = Limits::default();
        let grown = self.grown_mib();
        if grown > max_mib {
            return Err(format!("took {grown} MiB"));
        }
        let Ok(result) = answer else { return Ok(()) };
        let bytes = serde_json::to_string(&result.rows).unwrap().len();
        if result.row_count > limits.default_rows || bytes > limits.max_result_bytes {
            return Err(format!("answered {} rows of {bytes} bytes", result.row_count));
        }
        Ok(())
    }
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_peak_is_seen_after_it_is_over() {
    let peak = Peak::start();
    drop(std::hint::black_box(vec![1_u8; 64 << 20]));
    assert!(peak.grown_mib() >= 60, "{}", peak.grown_mib());
}
