//! The one thread that owns the connection: takes what waits, does it in one transaction, and tells each caller.
//!
//! When a transaction fails, each of its operations is tried alone, so that one that does not fit on the disk fails by
//! itself.

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::{
    SqliteLimits,
    clock::Clock,
    failure::{EngineFailed, Fault},
    job::{Access, Job, Message},
    transaction::{Ledger, Transaction},
};

/// Operations in one transaction. More would not make the disk faster and let the first of them wait.
const BATCH: usize = 64;
/// Expired rows that are removed for each operation that changes something.
const SWEEP: usize = 4;

pub(super) struct Writer {
    connection: Connection,
    limits: SqliteLimits,
    clock: Clock,
    /// The current setting of `synchronous`.
    is_durable: bool,
}

impl Writer {
    pub(super) fn new(connection: Connection, limits: SqliteLimits, clock: Clock) -> Self {
        Self { connection, limits, clock, is_durable: true }
    }

    /// Until every sender is gone and the queue is empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut batch = Vec::new();
        while let Some(first) = queue.blocking_recv() {
            let mut next = Some(first);
            while let Some(message) = next.take() {
                match message {
                    Message::Job(job) => batch.push(job),
                    #[cfg(test)]
                    Message::Connection(act) => {
                        self.batch(&mut batch);
                        act(&self.connection);
                    }
                }
                if batch.len() < BATCH {
                    next = queue.try_recv().ok();
                }
            }
            self.batch(&mut batch);
        }
        // Moves what is in the log into the file, so that the file alone is whole; the next start would do it otherwise.
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(error = %EngineFailed::of(&error), "the state file was not closed cleanly");
        }
    }

    fn batch(&mut self, jobs: &mut Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        if let Err(failed) = self.transact(jobs) {
            let alone = failed.is_worth_another_try && jobs.len() > 1;
            for job in jobs.iter_mut() {
                let again = if alone {
                    self.transact(std::slice::from_mut(job))
                } else {
                    Err(failed.clone())
                };
                if let Err(failed) = again {
                    job.fail(&failed.reason);
                }
            }
        }
        for job in jobs.drain(..) {
            job.answer();
        }
    }

    /// Runs all of them, or none.
    fn transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failed> {
        let access = jobs.iter().map(|job| job.access()).max().unwrap_or(Access::Read);
        match self.attempt(jobs, access) {
            // Whoever is told that something has expired must be able to rely on it: see the module's documentation.
            Err((Fault::Expired, _)) => self.attempt(jobs, Access::Write),
            done => done,
        }
        .map_err(|(fault, has_begun)| Failed {
            reason: match fault {
                Fault::Engine(error) => EngineFailed::of(&error),
                Fault::Refused(_) | Fault::Expired => EngineFailed::closed(),
            },
            is_worth_another_try: has_begun,
        })
    }

    /// The error says whether the transaction had begun.
    fn attempt(&mut self, jobs: &mut [Box<dyn Job>], access: Access) -> Result<(), (Fault, bool)> {
        self.begin(access).map_err(|error| (error.into(), false))?;
        self.within(jobs, access).map_err(|fault| {
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                tracing::error!(error = %EngineFailed::of(&error), "a change of the state file can't be undone");
            }
            (fault, true)
        })
    }

    fn begin(&mut self, access: Access) -> rusqlite::Result<()> {
        let durable = access == Access::WriteDurably;
        if access != Access::Read && durable != self.is_durable {
            let mode = if durable { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", mode)?;
            self.is_durable = durable;
        }
        // A transaction that reads first and writes then could fail in between because of another process.
        let sql = if access == Access::Read { "BEGIN" } else { "BEGIN IMMEDIATE" };
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn within(&mut self, jobs: &mut [Box<dyn Job>], access: Access) -> Result<(), Fault> {
        let ledger = Ledger::read(&self.connection)?;
        let now = self.clock.now(ledger.clock);
        let mut transaction = Transaction {
            connection: &self.connection,
            limits: &self.limits,
            access,
            now,
            ledger: Ledger { clock: now, ..ledger },
            is_changed: false,
        };
        for job in jobs.iter_mut() {
            job.run(&mut transaction)?;
        }
        if transaction.is_changed {
            transaction.sweep(SWEEP * jobs.len())?;
            transaction.ledger.write(&self.connection)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

/// Nothing of the transaction was done.
#[derive(Debug, Clone)]
struct Failed {
    reason: EngineFailed,
    is_worth_another_try: bool,
}
