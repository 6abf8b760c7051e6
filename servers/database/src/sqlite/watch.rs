//! Watches over one running statement: who stopped it, and how much work it may still do.
//!
//! SQLite calls [`Watch::tick`] every [`STEPS_PER_TICK`] steps of its virtual machine. A few single steps
//! are long (counting a whole table is one), so stopping also interrupts the connection. The
//! interrupt handle is held under a lock and taken away before the connection is used for anything
//! else, so a late stop can never hit the next caller's statement.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::InterruptHandle;

use crate::error::DatabaseError;

/// Steps between two looks at the watch: often enough that even steps of a millisecond each are stopped soon.
pub(super) const STEPS_PER_TICK: i32 = 256;

/// Why a statement was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stop {
    Cancelled = 1,
    Timeout = 2,
    WorkLimit = 3,
}

/// The watch over one statement.
pub(super) struct Watch {
    stopped: AtomicU8,
    steps: AtomicU64,
    max_steps: u64,
    timeout: Duration,
    interrupt: Mutex<Option<InterruptHandle>>,
}

impl Watch {
    pub(super) fn new(max_steps: u64, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            stopped: AtomicU8::new(0),
            steps: AtomicU64::new(0),
            max_steps,
            timeout,
            interrupt: Mutex::new(None),
        })
    }

    /// Lets a stop reach into the connection. A stop that came earlier is seen at the first tick.
    pub(super) fn attach(&self, handle: InterruptHandle) {
        *self.interrupt.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }

    /// Ends the reach into the connection; afterwards it may serve somebody else.
    pub(super) fn detach(&self) {
        self.interrupt.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Stops the statement. The first reason stands.
    pub(super) fn stop(&self, why: Stop) {
        let _ = self.stopped.compare_exchange(0, why as u8, Ordering::Relaxed, Ordering::Relaxed);
        let handle = self.interrupt.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = handle.as_ref() {
            handle.interrupt();
        }
    }

    /// Counts work; true tells SQLite to abandon the statement.
    pub(super) fn tick(&self) -> bool {
        let step = u64::from(STEPS_PER_TICK.unsigned_abs());
        let done = self.steps.fetch_add(step, Ordering::Relaxed) + step;
        if done > self.max_steps {
            let why = Stop::WorkLimit as u8;
            let _ = self.stopped.compare_exchange(0, why, Ordering::Relaxed, Ordering::Relaxed);
        }
        self.stopped.load(Ordering::Relaxed) != 0
    }

    /// The error of a statement that was stopped, or `None` when nobody stopped it.
    pub(super) fn stop_error(&self) -> Option<DatabaseError> {
        match self.stopped.load(Ordering::Relaxed) {
            0 => None,
            why if why == Stop::Timeout as u8 => {
                Some(DatabaseError::Timeout { timeout: self.timeout })
            }
            why if why == Stop::WorkLimit as u8 => {
                Some(DatabaseError::WorkLimit { steps: self.max_steps })
            }
            _ => Some(DatabaseError::Cancelled),
        }
    }
}

/// Stops the statement when the future that waits for it is dropped.
pub(super) struct StopOnDrop(pub(super) Arc<Watch>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop(Stop::Cancelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stands() {
        let watch = Watch::new(1_000, Duration::from_secs(1));
        assert_eq!(watch.stop_error(), None);
        watch.stop(Stop::Timeout);
        watch.stop(Stop::Cancelled);
        assert_eq!(
            watch.stop_error(),
            Some(DatabaseError::Timeout { timeout: Duration::from_secs(1) })
        );
        assert!(watch.tick());
    }

    #[test]
    fn work_is_bounded_at_its_edge() {
        let watch = Watch::new(512, Duration::from_secs(1));
        assert!(!watch.tick());
        assert!(!watch.tick());
        assert!(watch.tick());
        assert_eq!(watch.stop_error(), Some(DatabaseError::WorkLimit { steps: 512 }));
    }
}
