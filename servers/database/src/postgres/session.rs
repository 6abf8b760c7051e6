//! One session on the server, and how it is made clean for the next caller.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::{CancelToken, Client, SimpleQueryStream, Statement};

use super::failure;
use super::statements::Statements;
use super::wire::Wire;
use crate::error::DatabaseError;

/// Everything that outlives a transaction goes: cursors, settings, roles, subscriptions, locks, temporary objects, `currval`.
/// `DISCARD ALL` would drop the prepared statements that the driver still counts on.
const RESET: &str = "ROLLBACK; CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; UNLISTEN *; \
     SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// Statements for the catalogue that a session keeps prepared; each text is a constant of this program.
const MAX_STATEMENTS: usize = 64;

/// One session. Dropping it closes it.
pub(super) struct Session {
    // Dropped first: the connection behind it then ends by itself.
    client: Client,
    wire: Wire,
    /// This program's own.
    prepared: std::sync::Mutex<Vec<(&'static str, Statement)>>,
    /// The callers'.
    statements: Statements,
    version: u32,
    superuser: bool,
    abandoned: std::sync::atomic::AtomicBool,
    /// The answers to a reset that was asked for ahead.
    resetting: std::sync::Mutex<Option<Pin<Box<SimpleQueryStream>>>>,
}

impl Session {
    pub(super) fn new(
        client: Client,
        wire: Wire,
        statements: Statements,
        version: u32,
        superuser: bool,
    ) -> Self {
        let prepared = std::sync::Mutex::default();
        Self {
            client,
            wire,
            prepared,
            statements,
            version,
            superuser,
            abandoned: false.into(),
            resetting: std::sync::Mutex::default(),
        }
    }

    /// Does some work with the session. Outside of it the server's answers do not arrive.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        self.wire.during(work).await
    }

    /// The callers' statements that are kept prepared.
    pub(super) fn statements(&self) -> &Statements {
        &self.statements
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The server's major version; 0 when it does not say.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Whether the role is a superuser.
    pub(super) fn is_superuser(&self) -> bool {
        self.superuser
    }

    /// Leaves a statement before its end; it is stopped on the server when the session is given back.
    pub(super) fn abandon_statement(&self) {
        self.abandoned.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Whether a statement was left before its end, since this was last asked.
    pub(super) fn take_abandoned(&self) -> bool {
        self.abandoned.swap(false, std::sync::atomic::Ordering::Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.wire.look();
        self.client.is_closed()
    }

    pub(super) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// A statement of this program, prepared once for each session.
    pub(super) async fn prepared(&self, sql: &'static str) -> Result<Statement, DatabaseError> {
        let known = || {
            let statements =
                self.prepared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            statements.iter().find(|(text, _)| *text == sql).map(|(_, known)| known.clone())
        };
        if let Some(known) = known() {
            return Ok(known);
        }
        let prepared = self.client.prepare(sql).await.map_err(|error| self.own_error(&error))?;
        let mut statements =
            self.prepared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if statements.len() >= MAX_STATEMENTS {
            statements.clear();
        }
        statements.push((sql, prepared.clone()));
        Ok(prepared)
    }

    /// Runs statements that return nothing.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), DatabaseError> {
        self.client.batch_execute(sql).await.map_err(|error| self.own_error(&error))
    }

    /// Ends a transaction in which every statement succeeded, and tells how that ended.
    pub(super) async fn commit(&self) -> Result<(), DatabaseError> {
        let Err(error) = self.client.batch_execute("COMMIT").await else { return Ok(()) };
        match error.as_db_error().map(DbError::parsed_severity) {
            // The server rolled back: behind a commit it reports no plain error any more.
            Some(Some(Severity::Error)) => Err(self.own_error(&error)),
            // It ended the session, or the connection was lost, before or behind the commit.
            _ => Err(DatabaseError::OutcomeUnknown {
                reason: "the connection was lost while it was being committed".into(),
            }),
        }
    }

    /// Begins a transaction whose statements end a little after the caller's own timer.
    pub(super) fn begin(mode: &str, timeout: Duration) -> String {
        let timeout_ms = timeout.as_millis() + 1_000;
        format!("BEGIN {mode}; SET LOCAL statement_timeout = {timeout_ms}")
    }

    /// Makes the session as it was when it was opened.
    pub(super) async fn reset(&self) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(RESET).await
    }

    /// Asks for a reset behind everything that was asked for until now, when this future is first polled. The server then goes on
    /// with it by itself, while the caller's answer is written. Only [`reset_ended`](Self::reset_ended) says that it was done.
    pub(super) async fn reset_ahead(&self) -> Result<(), tokio_postgres::Error> {
        let answers = self.client.simple_query_raw(RESET).await?;
        *self.resetting() = Some(Box::pin(answers));
        Ok(())
    }

    /// Does not count on the reset that was asked for, because something else was asked for behind it.
    pub(super) fn forget_reset(&self) {
        *self.resetting() = None;
    }

    /// Waits for the reset that was asked for ahead; false when there was none or it failed.
    pub(super) async fn reset_ended(&self) -> bool {
        let Some(mut answers) = self.resetting().take() else { return false };
        while let Some(answer) = answers.next().await {
            if answer.is_err() {
                return false;
            }
        }
        true
    }

    fn resetting(&self) -> std::sync::MutexGuard<'_, Option<Pin<Box<SimpleQueryStream>>>> {
        self.resetting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The error of a statement that this program wrote.
    pub(super) fn own_error(&self, error: &tokio_postgres::Error) -> DatabaseError {
        failure::of_statement(error, self.wire.broken(), None)
    }

    /// The error of the caller's statement, which stands `prefix` bytes into what was sent.
    pub(super) fn error(
        &self,
        error: &tokio_postgres::Error,
        sql: &str,
        prefix: usize,
    ) -> DatabaseError {
        failure::of_statement(error, self.wire.broken(), Some((sql, prefix)))
    }
}
