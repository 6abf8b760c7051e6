//! How blocking work learns that nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::error::FilesError;

const RUNNING: u8 = 0;
const CANCELLED: u8 = 1;
const TIMED_OUT: u8 = 2;

/// Shared by a request and the thread that works for it, which asks between two steps of bounded size.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    state: Arc<AtomicU8>,
    timeout: Duration,
}

impl Stop {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { state: Arc::new(AtomicU8::new(RUNNING)), timeout }
    }

    pub(crate) fn cancel(&self) {
        self.set(CANCELLED);
    }

    pub(crate) fn time_out(&self) {
        self.set(TIMED_OUT);
    }

    /// The first reason stays.
    fn set(&self, why: u8) {
        let _ = self.state.compare_exchange(RUNNING, why, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// An error as soon as the work should end.
    pub(crate) fn check(&self) -> Result<(), FilesError> {
        match self.state.load(Ordering::Relaxed) {
            RUNNING => Ok(()),
            TIMED_OUT => Err(FilesError::Timeout { timeout: self.timeout }),
            _ => Err(FilesError::Cancelled),
        }
    }
}

/// Cancels when the request is dropped; after its answer nobody asks any more.
pub(crate) struct CancelOnDrop(pub(crate) Stop);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
