//! The store of one process: bounded, sharded, and gone when the process ends.
//!
//! It is never more than full: what has expired goes first, and then a write is refused with
//! [`StateError::Full`] rather than that something which still counts is forgotten. Nothing runs in the background; each
//! write removes a few expired entries. Reading a value and taking from a known quota allocate nothing.

mod budget;
mod leases;
mod logs;
mod quotas;
mod shards;
mod table;
#[cfg(test)]
mod tests;
mod topics;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use self::{
    budget::{Budget, NoRoom},
    logs::Log,
    shards::Shards,
    table::Table,
    topics::Topics,
};
use super::{
    Lease, LogBound, LogPage, Messages, Quota, StateError, StateFuture, StateStore, Swap, Take,
};

/// How much a [`MemoryStore`] holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MemoryLimits {
    /// Values, quotas, leases and logs together.
    pub entries: usize,
    /// Bytes of all keys, values and log entries together.
    pub bytes: usize,
    /// Longest key, name or topic, in bytes.
    pub key_bytes: usize,
    /// Longest value, log entry or message, in bytes.
    pub value_bytes: usize,
    /// Subscriptions to topics at once.
    pub listeners: usize,
    /// Messages that wait for one listener; past them it loses the oldest.
    pub backlog: usize,
    /// Bytes of messages that wait for one listener, unless a single one is longer.
    pub backlog_bytes: usize,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            bytes: 64 * 1024 * 1024,
            key_bytes: 1024,
            value_bytes: 1024 * 1024,
            listeners: 4096,
            backlog: 256,
            backlog_bytes: 1024 * 1024,
        }
    }
}

/// The store of one process.
///
/// ```
/// use wharf::state::{MemoryLimits, MemoryStore};
///
/// let mut limits = MemoryLimits::default();
/// limits.entries = 1_000_000;
/// let store = MemoryStore::new(limits);
/// # drop(store);
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    limits: MemoryLimits,
    budget: Budget,
    values: Shards<Table<Bytes>>,
    /// The theoretical arrival time of each bucket: when it is full again.
    quotas: Shards<Table<Instant>>,
    leases: Shards<Table<u64>>,
    logs: Shards<Table<Log>>,
    topics: Arc<Topics>,
    /// Lease tokens and log sequences: never the same twice, never lower than before.
    numbers: AtomicU64,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(MemoryLimits::default())
    }
}

impl MemoryStore {
    /// An empty store with these limits.
    pub fn new(limits: MemoryLimits) -> Self {
        Self {
            budget: Budget::new(limits.entries, limits.bytes),
            values: Shards::default(),
            quotas: Shards::default(),
            leases: Shards::default(),
            logs: Shards::default(),
            topics: Arc::new(Topics::new(&limits)),
            numbers: AtomicU64::new(0),
            limits,
        }
    }

