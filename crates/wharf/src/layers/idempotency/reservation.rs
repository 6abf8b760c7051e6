//! The protocol over the store by which one of several calls with the same key runs and the others learn its outcome.
//!
//! Who runs holds the lease of the key and renews it. The record says `Running` before anything is done, so a record that
//! says so while nobody holds the lease is a call that was cut off: its outcome is unknown, and stays so until the record
//! expires.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, future::poll_immediate};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{
    key::Key,
    record::{Record, State, Stored},
};
use crate::{
    call::Outcome,
    error::{Error, ErrorKind, Failure},
    server::core::Core,
    state::{Lease, StateError, StateStore, Swap},
};

/// Shortest lease: renewing it must not be all that a process does.
const MIN_LEASE: Duration = Duration::from_millis(100);
/// How long a waiting call trusts that it would have been told.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Longest wait for one operation of the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// One call's view of its key.
pub(super) struct Reservation {
    store: Arc<dyn StateStore>,
    key: Key,
    /// How long an outcome is kept.
    keep: Duration,
    /// How long the client has to answer questions.
    answer_within: Duration,
    /// How long a holder may be silent before its call counts as cut off. Shorter than a call may take, or a caller who
    /// tries again after a crash would hear of a timeout only.
    lease: Duration,
}

/// What became of the attempt to run.
pub(super) enum Entered {
    /// It has run before.
    Known(Result<Outcome, Error>),
    /// It is this call that runs.
    Held(Held),
}

impl Reservation {
    pub(super) fn new(core: &Core, key: Key) -> Self {
        Self {
            store: Arc::clone(&core.state),
            key,
            keep: core.limits.idempotency_ttl,
            answer_within: core.limits.request_state_ttl,
            lease: core.limits.idempotency_lease.max(MIN_LEASE),
        }
    }

    /// Takes the key, or waits for the outcome of whoever has it. `continues` is a call that brings the answers to what
    /// an earlier round asked.
    pub(super) async fn enter(self, continues: bool) -> Result<Entered, Error> {
        loop {
            // Before the look, so that no change is missed after it.
            let mut changes = bounded(self.store.subscribe(&self.key.name)).await?;
            let found = bounded(self.store.get(&self.key.name)).await?;
            let record = match &found {
                Some(bytes) => Some(Record::decode(bytes).ok_or_else(unreadable)?),
                None => None,
            };
            match record {
                Some(record) if !record.is_for(&self.key.arguments) => {
                    return Err(conflict(
                        "this idempotency key was used with other arguments; use a new key for a new call",
                    ));
                }
                Some(Record { state: State::Done(stored), .. }) => {
                    return Ok(Entered::Known(stored.into_outcome()));
                }
                Some(Record { state: State::Waiting, .. }) if !continues => {
                    return Err(conflict(
                        "a call with this idempotency key waits for answers; continue that call, or use a new key",
                    ));
                }
                Some(Record { state: State::Running { .. }, .. }) => {
                    self.check_alive(found.as_ref()).await?;
                }
                Some(Record { state: State::Waiting, .. }) | None => {
                    if let Some((lease, running)) = self.take(found.as_ref()).await? {
                        return Ok(Entered::Held(Held {
                            of: self,
                            lease,
                            running,
                            settled: false.into(),
                        }));
                    }
                }
            }
            // Told, or out of patience: either way the record says what is the case.
            let _ = timeout(LOOK_AGAIN, changes.next()).await;
        }
    }

    /// Puts `Running` in place of what was found; `None` if somebody else was faster.
    async fn take(&self, found: Option<&Bytes>) -> Result<Option<(Lease, Bytes)>, Error> {
        let Some(lease) = bounded(self.store.acquire(&self.key.name, self.lease)).await? else {
            return Ok(None);
        };
        let state = State::Running { token: lease.token };
        let running = Bytes::from(Record::new(&self.key.arguments, state).encode());
        let expected = found.map(|bytes| &bytes[..]);
        let swap = self.store.compare_and_swap(&self.key.name, expected, &running, Some(self.keep));
        match bounded(swap).await {
            Ok(Swap::Done) => Ok(Some((lease, running))),
            Ok(Swap::Differs(_)) => {
                bounded(self.store.release(&lease)).await?;
                Ok(None)
            }
            Err(error) => {
                // Nothing has been done yet, so the next call may try at once.
                let _ = poll_immediate(self.store.release(&lease)).await;
                Err(error)
            }
        }
    }

