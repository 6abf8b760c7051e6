//! A state store that fails when a test says so, and remembers what it was asked to keep for how long.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use wharf::state::{
    Lease, LogBound, LogPage, MemoryLimits, MemoryStore, Messages, Quota, StateError, StateFuture,
    StateStore, Swap, Take,
};

/// Which writes of a value fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// All of them, and reading too.
    All,
    /// Those of more than one byte: a beginning is recorded, a result is not.
    Results,
    /// Those that are made and then not confirmed.
    Confirmation,
}

pub(crate) struct Faulty {
    inner: MemoryStore,
    fault: Mutex<Fault>,
    kept: Mutex<Vec<Duration>>,
}

impl Faulty {
    pub(crate) fn new() -> Arc<Self> {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut MemoryLimits)) -> Arc<Self> {
        let mut limits = MemoryLimits::default();
        change(&mut limits);
        let inner = MemoryStore::new(limits);
        Arc::new(Self { inner, fault: Mutex::new(Fault::None), kept: Mutex::default() })
    }

    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inner.held().0 == 0
    }

    /// How long each value was to be kept, in order; those that were removed at once are left out.
    pub(crate) fn kept(&self) -> Vec<Duration> {
        self.kept.lock().unwrap().clone()
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }
}

fn fails<'a, T>() -> StateFuture<'a, T> {
    StateFuture::boxed(async {
        tokio::task::yield_now().await;
        Err(StateError::unavailable("secret-detail"))
    })
}

impl StateStore for Faulty {
    fn get<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, Option<Bytes>> {
        if self.fault() == Fault::All { fails() } else { self.inner.get(key) }
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, ()> {
        self.inner.put(key, value, ttl)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a [u8],
        expected: Option<&'a [u8]>,
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, Swap> {
        let fault = self.fault();
        if fault == Fault::All || (fault == Fault::Results && value.len() > 1) {
            return fails();
        }
        StateFuture::boxed(async move {
            // As an engine elsewhere would: others come in between.
            tokio::task::yield_now().await;
            self.kept.lock().unwrap().extend(ttl.filter(|ttl| !ttl.is_zero()));
            let swap = self.inner.compare_and_swap(key, expected, value, ttl).await;
            if fault == Fault::Confirmation { fails().await } else { swap }
        })
    }

    fn delete<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, bool> {
        self.inner.delete(key)
    }

    fn take<'a>(&'a self, key: &'a [u8], quota: Quota, cost: u32) -> StateFuture<'a, Take> {
        self.inner.take(key, quota, cost)
    }

    fn acquire<'a>(&'a self, name: &'a [u8], ttl: Duration) -> StateFuture<'a, Option<Lease>> {
        self.inner.acquire(name, ttl)
    }

    fn renew<'a>(&'a self, lease: &'a Lease, ttl: Duration) -> StateFuture<'a, bool> {
        self.inner.renew(lease, ttl)
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> StateFuture<'a, bool> {
        self.inner.release(lease)
    }

    fn append<'a>(
        &'a self,
        name: &'a [u8],
        entry: &'a [u8],
        bound: LogBound,
    ) -> StateFuture<'a, u64> {
        self.inner.append(name, entry, bound)
    }

    fn read_from<'a>(
        &'a self,
        name: &'a [u8],
        after: u64,
        limit: usize,
    ) -> StateFuture<'a, LogPage> {
        self.inner.read_from(name, after, limit)
    }

    fn publish<'a>(&'a self, topic: &'a [u8], message: &'a [u8]) -> StateFuture<'a, ()> {
        self.inner.publish(topic, message)
    }

    fn subscribe<'a>(&'a self, topic: &'a [u8]) -> StateFuture<'a, Box<dyn Messages>> {
        self.inner.subscribe(topic)
    }
}
