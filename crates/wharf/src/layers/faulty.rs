//! A state store in trouble, for tests of what needs one.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;

use crate::state::{
    Lease, LogBound, LogPage, Messages, Quota, StateError, StateFuture, StateStore, Swap, Take,
};

/// What a store does that is in trouble.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Gone,
    Full,
    Silent,
    Slow(Duration),
    /// Says that it never waits, and waits.
    Lies,
}

/// A store in which nothing works. Only takes are told apart.
pub(crate) struct Faulty {
    pub(crate) fault: Fault,
    /// How often it was asked to take.
    pub(crate) asked: AtomicUsize,
}

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, asked: AtomicUsize::new(0) }
    }
}

fn gone<'a, T>() -> StateFuture<'a, T> {
    StateFuture::ready(Err(StateError::unavailable("gone")))
}

impl StateStore for Faulty {
    fn is_immediate(&self) -> bool {
        !matches!(self.fault, Fault::Silent | Fault::Slow(_))
    }

    fn take<'a>(&'a self, _: &'a [u8], _: Quota, _: u32) -> StateFuture<'a, Take> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::Gone => gone(),
            Fault::Full => StateFuture::ready(Err(StateError::Full { bound: "entries" })),
            Fault::Silent | Fault::Lies => StateFuture::boxed(std::future::pending()),
            Fault::Slow(time) => StateFuture::boxed(async move {
                tokio::time::sleep(time).await;
                Ok(Take::Granted { remaining: 1 })
            }),
        }
    }

    fn get<'a>(&'a self, _: &'a [u8]) -> StateFuture<'a, Option<Bytes>> {
        gone()
    }
    fn put<'a>(&'a self, _: &'a [u8], _: &'a [u8], _: Option<Duration>) -> StateFuture<'a, ()> {
        gone()
    }
    fn compare_and_swap<'a>(
        &'a self,
        _: &'a [u8],
        _: Option<&'a [u8]>,
        _: &'a [u8],
        _: Option<Duration>,
    ) -> StateFuture<'a, Swap> {
        gone()
    }
    fn delete<'a>(&'a self, _: &'a [u8]) -> StateFuture<'a, bool> {
        gone()
    }
    fn acquire<'a>(&'a self, _: &'a [u8], _: Duration) -> StateFuture<'a, Option<Lease>> {
        gone()
    }
    fn renew<'a>(&'a self, _: &'a Lease, _: Duration) -> StateFuture<'a, bool> {
        gone()
    }
    fn release<'a>(&'a self, _: &'a Lease) -> StateFuture<'a, bool> {
        gone()
    }
    fn append<'a>(&'a self, _: &'a [u8], _: &'a [u8], _: LogBound) -> StateFuture<'a, u64> {
        gone()
    }
    fn read_from<'a>(&'a self, _: &'a [u8], _: u64, _: usize) -> StateFuture<'a, LogPage> {
        gone()
    }
    fn publish<'a>(&'a self, _: &'a [u8], _: &'a [u8]) -> StateFuture<'a, ()> {
        gone()
    }
    fn subscribe<'a>(&'a self, _: &'a [u8]) -> StateFuture<'a, Box<dyn Messages>> {
        gone()
    }
}
