//! One limit on how many run at once: permits, and a line of bounded length that is served first come, first served.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits and the line before them.
#[derive(Debug)]
pub(crate) struct Line {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Line {
    /// At most `concurrency` at once, and at least one.
    pub(crate) fn new(concurrency: usize) -> Self {
        let permits = Arc::new(Semaphore::new(concurrency.clamp(1, Semaphore::MAX_PERMITS)));
        Self { permits, waiting: AtomicUsize::new(0) }
    }

    /// A permit, if there is one and nobody waits for it.
    pub(super) fn try_enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// A place in the line, unless `max` stand there.
    pub(super) fn stand(&self, max: usize) -> Option<Place<'_>> {
        let place = Place(&self.waiting);
        (self.waiting.fetch_add(1, Ordering::Relaxed) < max).then_some(place)
    }

    /// A permit when it is one's turn. Cancel-safe: a dropped future has left the line. `None` once the line is closed,
    /// which it never is.
    pub(super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }
}

/// Given back when it is dropped.
pub(super) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
