//! The bounds on what one request may ask, cost and return.
//!
//! Every bound is named, has a safe default and is checked when the server is built, so that no later code meets a zero or
//! a contradiction.

use std::time::Duration;

use crate::error::FilesError;

/// The most bytes of a file that any request can be given.
pub const MAX_READ_BYTES: usize = 16 << 20;
/// The most entries that any page can hold.
pub const MAX_PAGE_ENTRIES: usize = 1_000;
/// The fewest bytes that a read may ask for: one character always fits.
pub const MIN_READ_BYTES: usize = 4;
/// The longest time that any request can be given.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(300);

/// What one request may ask, cost and return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text returned when the request does not say. Default 64 KiB.
    pub default_read_bytes: usize,
    /// The most bytes that a request may ask for, and of a file that is read as a resource. Default 1 MiB, ceiling 16 MiB.
    pub max_read_bytes: usize,
    /// Bytes of an image that is returned as an image. Default 1 MiB.
    pub max_image_bytes: usize,
    /// Bytes of any other binary file that is returned unasked; a larger one has to be read in parts. Default 256 KiB.
    pub max_binary_bytes: usize,
    /// Bytes that are looked through to find a line. Default 64 MiB.
    pub max_scanned_bytes: u64,
    /// Entries of one page when the request does not say. Default 100.
    pub default_entries: usize,
    /// The most entries that a page may have. Default and ceiling 1,000.
    pub max_entries: usize,
    /// Entries of a directory that are looked through for one page. Default 1,000,000.
    pub max_scanned_entries: usize,
    /// Bytes of a path. Default 4,096.
    pub max_path_bytes: usize,
    /// Names in a path. Default 64.
    pub max_depth: usize,
    /// Requests that work on files at once, each on a thread. Default 8.
    pub max_concurrent: usize,
    /// Requests that may wait for one of those threads. Default 256.
    pub max_waiting: usize,
    /// Longest wait for one of those threads. Default 5 s.
    pub acquire_timeout: Duration,
    /// Time for the work of one request. Default 10 s, ceiling 300 s.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            default_read_bytes: 64 << 10,
            max_read_bytes: 1 << 20,
            max_image_bytes: 1 << 20,
            max_binary_bytes: 256 << 10,
            max_scanned_bytes: 64 << 20,
            default_entries: 100,
            max_entries: MAX_PAGE_ENTRIES,
            max_scanned_entries: 1_000_000,
            max_path_bytes: 4_096,
            max_depth: 64,
            max_concurrent: 8,
            max_waiting: 256,
            acquire_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// These limits with `max` as the most bytes of one read; the smaller bounds follow it down.
    #[must_use]
    pub fn read_bytes(mut self, max: usize) -> Self {
        self.max_read_bytes = max;
        self.default_read_bytes = self.default_read_bytes.min(max);
        self.max_image_bytes = self.max_image_bytes.min(max);
        self.max_binary_bytes = self.max_binary_bytes.min(max);
        self
    }

    /// These limits with `max` as the most entries of one page; the default follows it down.
    #[must_use]
    pub fn entries(mut self, max: usize) -> Self {
        self.max_entries = max;
        self.default_entries = self.default_entries.min(max);
        self
    }

    /// Checks that the limits can all be kept together.
    ///
    /// # Errors
    /// [`FilesError::InvalidArgument`] names the limit that cannot be kept.
    pub fn check(&self) -> Result<(), FilesError> {
        within("max_read_bytes", self.max_read_bytes, MIN_READ_BYTES, MAX_READ_BYTES)?;
        let most = self.max_read_bytes;
        within("default_read_bytes", self.default_read_bytes, MIN_READ_BYTES, most)?;
        within("max_image_bytes", self.max_image_bytes, 1, most)?;
        within("max_binary_bytes", self.max_binary_bytes, 1, most)?;
        within("max_entries", self.max_entries, 1, MAX_PAGE_ENTRIES)?;
        within("default_entries", self.default_entries, 1, self.max_entries)?;
        within("max_scanned_entries", self.max_scanned_entries, 1, 1_000_000_000)?;
        within("max_path_bytes", self.max_path_bytes, 1, 4_096)?;
        within("max_depth", self.max_depth, 1, 2_048)?;
        within("max_concurrent", self.max_concurrent, 1, 256)?;
        within("max_waiting", self.max_waiting, 0, 10_000)?;
        if self.max_scanned_bytes == 0 {
            return Err(FilesError::invalid("max_scanned_bytes", "must be at least 1"));
        }
        for (name, time) in [("acquire_timeout", self.acquire_timeout), ("timeout", self.timeout)] {
            if time.is_zero() || time > MAX_TIMEOUT {
                return Err(FilesError::invalid(name, "must be from 1 ms to 300 s"));
            }
        }
        Ok(())
    }

    /// The page size for a request that may name one.
    pub(crate) fn page(&self, asked: Option<usize>) -> Result<usize, FilesError> {
        let entries = asked.unwrap_or(self.default_entries);
        within("limit", entries, 1, self.max_entries)?;
        Ok(entries)
    }

    /// The bytes for a request that may name them; without, `default`.
    pub(crate) fn bytes(&self, asked: Option<usize>, default: usize) -> Result<usize, FilesError> {
        let Some(bytes) = asked else { return Ok(default) };
        within("limit", bytes, MIN_READ_BYTES, self.max_read_bytes)?;
        Ok(bytes)
    }
}

