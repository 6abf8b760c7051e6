//! How much a store holds.

use std::time::Duration;

use wharf::state::MemoryLimits;

/// How much a [`SqliteStore`](super::SqliteStore) holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteLimits {
    /// Values, quotas, leases and logs together.
    pub entries: usize,
    /// Bytes of all keys, values and log entries together.
    pub bytes: usize,
    /// Largest file, in bytes, without the write-ahead log beside it. What a file has grown by is used again, not given
    /// back.
    pub file_bytes: u64,
    /// Longest key, name or topic, in bytes.
    pub key_bytes: usize,
    /// Longest value, log entry or message, in bytes.
    pub value_bytes: usize,
    /// Operations that wait for the file; further callers wait for a place.
    pub queue: usize,
    /// Bytes of keys and values that wait for the file.
    pub queue_bytes: usize,
    /// Longest wait for another process that holds the file.
    pub busy_timeout: Duration,
    /// Subscriptions to topics at once.
    pub listeners: usize,
    /// Messages that wait for one listener; past them it loses the oldest.
    pub backlog: usize,
    /// Bytes of messages that wait for one listener, unless a single one is longer.
    pub backlog_bytes: usize,
}

impl Default for SqliteLimits {
    fn default() -> Self {
        let memory = MemoryLimits::default();
        Self {
            entries: 1_000_000,
            bytes: 256 * 1024 * 1024,
            file_bytes: 1024 * 1024 * 1024,
            key_bytes: memory.key_bytes,
            value_bytes: memory.value_bytes,
            queue: 1024,
            queue_bytes: 16 * 1024 * 1024,
            // Shorter than anybody waits for a store, so that the reason is told and not only that it took too long.
            busy_timeout: Duration::from_secs(1),
            listeners: memory.listeners,
            backlog: memory.backlog,
            backlog_bytes: memory.backlog_bytes,
        }
    }
}

impl SqliteLimits {
    /// The bounds of topics, which are kept in memory.
    pub(super) fn topics(&self) -> MemoryLimits {
        let mut limits = MemoryLimits::default();
        limits.key_bytes = self.key_bytes;
        limits.value_bytes = self.value_bytes;
        limits.listeners = self.listeners;
        limits.backlog = self.backlog;
        limits.backlog_bytes = self.backlog_bytes;
        limits
    }
}
