//! Bounded concurrency with a bounded, first-come-first-served line.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Semaphore, TryAcquireError};

use crate::{
    context::{CallContext, Context},
    error::{Error, ErrorKind, Failure},
};

/// How many calls run at once, and how many may wait.
#[derive(Debug)]
pub(crate) struct Gate {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
}

impl Gate {
    pub(crate) fn new(concurrency: usize, queue: usize) -> Self {
        let permits = Arc::new(Semaphore::new(concurrency.clamp(1, Semaphore::MAX_PERMITS)));
        Self { permits, waiting: AtomicUsize::new(0), queue }
    }

    /// Lets the call in at once if there is room and nobody waits.
    pub(crate) fn try_admit(&self, context: &CallContext) -> Result<bool, Error> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => {
                context.hold(permit);
                Ok(true)
            }
            Err(TryAcquireError::NoPermits) => Ok(false),
            Err(TryAcquireError::Closed) => Err(overloaded()),
        }
    }

    /// Lets the call in when it is its turn. Cancel-safe: a dropped future has left the line.
    pub(crate) async fn admit(&self, context: &Context) -> Result<(), Error> {
        if self.try_admit(context)? {
            return Ok(());
        }
        let _place = self.stand_in_line()?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| overloaded())?;
        context.hold(permit);
        Ok(())
    }

    fn stand_in_line(&self) -> Result<Place<'_>, Error> {
        let place = Place(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.queue {
            Err(overloaded())
        } else {
            Ok(place)
        }
    }
}

struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a call is told that finds the line full.
pub(crate) fn overloaded() -> Error {
    let mut failure =
        Failure::new(ErrorKind::ServiceUnavailable, "the server is busy; try again shortly");
    failure.retry_after = Some(Duration::from_secs(1));
    Error::Failed(failure)
}
