//! One caller's operation on its way to the thread and back.

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use wharf::state::StateError;

use super::{
    failure::{EngineFailed, Fault},
    transaction::Transaction,
};

/// What an operation needs; the greatest need in a transaction decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    /// Nothing is changed.
    Read,
    /// The change survives a killed process.
    Write,
    /// The change survives a power failure.
    WriteDurably,
}

/// An operation that can be run again if the transaction around it failed.
pub(super) trait Job: Send {
    fn access(&self) -> Access;
    /// Runs, and remembers the outcome.
    ///
    /// # Errors
    /// What undoes the whole transaction.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> Result<(), Fault>;
    /// The transaction is lost.
    fn fail(&mut self, failed: &EngineFailed);
    /// Tells the caller, who may have left.
    fn answer(self: Box<Self>);
}

/// What arrives in the queue.
pub(super) enum Message {
    Job(Box<dyn Job>),
    /// Something done to the connection itself.
    #[cfg(test)]
    Connection(Box<dyn FnOnce(&rusqlite::Connection) + Send>),
}

/// An operation that gives a `T`.
pub(super) struct Operation<T, F> {
    pub(super) access: Access,
    pub(super) act: F,
    pub(super) outcome: Option<Result<T, StateError>>,
    pub(super) reply: oneshot::Sender<Result<T, StateError>>,
    /// Its share of the bytes that may wait.
    pub(super) _bytes: OwnedSemaphorePermit,
}

impl<T, F> Job for Operation<T, F>
where
    T: Send,
    F: FnMut(&mut Transaction<'_>) -> Result<T, Fault> + Send,
{
    fn access(&self) -> Access {
        self.access
    }

    fn run(&mut self, transaction: &mut Transaction<'_>) -> Result<(), Fault> {
        self.outcome = match (self.act)(transaction) {
            Ok(value) => Some(Ok(value)),
            Err(Fault::Refused(error)) => Some(Err(error)),
            Err(fault) => return Err(fault),
        };
        Ok(())
    }

    fn fail(&mut self, failed: &EngineFailed) {
        self.outcome = Some(Err(failed.clone().into()));
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(EngineFailed::closed().into()));
        let _ = self.reply.send(outcome);
    }
}
