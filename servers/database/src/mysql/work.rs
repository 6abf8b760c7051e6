//! The task of one request: it owns the connection, and sees to it whatever becomes of the work.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::database::Inner;
use super::failure;
use super::session::{Session, Terms, Transaction};
use super::turn::Turn;
use crate::error::DatabaseError;
use crate::pool::Place;

/// What the server still sends after the answer is whole is read for so long, before the connection is closed instead.
const LEFTOVERS: Duration = Duration::from_millis(50);

/// How long a commit may take before its caller is told that nobody knows. It may wait for a replica.
const COMMIT_PATIENCE: Duration = Duration::from_secs(10);

/// Work on a session, and whether the session has rows left to read.
pub(super) type Work<T> = Box<
    dyn for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<(T, bool), DatabaseError>> + Send,
>;

impl Inner {
    /// Runs work on a connection of its own and sees to the connection, whatever becomes of the work.
    pub(super) async fn work<T: Send + 'static>(
        self: Arc<Self>,
        place: Place<Session>,
        terms: Terms,
        work: Work<T>,
        turn: Turn,
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
        let done = match done {
            Some(Ok(found)) if turn.commits() => commit(&mut session, &turn, found).await,
            done => done,
        };
        let Some(done) = done else {
            self.pool.record(started, true);
            session.stop(&self.opts, self.settings.tls).await;
            return;
        };
        self.pool.record(started, done.is_err());
        let (pending, lost) = match &done {
            Ok((_, pending)) => (*pending, false),
            Err(error) => {
                let lost = matches!(
                    error,
                    DatabaseError::Unavailable { .. } | DatabaseError::OutcomeUnknown { .. }
                );
                // A failure can come before the last row too.
                (true, lost)
            }
        };
        // The caller need not wait for what is only cleaning.
        let _ = answer.send(done.map(|(found, _)| found));
        if lost {
            session.stop(&self.opts, self.settings.tls).await;
        } else {
            self.give_back(session, place, pending).await;
        }
    }

    /// Makes a session as good as new for the next request, or closes it.
    async fn give_back(&self, mut session: Session, place: Place<Session>, pending: bool) {
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
            // A server that takes no changes says so here.
            Err(error) if terms.transaction == Transaction::Change => {
                Err(failure::of_change(&error))
            }
            Err(error) => Err(failure::of_connection(&error)),
        }
    }
}

/// Commits what the work left open, unless it was given up; `None` if it was.
async fn commit<T>(
    session: &mut Session,
    turn: &Turn,
    found: T,
) -> Option<Result<T, DatabaseError>> {
    if !turn.begin_commit() {
        return None;
    }
    let ended = tokio::time::timeout(COMMIT_PATIENCE, session.commit()).await;
    let unconfirmed = |_elapsed| DatabaseError::OutcomeUnknown {
        reason: "the server did not confirm it in time".into(),
    };
    Some(ended.map_err(unconfirmed).flatten().map(|()| found))
}