    /// Entries and bytes that are held now, with those that have expired and were not removed yet.
    pub fn held(&self) -> (usize, usize) {
        self.budget.held()
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn key(&self, key: &[u8]) -> Result<(), StateError> {
        sized("a key", key, self.limits.key_bytes)
    }

    fn value(&self, value: &[u8]) -> Result<(), StateError> {
        sized("a value", value, self.limits.value_bytes)
    }

    /// Does what needs room; if there is none, removes everything that has expired and tries once more.
    fn with_room<R>(
        &self,
        now: Instant,
        mut act: impl FnMut() -> Result<R, NoRoom>,
    ) -> Result<R, StateError> {
        if let Ok(done) = act() {
            return Ok(done);
        }
        self.values.each(|table| table.expire(&self.budget, now, usize::MAX));
        self.quotas.each(|table| table.expire(&self.budget, now, usize::MAX));
        self.leases.each(|table| table.expire(&self.budget, now, usize::MAX));
        self.logs.each(|table| table.expire(&self.budget, now, usize::MAX));
        act().map_err(|NoRoom(bound)| StateError::Full { bound })
    }

    fn get_now(&self, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        Ok(self.values.lock(key).live(key, Instant::now()).cloned())
    }

    fn swap_now(
        &self,
        key: &[u8],
        expected: Option<Option<&[u8]>>,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Swap, StateError> {
        self.key(key)?;
        self.value(value)?;
        let now = Instant::now();
        self.with_room(now, || {
            let mut table = self.values.lock(key);
            if let Some(expected) = expected {
                let found = table.live(key, now);
                if found.map(Bytes::as_ref) != expected {
                    return Ok(Swap::Differs(found.cloned()));
                }
            }
            if ttl == Some(Duration::ZERO) {
                table.remove(&self.budget, key, now);
                return Ok(Swap::Done);
            }
            // A copy: a slice of a request's body would keep the whole body.
            let copy = Bytes::copy_from_slice(value);
            table.set(&self.budget, key, copy, value.len(), deadline(now, ttl), now)?;
            Ok(Swap::Done)
        })
    }
}

fn deadline(now: Instant, ttl: Option<Duration>) -> Option<Instant> {
    // A time that can't be represented never comes.
    ttl.and_then(|ttl| now.checked_add(ttl))
}

fn sized(what: &'static str, bytes: &[u8], max_bytes: usize) -> Result<(), StateError> {
    if bytes.len() > max_bytes { Err(StateError::TooLarge { what, max_bytes }) } else { Ok(()) }
}

impl StateStore for MemoryStore {
    fn is_immediate(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, Option<Bytes>> {
        StateFuture::ready(self.get_now(key))
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, ()> {
        StateFuture::ready(self.swap_now(key, None, value, ttl).map(drop))
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a [u8],
        expected: Option<&'a [u8]>,
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, Swap> {
        StateFuture::ready(self.swap_now(key, Some(expected), value, ttl))
    }

    fn delete<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, bool> {
        let removed = self.values.lock(key).remove(&self.budget, key, Instant::now());
        StateFuture::ready(Ok(removed.is_some()))
    }

    fn take<'a>(&'a self, key: &'a [u8], quota: Quota, cost: u32) -> StateFuture<'a, Take> {
        StateFuture::ready(self.take_now(key, quota, cost))
    }

    fn acquire<'a>(&'a self, name: &'a [u8], ttl: Duration) -> StateFuture<'a, Option<Lease>> {
        StateFuture::ready(self.acquire_now(name, ttl))
    }

    fn renew<'a>(&'a self, lease: &'a Lease, ttl: Duration) -> StateFuture<'a, bool> {
        StateFuture::ready(self.renew_now(lease, ttl))
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> StateFuture<'a, bool> {
        StateFuture::ready(Ok(self.release_now(lease)))
    }

    fn append<'a>(
        &'a self,
        name: &'a [u8],
        entry: &'a [u8],
        bound: LogBound,
    ) -> StateFuture<'a, u64> {
        StateFuture::ready(self.append_now(name, entry, bound))
    }

    fn read_from<'a>(
        &'a self,
        name: &'a [u8],
        after: u64,
        limit: usize,
    ) -> StateFuture<'a, LogPage> {
        StateFuture::ready(Ok(self.read_now(name, after, limit)))
    }

    fn publish<'a>(&'a self, topic: &'a [u8], message: &'a [u8]) -> StateFuture<'a, ()> {
        let sizes = self.key(topic).and_then(|()| self.value(message));
        StateFuture::ready(sizes.map(|()| self.topics.publish(topic, message)))
    }

    fn subscribe<'a>(&'a self, topic: &'a [u8]) -> StateFuture<'a, Box<dyn Messages>> {
        let listener = self.key(topic).and_then(|()| {
            self.topics.subscribe(topic).map_err(|NoRoom(bound)| StateError::Full { bound })
        });
        StateFuture::ready(listener.map(|listener| Box::new(listener) as Box<dyn Messages>))
    }
}
