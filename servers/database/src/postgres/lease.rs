//! Lends sessions to requests, and cleans them behind each.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connect::Connector;
use super::failure;
use super::listen;
use super::session::Session;
use super::settings::PostgresSettings;
use super::statements::Counters;
use crate::changes::Changes;
use crate::engine::PoolStats;
use crate::error::DatabaseError;
use crate::pool::{Place, Pool};

/// How long cleaning a session may take before it is closed instead.
const CLEANING_PATIENCE: Duration = Duration::from_secs(5);
/// How long a session may go on after a cancellation before it gets another one.
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);
/// Cleanings that a cancellation may hit before the session is closed instead.
const MAX_RESETS: usize = 10;
/// How often idle sessions are looked at.
const SWEEP_INTERVAL: Duration = Duration::from_secs(15);
/// How long a commit may take before its caller is told that nobody knows. It may wait for a standby.
const COMMIT_PATIENCE: Duration = Duration::from_secs(10);

/// The sessions of one database.
pub(super) struct Sessions {
    shared: Arc<Shared>,
}

struct Shared {
    connector: Arc<Connector>,
    pool: Pool<Session>,
    statements: Arc<Counters>,
    tasks: TaskTracker,
    closing: CancellationToken,
    sweeping: std::sync::Once,
}

impl Sessions {
    pub(super) fn new(settings: PostgresSettings) -> Result<Self, DatabaseError> {
        let pool = Pool::new(settings.pool.clone());
        let shared = Shared {
            connector: Arc::new(Connector::new(settings)?),
            pool,
            statements: Arc::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            sweeping: std::sync::Once::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(super) fn settings(&self) -> &PostgresSettings {
        self.shared.connector.settings()
    }

    pub(super) fn stats(&self) -> PoolStats {
        PoolStats { statements: Some(self.shared.statements.stats()), ..self.shared.pool.stats() }
    }

    /// Does some work on a session within a time that begins when the session is there.
    ///
    /// The answer comes when the time is over, whatever the server does; the server is then told to stop. Dropping the
    /// future does the same. Work that finds a session broken that was idle before is done once more on a fresh one: nothing
    /// of it was committed.
    pub(super) async fn run<T>(
        &self,
        timeout: Duration,
        work: impl for<'s> Fn(&'s Session) -> BoxFuture<'s, Result<T, DatabaseError>>,
    ) -> Result<T, DatabaseError> {
        let (_lease, started, done) = self.work(timeout, work).await?;
        self.shared.pool.record(started, false);
        Ok(done)
    }

    /// Does some work in a transaction that it leaves open, and commits it. What fails before the commit is rolled back.
    ///
    /// A commit is never done twice and never called failed: where the server does not say how it ended, the answer is
    /// [`DatabaseError::OutcomeUnknown`]. Dropping the future leaves a transaction that is either committed or rolled back.
    pub(super) async fn run_and_commit<T>(
        &self,
        timeout: Duration,
        work: impl for<'s> Fn(&'s Session) -> BoxFuture<'s, Result<T, DatabaseError>>,
    ) -> Result<T, DatabaseError> {
        let (mut lease, started, done) = self.work(timeout, work).await?;
        if self.shared.closing.is_cancelled() {
            self.shared.pool.record(started, true);
            return Err(DatabaseError::Cancelled);
        }
        lease.interrupted = true;
        let committed =
            match tokio::time::timeout(COMMIT_PATIENCE, lease.during(lease.commit())).await {
                Ok(ended) => {
                    lease.interrupted = false;
                    ended
                }
                Err(_elapsed) => Err(DatabaseError::OutcomeUnknown {
                    reason: "the server did not confirm it in time".into(),
                }),
            };
        self.shared.pool.record(started, committed.is_err());
        committed.map(|()| done)
    }

