//! One line for each caller that has a call in progress. The last of its calls takes it away, so there are never more lines
//! than calls.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Line;

/// Callers rarely meet behind the same lock, and none can choose whom it meets: the hash is keyed.
const SHARDS: usize = 32;

#[derive(Debug)]
pub(super) struct Callers {
    concurrency: usize,
    shards: [Mutex<HashMap<Arc<str>, Entry>>; SHARDS],
    hasher: RandomState,
}

#[derive(Debug)]
struct Entry {
    line: Arc<Line>,
    seats: usize,
}

impl Callers {
    pub(super) fn new(concurrency: usize) -> Arc<Self> {
        Arc::new(Self {
            concurrency,
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
        })
    }

    /// A share in the caller's line.
    pub(super) fn seat(self: &Arc<Self>, caller: &Arc<str>) -> Seat {
        let mut shard = self.shard(caller);
        let entry = shard
            .entry(Arc::clone(caller))
            .or_insert_with(|| Entry { line: Line::new(self.concurrency), seats: 0 });
        entry.seats += 1;
        Seat {
            callers: Arc::clone(self),
            caller: Arc::clone(caller),
            line: Arc::clone(&entry.line),
        }
    }

    fn shard(&self, caller: &str) -> MutexGuard<'_, HashMap<Arc<str>, Entry>> {
        let index = self.hasher.hash_one(caller) as usize % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines that there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

/// One call's share in its caller's line.
#[derive(Debug)]
pub(crate) struct Seat {
    callers: Arc<Callers>,
    caller: Arc<str>,
    pub(super) line: Arc<Line>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut shard = self.callers.shard(&self.caller);
        if let Some(entry) = shard.get_mut(&self.caller) {
            entry.seats -= 1;
            if entry.seats == 0 {
                drop(shard.remove(&self.caller));
            }
        }
    }
}