fn within(name: &str, value: usize, least: usize, most: usize) -> Result<(), FilesError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(FilesError::invalid(name, format!("must be from {least} to {most}")))
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
        check(|l| l.max_read_bytes = 16 << 20, None);
        check(|l| l.max_read_bytes = (16 << 20) + 1, Some("max_read_bytes"));
        check(|l| l.default_read_bytes = 3, Some("default_read_bytes"));
        check(|l| l.default_read_bytes = (1 << 20) + 1, Some("default_read_bytes"));
        check(|l| l.max_image_bytes = (1 << 20) + 1, Some("max_image_bytes"));
        check(|l| l.max_binary_bytes = 0, Some("max_binary_bytes"));
        check(|l| l.max_scanned_bytes = 0, Some("max_scanned_bytes"));
        check(|l| l.max_entries = 1_001, Some("max_entries"));
        check(|l| l.default_entries = 0, Some("default_entries"));
        check(|l| l.max_scanned_entries = 0, Some("max_scanned_entries"));
        check(|l| l.max_path_bytes = 4_097, Some("max_path_bytes"));
        check(|l| l.max_depth = 0, Some("max_depth"));
        check(|l| l.max_concurrent = 0, Some("max_concurrent"));
        check(|l| l.max_waiting = 10_001, Some("max_waiting"));
        check(|l| l.acquire_timeout = Duration::ZERO, Some("acquire_timeout"));
        check(|l| l.timeout = Duration::from_secs(301), Some("timeout"));
    }

    #[test]
    fn smaller_bounds_follow_the_larger_ones_down() {
        for bytes in [MIN_READ_BYTES, 1_000, MAX_READ_BYTES] {
            assert_eq!(Limits::default().read_bytes(bytes).check(), Ok(()));
        }
        for entries in [1, 99, MAX_PAGE_ENTRIES] {
            assert_eq!(Limits::default().entries(entries).check(), Ok(()));
        }
    }

    #[test]
    fn a_request_cannot_exceed_the_limits() {
        let limits = Limits::default();
        assert_eq!(limits.page(None), Ok(100));
        assert_eq!(limits.page(Some(1_000)), Ok(1_000));
        assert!(limits.page(Some(0)).is_err() && limits.page(Some(1_001)).is_err());
        assert_eq!(limits.bytes(None, 7), Ok(7));
        assert_eq!(limits.bytes(Some(1 << 20), 7), Ok(1 << 20));
        assert!(limits.bytes(Some(3), 7).is_err());
        assert!(limits.bytes(Some((1 << 20) + 1), 7).is_err());
    }
}