    /// Refuses if nobody runs what the record says is running.
    async fn check_alive(&self, found: Option<&Bytes>) -> Result<(), Error> {
        let Some(lease) = bounded(self.store.acquire(&self.key.name, self.lease)).await? else {
            return Ok(());
        };
        // Its holder may have settled between the look and this.
        let now = bounded(self.store.get(&self.key.name)).await;
        bounded(self.store.release(&lease)).await?;
        if now?.as_ref() == found {
            return Err(conflict(
                "a call with this idempotency key was cut off and its outcome is unknown; find out what it did, then use a new key",
            ));
        }
        Ok(())
    }
}

/// The right, and the duty, to say how the call ended.
pub(super) struct Held {
    of: Reservation,
    lease: Lease,
    /// The record as this call wrote it.
    running: Bytes,
    settled: std::sync::atomic::AtomicBool,
}

impl Held {
    /// Runs `call` and holds the lease meanwhile.
    pub(super) async fn while_running<F: Future>(&self, call: F) -> F::Output {
        let mut renewals = interval(self.of.lease / 3);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewals.reset();
        tokio::pin!(call);
        loop {
            tokio::select! {
                biased;
                output = &mut call => return output,
                _ = renewals.tick() => {
                    // A store that is gone for longer than the lease makes the outcome unknown, which is what it is.
                    let _ = bounded(self.of.store.renew(&self.lease, self.of.lease)).await;
                }
            }
        }
    }

    /// Writes the outcome down and tells whoever waits. When the store fails now, the outcome counts as unknown; the caller
    /// of this call still gets it.
    pub(super) async fn settle(&self, result: &Result<Outcome, Error>) {
        self.settled.store(true, std::sync::atomic::Ordering::Relaxed);
        let of = &self.of;
        let (next, ttl) = match (result, Stored::of(result)) {
            (Ok(Outcome::InputRequired), _) => (Some(State::Waiting), of.answer_within),
            (_, Some(stored)) => (Some(State::Done(stored)), of.keep),
            (_, None) => (None, of.keep),
        };
        let name = &of.key.name;
        let written = match next {
            Some(state) => {
                let record = Record::new(&of.key.arguments, state).encode();
                let swap = of.store.compare_and_swap(name, Some(&self.running), &record, Some(ttl));
                bounded(swap).await.map(drop)
            }
            None => bounded(of.store.delete(name)).await.map(drop),
        };
        if let Err(error) = written {
            tracing::error!(%error, "the outcome of an idempotent call could not be kept; calls with its key are refused");
        }
        let _ = bounded(of.store.release(&self.lease)).await;
        let _ = bounded(of.store.publish(name, b"settled")).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if *self.settled.get_mut() {
            return;
        }
        // Cut off: whoever waits need not wait for the lease to end. A store that can't do it at once lets it end by itself.
        let _ = self.of.store.release(&self.lease).now_or_never();
        let _ = self.of.store.publish(&self.of.key.name, b"cut off").now_or_never();
    }
}

/// An operation of the store, in bounded time.
async fn bounded<T>(operation: impl Future<Output = Result<T, StateError>>) -> Result<T, Error> {
    match timeout(STORE_TIMEOUT, operation).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(unavailable(error.into())),
        Err(elapsed) => Err(unavailable(elapsed.into())),
    }
}

/// Without the store nobody can tell whether the call has run: it is refused rather than run twice.
fn unavailable(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let mut failure = Failure::new(
        ErrorKind::ServiceUnavailable,
        "calls with an idempotency key can't be served right now; try again shortly",
    );
    failure.retry_after = Some(Duration::from_secs(1));
    failure.source = Some(source);
    Error::Failed(failure)
}

fn unreadable() -> Error {
    unavailable("the record of an idempotency key can't be read".into())
}

fn conflict(message: &'static str) -> Error {
    Error::failed(ErrorKind::Conflict, message)
}
