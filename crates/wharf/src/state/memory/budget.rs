//! How much a store may hold, counted over all its shards.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The bound that leaves no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom(pub(super) &'static str);

#[derive(Debug)]
pub(super) struct Budget {
    entries: Count,
    bytes: Count,
}

#[derive(Debug)]
struct Count {
    now: AtomicUsize,
    max: usize,
}

impl Count {
    fn new(max: usize) -> Self {
        Self { now: AtomicUsize::new(0), max }
    }

    fn add(&self, more: usize) -> bool {
        let fits = |now: usize| now.checked_add(more).filter(|sum| *sum <= self.max);
        self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn subtract(&self, less: usize) {
        self.now.fetch_sub(less, Ordering::Relaxed);
    }
}

impl Budget {
    pub(super) fn new(entries: usize, bytes: usize) -> Self {
        Self { entries: Count::new(entries), bytes: Count::new(bytes) }
    }

    /// Makes room for one more entry of `bytes`.
    pub(super) fn reserve(&self, bytes: usize) -> Result<(), NoRoom> {
        if !self.entries.add(1) {
            return Err(NoRoom("entries"));
        }
        if !self.bytes.add(bytes) {
            self.entries.subtract(1);
            return Err(NoRoom("bytes"));
        }
        Ok(())
    }

    /// An entry becomes another size.
    pub(super) fn resize(&self, from: usize, to: usize) -> Result<(), NoRoom> {
        if to <= from {
            self.bytes.subtract(from - to);
            return Ok(());
        }
        if self.bytes.add(to - from) { Ok(()) } else { Err(NoRoom("bytes")) }
    }

    /// An entry of `bytes` is gone.
    pub(super) fn release(&self, bytes: usize) {
        self.entries.subtract(1);
        self.bytes.subtract(bytes);
    }

    /// Entries and bytes that are held.
    pub(super) fn held(&self) -> (usize, usize) {
        (self.entries.now.load(Ordering::Relaxed), self.bytes.now.load(Ordering::Relaxed))
    }
}
