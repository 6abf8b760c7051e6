//! The database as its callers see it: bounded, and free of any trace once a request is dropped.
//!
//! Each request works in a task that owns its connection, so that giving up in the middle leaves somebody who stops the
//! statement on the server, cleans or closes the connection and only then gives its place in the pool to the next one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use mysql_async::Opts;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::execute::{self, Answered};
use super::failure;
use super::guard::{self, Policy, Shape, Statement, relations, statement::Placeholders};
use super::parameters;
use super::session::{Flavor, Session, Terms};
use super::settings::MysqlSettings;
use crate::engine::PoolStats;
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::pool::{Place, Pool};
use crate::request::QueryRequest;
use crate::result::QueryResult;

/// What the server still sends after the answer is whole is read for so long, before the connection is closed instead.
const LEFTOVERS: Duration = Duration::from_millis(50);

/// Which boundaries stand. Tests switch each off to try the other alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Boundaries {
    pub(super) guard: bool,
    pub(super) read_only: bool,
}

impl Boundaries {
    pub(super) const BOTH: Self = Self { guard: true, read_only: true };
}

/// One MySQL or MariaDB database that can only be read. Clones share its connections.
///
/// Every request may be dropped at any time: its statement is stopped on the server and its connection comes back clean or
/// is closed.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    settings: MysqlSettings,
    opts: Opts,
    boundaries: Boundaries,
    policy: Policy,
    flavor: OnceLock<Flavor>,
    pool: Pool<Session>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

/// Work on a session, and whether the session has rows left to read.
type Work<T> = Box<
    dyn for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<(T, bool), DatabaseError>> + Send,
>;

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
            read_only: self.inner.boundaries.read_only,
        };
        let guarded = self.inner.boundaries.guard;
        let policy = self.inner.policy.clone();
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
        let terms = Terms { timeout: self.limits().default_timeout, rows: None, read_only: true };
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

    /// Runs work on a connection and answers as soon as it is done or stopped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        terms: Terms,
        work: impl for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<(T, bool), DatabaseError>>
        + Send
        + 'static,
    ) -> Result<T, DatabaseError> {
        let inner = &self.inner;
        let place = tokio::select! {
            biased;
            () = inner.closing.cancelled() => return Err(closed()),
            place = inner.pool.acquire() => place?,
        };
        let stop = CancellationToken::new();
        // Whoever drops this future stops the task; the task outlives it.
        let _stop: DropGuard = stop.clone().drop_guard();
        let (answer, answered) = oneshot::channel();
        let task = Arc::clone(inner).work(place, terms, Box::new(work), stop, answer);
        inner.tasks.spawn(task);
        tokio::select! {
            biased;
            answer = answered => match answer {
                // The server's own limit struck first, which is the same to the caller.
                Ok(Err(DatabaseError::Timeout { .. })) => Err(DatabaseError::Timeout { timeout: terms.timeout }),
                Ok(answer) => answer,
                Err(_gone) => Err(DatabaseError::internal("a query panicked")),
            },
            () = inner.closing.cancelled() => Err(DatabaseError::Cancelled),
            () = tokio::time::sleep(terms.timeout) => Err(DatabaseError::Timeout { timeout: terms.timeout }),
        }
    }

    /// Waits until no statement runs and every connection is back or closed.
    #[cfg(test)]
    pub(super) async fn settled(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.tasks.reopen();
    }
}

impl Inner {
    /// Runs work on a connection of its own and sees to the connection, whatever becomes of the work.
    async fn work<T: Send + 'static>(
        self: Arc<Self>,
        place: Place<Session>,
        terms: Terms,
        work: Work<T>,
        stop: CancellationToken,
        answer: oneshot::Sender<Result<T, DatabaseError>>,
    ) {
        let started = Instant::now();
        for old in self.pool.expired() {
            old.close().await;
        }
        let opening = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            opened = self.begin(&place, &terms) => opened,
        };
        let mut session = match opening {
            Ok(session) => session,
            Err(error) => {
                self.pool.record(started, true);
                let _ = answer.send(Err(error));
                return;
            }
        };
        let done = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            done = work(&mut session) => Some(done),
        };
        let Some(done) = done else {
            self.pool.record(started, true);
            session.stop(&self.opts, self.settings.tls).await;
            return;
        };
        self.pool.record(started, done.is_err());
        let (pending, failed) = match &done {
            Ok((_, pending)) => (*pending, false),
            // A failure can come before the last row too.
            Err(error) => (true, matches!(error, DatabaseError::Unavailable { .. })),
        };
        // The caller need not wait for what is only cleaning.
        let _ = answer.send(done.map(|(found, _)| found));
        if failed {
            session.stop(&self.opts, self.settings.tls).await;
            return;
        }
        if pending && !session.read_leftovers(LEFTOVERS).await {
            session.stop(&self.opts, self.settings.tls).await;
            return;
        }
        let Some(session) = session.recycle().await else { return };
        if let Some(session) = place.give_back(session) {
            session.close().await;
        }
    }

    /// A session inside its transaction: one that is idle, unless the server has closed it, or a new one.
    async fn begin(&self, place: &Place<Session>, terms: &Terms) -> Result<Session, DatabaseError> {
        while let Some(mut session) = place.take_idle() {
            // Nothing of the request has run yet, so another connection can take it over.
            match session.begin(terms).await {
                Ok(()) => return Ok(session),
                Err(_) => session.stop_quietly(),
            }
        }
        let mut session = Session::open(&self.opts, &self.settings).await?;
        let _ = self.flavor.set(session.flavor);
        match session.begin(terms).await {
            Ok(()) => Ok(session),
            Err(error) => Err(failure::of_connection(&error)),
        }
    }
}

fn closed() -> DatabaseError {
    DatabaseError::Unavailable {
        reason: "it is shutting down".into(),
        detail: "the database was closed".into(),
    }
}
