//! The bounds on what one request may ask, cost and return.
//!
//! Every bound is named, has a safe default and is checked when the database is opened, so that
//! no later code meets a zero or a contradiction.

use std::time::Duration;

use crate::error::DatabaseError;

/// The most rows that any request can be given.
pub const MAX_ROW_LIMIT: usize = 100_000;
/// The longest time that any statement can be given.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(300);

/// What one request may ask, cost and return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Rows returned when the request does not say. Default 100.
    pub default_rows: usize,
    /// The most rows that a request may ask for. Default 10,000, ceiling 100,000.
    pub max_rows: usize,
    /// Bytes of one result, counted as JSON. It is sent twice, as text and structured, so that the default of 480 KiB fits into
    /// the megabyte that a call may answer with by default.
    pub max_result_bytes: usize,
    /// Bytes of one cell before it is cut and marked. Default 64 KiB.
    pub max_cell_bytes: usize,
    /// Bytes of the SQL text. Default 100,000.
    pub max_sql_bytes: usize,
    /// The most parameters of one statement. Default 1,000.
    pub max_parameters: usize,
    /// Bytes of any one value while a statement runs, also of one that is not returned. Default 10 MB.
    pub max_value_bytes: usize,
    /// Time for one statement when the request does not say. Default 10 s.
    pub default_timeout: Duration,
    /// The most time that a request may ask for. Default and ceiling 300 s.
    pub max_timeout: Duration,
    /// Work for one statement in the database's own steps, whatever the clock says.
    /// Default 2,000,000,000, which a fast machine does in about 20 s.
    pub max_work_steps: u64,
    /// Tables returned by one listing. Default 1,000.
    pub max_tables: usize,
    /// Memory that SQLite may hold in the whole process. Default 128 MiB.
    pub max_memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            default_rows: 100,
            max_rows: 10_000,
            max_result_bytes: 480 << 10,
            max_cell_bytes: 64 << 10,
            max_sql_bytes: 100_000,
            max_parameters: 1_000,
            max_value_bytes: 10_000_000,
            default_timeout: Duration::from_secs(10),
            max_timeout: MAX_TIMEOUT,
            max_work_steps: 2_000_000_000,
            max_tables: 1_000,
            max_memory_bytes: 128 << 20,
        }
    }
}

impl Limits {
    /// Checks that the limits can all be kept together.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the limit that cannot be kept.
    pub fn check(&self) -> Result<(), DatabaseError> {
        within("max_rows", self.max_rows, 1, MAX_ROW_LIMIT)?;
        within("default_rows", self.default_rows, 1, self.max_rows)?;
        within("max_result_bytes", self.max_result_bytes, 1_024, 64 << 20)?;
        within("max_cell_bytes", self.max_cell_bytes, 16, self.max_result_bytes)?;
        within("max_sql_bytes", self.max_sql_bytes, 16, 1_000_000)?;
        within("max_parameters", self.max_parameters, 0, 32_766)?;
        within("max_value_bytes", self.max_value_bytes, 1_024, 1_000_000_000)?;
        within("max_tables", self.max_tables, 1, 100_000)?;
        if self.max_timeout.is_zero() || self.max_timeout > MAX_TIMEOUT {
            return Err(DatabaseError::invalid("max_timeout", "must be from 1 ms to 300 s"));
        }
        if self.default_timeout.is_zero() || self.default_timeout > self.max_timeout {
            return Err(DatabaseError::invalid(
                "default_timeout",
                "must be at least 1 ms and at most max_timeout",
            ));
        }
        if self.max_work_steps == 0 {
            return Err(DatabaseError::invalid("max_work_steps", "must be at least 1"));
        }
        if self.max_memory_bytes < 8 << 20 {
            return Err(DatabaseError::invalid("max_memory_bytes", "must be at least 8 MiB"));
        }
        Ok(())
    }

    /// The row limit for a request that may name one.
    pub(crate) fn rows(&self, asked: Option<usize>) -> Result<usize, DatabaseError> {
        let rows = asked.unwrap_or(self.default_rows);
        within("limit", rows, 1, self.max_rows)?;
        Ok(rows)
    }

    /// The timeout for a request that may name one.
    pub(crate) fn timeout(&self, asked: Option<Duration>) -> Result<Duration, DatabaseError> {
        let timeout = asked.unwrap_or(self.default_timeout);
        if timeout.is_zero() || timeout > self.max_timeout {
            return Err(DatabaseError::invalid(
                "timeout_seconds",
                format!("must be more than 0 and at most {}", self.max_timeout.as_secs_f64()),
            ));
        }
        Ok(timeout)
    }
}

fn within(name: &str, value: usize, least: usize, most: usize) -> Result<(), DatabaseError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(DatabaseError::invalid(name, format!("must be from {least} to {most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_can_be_kept() {
        assert_eq!(Limits::default().check(), Ok(()));
    }

    #[test]
    fn every_limit_is_checked_at_its_edge() {
        #[track_caller]
        fn check(change: impl FnOnce(&mut Limits), expected: Option<&str>) {
            let mut limits = Limits::default();
            change(&mut limits);
            let refused = limits.check().err().map(|error| error.to_string());
            assert_eq!(refused.as_deref().and_then(|text| text.split(':').next()), expected);
        }
        check(|l| l.max_rows = 0, Some("max_rows"));
        check(|l| l.max_rows = 100_001, Some("max_rows"));
        check(|l| l.default_rows = 10_000, None);
        check(|l| l.default_rows = 0, Some("default_rows"));
        check(|l| l.max_cell_bytes = (480 << 10) + 1, Some("max_cell_bytes"));
        check(|l| l.max_timeout = Duration::from_secs(301), Some("max_timeout"));
        check(|l| l.default_timeout = Duration::ZERO, Some("default_timeout"));
        check(|l| l.max_work_steps = 0, Some("max_work_steps"));
        check(|l| l.max_memory_bytes = 1, Some("max_memory_bytes"));
    }

    #[test]
    fn a_request_cannot_exceed_the_limits() {
        let limits = Limits::default();
        assert_eq!(limits.rows(None), Ok(100));
        assert_eq!(limits.rows(Some(10_000)), Ok(10_000));
        assert!(limits.rows(Some(0)).is_err());
        assert!(limits.rows(Some(10_001)).is_err());
        assert!(limits.timeout(Some(Duration::ZERO)).is_err());
        assert!(limits.timeout(Some(Duration::from_secs(301))).is_err());
        assert_eq!(limits.timeout(None), Ok(Duration::from_secs(10)));
    }
}
