//! Logs in memory.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::time::Instant;

use super::{MemoryStore, deadline, table::Table};
use crate::state::{LogBound, LogEntry, LogPage, StateError};

#[derive(Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<LogEntry>,
    /// What the budget counts for the entries.
    bytes: usize,
    /// The number of the newest entry that was dropped.
    dropped: u64,
}

/// What the budget counts for one entry: an empty one takes room too.
fn size(entry: &LogEntry) -> usize {
    entry.value.len() + size_of::<LogEntry>()
}

impl MemoryStore {
    pub(super) fn append_now(
        &self,
        name: &[u8],
        entry: &[u8],
        bound: LogBound,
    ) -> Result<u64, StateError> {
        self.key(name)?;
        self.value(entry)?;
        let now = Instant::now();
        self.with_room(now, || {
            let mut table = self.logs.lock(name);
            if table.live(name, now).is_none() {
                let deadline = deadline(now, Some(bound.ttl));
                table.set(&self.budget, name, Log::default(), 0, deadline, now)?;
            }
            let Some(log) = table.slot(name).map(|slot| &slot.value) else { return Ok(0) };
            let over = (log.entries.len() + 1).saturating_sub(bound.entries.max(1));
            let dropped: usize = log.entries.iter().take(over).map(size).sum();
            let bytes = log.bytes - dropped + entry.len() + size_of::<LogEntry>();
            if let Err(full) = table.resize(&self.budget, name, bytes) {
                // A log that was begun for this entry alone must not stay.
                if table.slot(name).is_some_and(|slot| slot.value.entries.is_empty()) {
                    table.remove(&self.budget, name, now);
                }
                return Err(full);
            }
            let sequence = self.number();
            let entry = LogEntry { sequence, value: Bytes::copy_from_slice(entry) };
            table.push(name, entry, over, bytes, deadline(now, Some(bound.ttl)));
            Ok(sequence)
        })
    }

    pub(super) fn read_now(&self, name: &[u8], after: u64, limit: usize) -> LogPage {
        let table = self.logs.lock(name);
        let Some(log) = table.live(name, Instant::now()) else { return LogPage::default() };
        let from = log.entries.partition_point(|entry| entry.sequence <= after);
        let entries = log.entries.range(from..).take(limit).cloned().collect();
        LogPage { entries, missed: after < log.dropped }
    }
}

impl Table<Log> {
    /// Appends after the oldest `over` entries have gone. The budget knows already.
    fn push(
        &mut self,
        name: &[u8],
        entry: LogEntry,
        over: usize,
        bytes: usize,
        deadline: Option<Instant>,
    ) {
        let Some(slot) = self.slot(name) else { return };
        let log = &mut slot.value;
        if let Some(last) = log.entries.drain(..over).next_back() {
            log.dropped = last.sequence;
        }
        log.entries.push_back(entry);
        log.bytes = bytes;
        self.set_deadline(name, deadline);
    }
}
