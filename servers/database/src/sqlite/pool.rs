//! A small pool of connections. Waiting is bounded in number and in time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::ReadConnection;
use crate::error::DatabaseError;

pub(super) struct Pool {
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<ReadConnection>>,
    waiting: AtomicUsize,
    max_waiting: usize,
    acquire_timeout: Duration,
}

impl Pool {
    pub(super) fn new(size: usize, max_waiting: usize, acquire_timeout: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::new(Vec::with_capacity(size)),
            waiting: AtomicUsize::new(0),
            max_waiting,
            acquire_timeout,
        }
    }

    /// Waits for the right to use one connection. Cancel-safe: giving up gives the place in the queue back.
    pub(super) async fn acquire(&self) -> Result<OwnedSemaphorePermit, DatabaseError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _place = Place::take(&self.waiting, self.max_waiting)?;
        let acquired = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(self.acquire_timeout, acquired).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_closed)) => Err(DatabaseError::Cancelled),
            Err(_elapsed) => Err(busy()),
        }
    }

    pub(super) fn take_idle(&self) -> Option<ReadConnection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(super) fn give_back(&self, connection: ReadConnection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    /// Refuses everybody from now on and closes what is idle.
    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    #[cfg(test)]
    pub(super) fn idle_count(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// One place in the queue, given back on drop.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, max: usize) -> Result<Self, DatabaseError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= max {
            return Err(busy());
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn busy() -> DatabaseError {
    DatabaseError::Busy { reason: "all its connections are in use".into() }
}
