//! The database as its callers see it: bounded, and free of any trace once a request is dropped.
//!
//! Each request works in a task that owns its connection, so that giving up in the middle leaves somebody who stops the
//! statement on the server, cleans or closes the connection and only then gives its place in the pool to the next one.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use mysql_async::Opts;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::execute::{self, Answered};
use super::guard::{self, Policy, Shape, Statement, relations, statement::Placeholders};
use super::parameters;
use super::session::{Flavor, Session, Terms, Transaction};
use super::settings::MysqlSettings;
use super::turn::Turn;
use super::work::Work;
use crate::engine::PoolStats;
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::pool::Pool;
use crate::request::QueryRequest;
use crate::result::QueryResult;

/// Which boundaries stand. Tests switch each off to try the other alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Boundaries {
    pub(super) guard: bool,
    pub(super) read_only: bool,
}

impl Boundaries {
    pub(super) const BOTH: Self = Self { guard: true, read_only: true };

    fn transaction(self) -> Transaction {
        match self.read_only {
            #[cfg(test)]
            false => Transaction::Plain,
            _ => Transaction::ReadOnly,
        }
    }
}

/// One MySQL or MariaDB database, which can only be read unless its settings say otherwise. Clones share its connections.
///
/// Every request may be dropped at any time: its statement is stopped on the server and its connection comes back clean or
/// is closed.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) settings: MysqlSettings,
    pub(super) opts: Opts,
    boundaries: Boundaries,
    policy: Policy,
    pub(super) flavor: OnceLock<Flavor>,
    pub(super) pool: Pool<Session>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Database {
    /// Checks the settings. The server is asked when a request comes.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the setting that cannot be used.
    pub fn open(settings: MysqlSettings) -> Result<Self, DatabaseError> {
        Self::open_behind(settings, Boundaries::BOTH)
    }

    pub(super) fn open_behind(
        settings: MysqlSettings,
        boundaries: Boundaries,
    ) -> Result<Self, DatabaseError> {
        settings.check()?;
        let inner = Inner {
            opts: super::session::options(&settings),
            boundaries,
            policy: Policy::new(&settings),
            flavor: OnceLock::new(),
            pool: Pool::new(settings.pool.clone()),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            settings,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The bounds on one request.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.settings.limits
    }

    pub(super) fn settings(&self) -> &MysqlSettings {
        &self.inner.settings
    }

    /// The connections and what they did.
    #[must_use]
    pub fn pool_stats(&self) -> PoolStats {
        self.inner.pool.stats()
    }

    /// Runs one statement that reads.
    ///
    /// # Errors
    /// Every [`DatabaseError`]; nothing has been changed in any case.
    pub async fn query(&self, request: QueryRequest) -> Result<QueryResult, DatabaseError> {
        let limits = self.limits().clone();
        let row_limit = limits.rows(request.row_limit)?;
        let timeout = limits.timeout(request.timeout)?;
        let statement = self.judge(&request.sql)?;
        let params = match self.inner.boundaries.guard {
            true => parameters::bind(&statement.placeholders, &request.params, &limits)?,
            false => Vec::new(),
        };
        let bounded = statement.shape == Shape::Query;
        let terms = Terms {
            timeout,
            // One more row shows that there are more.
            rows: bounded.then_some(row_limit + 1),
            transaction: self.inner.boundaries.transaction(),
        };
        let guarded = self.inner.boundaries.guard;
        let policy = self.inner.policy.clone();
        let form = request.rows;
        self.run(terms, move |session| {
            Box::pin(async move {
                let started = Instant::now();
                if guarded {
                    relations::check(&mut session.conn, &statement, &policy).await?;
                }
                let answered = execute::run(
                    &mut session.conn,
                    &statement,
                    params,
                    row_limit,
                    form,
                    &limits,
                    started,
                );
                let Answered { result, pending } = answered.await?;
                Ok((result, pending))
            })
        })
        .await
    }

    /// Judges the text of a statement.
    pub(super) fn judge(&self, sql: &str) -> Result<Statement, DatabaseError> {
        guard::check_text(sql, self.limits())?;
        if self.inner.boundaries.guard {
            return guard::judge(sql, self.settings().database.as_deref());
        }
        Ok(Statement {
            text: sql.to_owned(),
            shape: Shape::Query,
            placeholders: Placeholders::Positional(0),
            relations: Default::default(),
            functions: Default::default(),
        })
    }

    /// Which server it is. It is asked once.
    pub(super) async fn flavor(&self) -> Result<Flavor, DatabaseError> {
        match self.inner.flavor.get() {
            Some(flavor) => Ok(*flavor),
            None => self.ask(|session| Box::pin(async { Ok(session.flavor) })).await,
        }
    }

    /// Questions of our own to the catalogue, under the default timeout.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<T, DatabaseError>>
        + Send
        + 'static,
    ) -> Result<T, DatabaseError> {
        let terms = Terms {
            timeout: self.limits().default_timeout,
            rows: None,
            transaction: Transaction::ReadOnly,
        };
        self.run(terms, move |session| {
            // A question may have been given up in the middle.
            Box::pin(async move { work(session).await.map(|found| (found, true)) })
        })
        .await
    }

    /// Refuses new requests, stops the running ones and waits until every connection is closed.
    pub async fn close(&self) {
        self.inner.closing.cancel();
        for session in self.inner.pool.close() {
            session.close().await;
        }
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// Runs work on a connection and answers as soon as it is done or stopped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        terms: Terms,
        work: impl for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<(T, bool), DatabaseError>>
        + Send
        + 'static,
    ) -> Result<T, DatabaseError> {
        self.run_in_turn(terms, Box::new(work), Turn::that_never_commits()).await
    }

    /// Runs work that leaves its transaction open, and commits it if it succeeds before anybody gives it up.
    ///
    /// A commit is never done twice and never called failed: where the server does not say how it ended, the answer is
    /// [`DatabaseError::OutcomeUnknown`]. A commit that has begun is waited for, whatever the time; dropping the future
    /// leaves a transaction that is committed or rolled back.
    pub(super) async fn run_and_commit<T: Send + 'static>(
        &self,
        terms: Terms,
        work: impl for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<(T, bool), DatabaseError>>
        + Send
        + 'static,
    ) -> Result<T, DatabaseError> {
        self.run_in_turn(terms, Box::new(work), Turn::default()).await
    }

    async fn run_in_turn<T: Send + 'static>(
        &self,
        terms: Terms,
        work: Work<T>,
        turn: Turn,
    ) -> Result<T, DatabaseError> {
        let inner = &self.inner;
        let place = tokio::select! {
            biased;
            () = inner.closing.cancelled() => return Err(closed()),
            place = inner.pool.acquire() => place?,
        };
        let stop = CancellationToken::new();
        // Whoever drops this future stops the task; the task outlives it. The turn is given up first, so that a task that
        // has not begun to commit never does.
        let _stop: DropGuard = stop.clone().drop_guard();
        let _turn = turn.clone().given_up_on_drop();
        let (answer, mut answered) = oneshot::channel();
        let task = Arc::clone(inner).work(place, terms, work, turn.clone(), stop, answer);
        inner.tasks.spawn(task);
        let given_up = tokio::select! {
            biased;
            answer = &mut answered => return received(answer, &terms, &turn),
            () = inner.closing.cancelled() => DatabaseError::Cancelled,
            () = tokio::time::sleep(terms.timeout) => DatabaseError::Timeout { timeout: terms.timeout },
        };
        if turn.give_up() {
            return Err(given_up);
        }
        // Only the task knows how the commit ends, and it does not wait for ever.
        received(answered.await, &terms, &turn)
    }

    /// Waits until no statement runs and every connection is back or closed.
    #[cfg(test)]
    pub(super) async fn settled(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.tasks.reopen();
    }
}

/// What the task answered.
fn received<T>(
    answer: Result<Result<T, DatabaseError>, oneshot::error::RecvError>,
    terms: &Terms,
    turn: &Turn,
) -> Result<T, DatabaseError> {
    match answer {
        // The server's own limit struck first, which is the same to the caller.
        Ok(Err(DatabaseError::Timeout { .. })) => {
            Err(DatabaseError::Timeout { timeout: terms.timeout })
        }
        Ok(answer) => answer,
        Err(_gone) if turn.is_committing() => Err(DatabaseError::OutcomeUnknown {
            reason: "an internal error occurred while it was being committed".into(),
        }),
        Err(_gone) => Err(DatabaseError::internal("a query panicked")),
    }
}

fn closed() -> DatabaseError {
    DatabaseError::Unavailable {
        reason: "it is shutting down".into(),
        detail: "the database was closed".into(),
    }
}
