//! Bounded logs: entries in the order in which they were appended, each with a number to read on from.

use std::time::Duration;

use bytes::Bytes;

/// How much of a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBound {
    /// Entries that are kept; the oldest goes when another one comes. At least one is kept.
    pub entries: usize,
    /// How long after its last entry the whole log is forgotten.
    pub ttl: Duration,
}

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Greater than that of every earlier entry of the log, also of one that has been forgotten; not always by one.
    pub sequence: u64,
    /// What was appended.
    pub value: Bytes,
}

/// What was read from a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// Oldest first.
    pub entries: Vec<LogEntry>,
    /// Entries that followed the given number have been dropped to keep the log within its bound.
    pub missed: bool,
}
