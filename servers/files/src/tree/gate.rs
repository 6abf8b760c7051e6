//! How many requests work on files at once. Waiting is bounded in number and in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{error::FilesError, limits::Limits};

pub(crate) struct Gate {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    timeout: Duration,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(limits.max_concurrent)),
            waiting: AtomicUsize::new(0),
            max_waiting: limits.max_waiting,
            timeout: limits.acquire_timeout,
        }
    }

    /// Waits for the right to use a thread. Cancel-safe: giving up gives the place in the line back.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, FilesError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _place = Place::take(&self.waiting, self.max_waiting)?;
        let acquired = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(self.timeout, acquired).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_closed)) => Err(FilesError::Cancelled),
            Err(_elapsed) => Err(FilesError::Busy),
        }
    }

    /// Refuses everybody from now on.
    pub(crate) fn close(&self) {
        self.permits.close();
    }
}

/// One place in the line, given back on drop.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, max: usize) -> Result<Self, FilesError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= max {
            return Err(FilesError::Busy);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(max_concurrent: usize, max_waiting: usize) -> Gate {
        Gate::new(&Limits { max_concurrent, max_waiting, ..Limits::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_with_its_time() {
        let gate = gate(1, 1);
        let held = gate.enter().await.unwrap();
        assert_eq!(gate.enter().await.unwrap_err(), FilesError::Busy);
        drop(held);
        assert!(gate.enter().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_line_refuses_at_once_and_a_waiter_that_leaves_makes_room() {
        let gate = gate(1, 1);
        let _held = gate.enter().await.unwrap();
        {
            let waiter = gate.enter();
            tokio::pin!(waiter);
            assert!(futures_util::poll!(&mut waiter).is_pending());
            assert_eq!(gate.enter().await.unwrap_err(), FilesError::Busy);
            assert_eq!(gate.waiting.load(Ordering::Relaxed), 1);
        }
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }
}