    /// Work that succeeded, with its session and its beginning. Failures are recorded here.
    async fn work<T>(
        &self,
        timeout: Duration,
        work: impl for<'s> Fn(&'s Session) -> BoxFuture<'s, Result<T, DatabaseError>>,
    ) -> Result<(Lease, Instant, T), DatabaseError> {
        let mut fresh = false;
        loop {
            let mut lease = self.lease(fresh).await?;
            let started = Instant::now();
            let done = tokio::select! {
                biased;
                done = lease.during(work(&lease)) => { lease.interrupted = false; done }
                () = self.shared.closing.cancelled() => Err(DatabaseError::Cancelled),
                () = tokio::time::sleep(timeout) => Err(DatabaseError::Timeout { timeout }),
            };
            // The server's own timer stands behind ours and only ends first when ours was late.
            let done = match done {
                Err(DatabaseError::Cancelled) if started.elapsed() >= timeout => {
                    Err(DatabaseError::Timeout { timeout })
                }
                done => done,
            };
            if !lease.is_new && done.as_ref().is_err_and(failure::is_lost) {
                fresh = true;
                continue;
            }
            return match done {
                Ok(done) => Ok((lease, started, done)),
                Err(error) => {
                    self.shared.pool.record(started, true);
                    Err(error)
                }
            };
        }
    }

    /// Begins to hear of changes on a connection beside the pool. Needs the runtime.
    pub(super) fn listen(&self) -> Changes {
        let (sender, changes) = tokio::sync::mpsc::channel(listen::MAX_WAITING);
        let (connector, closing) =
            (Arc::clone(&self.shared.connector), self.shared.closing.clone());
        self.shared.tasks.spawn(listen::run(connector, sender, closing));
        changes
    }

    async fn lease(&self, fresh: bool) -> Result<Lease, DatabaseError> {
        let shared = &self.shared;
        let place = tokio::select! {
            biased;
            () = shared.closing.cancelled() => return Err(DatabaseError::Cancelled),
            place = shared.pool.acquire() => place?,
        };
        shared.sweeping.call_once(|| {
            drop(shared.tasks.spawn(sweep(Arc::downgrade(shared), shared.closing.clone())))
        });
        while let Some(session) = place.take_idle() {
            if !fresh && !session.is_closed() {
                return Ok(Lease::new(Arc::clone(shared), session, place, false));
            }
        }
        let session = tokio::select! {
            biased;
            () = shared.closing.cancelled() => return Err(DatabaseError::Cancelled),
            session = shared.connector.open(&shared.tasks, &shared.statements) => session?,
        };
        Ok(Lease::new(Arc::clone(shared), session, place, true))
    }

    /// Stops everything and waits until every session is closed.
    pub(super) async fn close(&self) {
        self.shared.closing.cancel();
        drop(self.shared.pool.close());
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.shared.closing.cancel();
        drop(self.shared.pool.close());
    }
}

/// Closes what has been idle for too long.
async fn sweep(shared: std::sync::Weak<Shared>, closing: CancellationToken) {
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(SWEEP_INTERVAL) => {}
        }
        match shared.upgrade() {
            Some(shared) => drop(shared.pool.expired()),
            None => return,
        }
    }
}

/// One session, for one request. When it is dropped a task of the pool makes it clean or closes it.
struct Lease {
    held: Option<(Session, Place<Session>)>,
    shared: Arc<Shared>,
    interrupted: bool,
    is_new: bool,
}

impl Lease {
    fn new(shared: Arc<Shared>, session: Session, place: Place<Session>, is_new: bool) -> Self {
        Self { held: Some((session, place)), shared, interrupted: true, is_new }
    }
}

impl Deref for Lease {
    type Target = Session;

    #[expect(clippy::expect_used, reason = "held is only taken when the lease is dropped")]
    fn deref(&self) -> &Session {
        &self.held.as_ref().expect("a lease holds its session until it is dropped").0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some((session, place)) = self.held.take() else { return };
        if session.is_closed() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let interrupted = session.take_abandoned() || self.interrupted;
        self.shared.tasks.spawn(async move {
            let cleaning = session.during(clean(&shared, &session, interrupted));
            let clean = tokio::time::timeout(CLEANING_PATIENCE, cleaning).await;
            if clean == Ok(true) {
                drop(place.give_back(session));
            }
        });
    }
}

/// Whether the session is as good as new.
async fn clean(shared: &Shared, session: &Session, interrupted: bool) -> bool {
    let cancel = async || {
        let cancelled = shared.connector.cancel(&session.cancel_token()).await;
        cancelled
            .inspect_err(|error| tracing::warn!(%error, "a statement could not be cancelled"))
            .is_ok()
    };
    if interrupted && !cancel().await {
        return false;
    }
    // One that a cancellation may have hit is done again.
    if interrupted {
        session.forget_reset();
    } else if session.reset_ended().await {
        return true;
    }
    for _ in 0..MAX_RESETS {
        let reset = session.reset();
        tokio::pin!(reset);
        let done = loop {
            tokio::select! {
                done = &mut reset => break done,
                // A cancellation stops what the server does at that moment. Statements that were on their way come after it.
                () = tokio::time::sleep(CANCEL_INTERVAL) => if interrupted && !cancel().await { return false },
            }
        };
        match done {
            Ok(()) => return true,
            // The cancellation hit this very statement.
            Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => {}
            Err(error) => {
                tracing::debug!(%error, "a session could not be made clean and is closed");
                return false;
            }
        }
    }
    false
}
