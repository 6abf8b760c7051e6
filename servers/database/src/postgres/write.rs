//! Changes rows, where the configuration allows it: one statement that the guard has judged, in a transaction of its own.
//!
//! A preview runs the statement and rolls it back; a change is committed only if it touches as many rows as were agreed to.
//! Deferred constraints are checked before that, so that whoever is asked is not asked in vain.
//!
//! What belongs to the table runs in both: defaults, triggers, references. Triggers may reach what no rollback undoes, such as
//! sequences and other servers. There is no read-only transaction behind the guard here, so that its verdict is
//! taken anew in the transaction that runs the statement, after the server has locked the tables.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_postgres::error::SqlState;

use super::engine::Postgres;
use super::parameters;
use super::read::{Reader, check_text, same_parameters};
use super::session::Session;
use crate::engine::Answer;
use crate::error::DatabaseError;
use crate::write::{self, Touched, WriteRequest, Writer};

impl Postgres {
    async fn run_change(
        &self,
        request: &WriteRequest,
        expected: Option<Touched>,
    ) -> Result<Touched, DatabaseError> {
        write::check(request)?;
        let reader = self.reader();
        check_text(&request.sql, &reader.limits)?;
        let timeout = reader.limits.timeout(request.timeout)?;
        let work = work(Arc::clone(reader), Arc::new(request.clone()), expected, timeout);
        match expected {
            None => self.sessions().run(timeout, work).await,
            Some(_) => self.sessions().run_and_commit(timeout, work).await,
        }
    }
}

/// Runs the change on a session. Its transaction is left open, to be committed, if it touched what was expected; otherwise
/// nothing is kept.
fn work(
    reader: Arc<Reader>,
    request: Arc<WriteRequest>,
    expected: Option<Touched>,
    timeout: Duration,
) -> impl for<'s> Fn(&'s Session) -> BoxFuture<'s, Result<Touched, DatabaseError>> {
    move |session| {
        let (reader, request) = (Arc::clone(&reader), Arc::clone(&request));
        Box::pin(async move {
            let answer = reader.change(session, &request, timeout).await?.as_expected(expected);
            if expected.is_none() || answer.is_err() {
                // At once, and not when the session is given back: others wait for the rows.
                session.batch("ROLLBACK").await?;
            }
            answer
        })
    }
}

impl Reader {
    /// Runs a change in a transaction that stays open.
    async fn change(
        &self,
        session: &Session,
        request: &WriteRequest,
        timeout: Duration,
    ) -> Result<Touched, DatabaseError> {
        let sql = &request.sql;
        let verdict = self.guard.judge_change(session, sql, timeout).await?;
        session.batch(&Session::begin("READ WRITE", timeout)).await?;
        let failed = |error: &tokio_postgres::Error| match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => no_right(error),
            _ => session.error(error, sql, 0),
        };
        let prepared = session.client().prepare_typed(sql, &verdict.parameters).await;
        let prepared = prepared.map_err(|error| failed(&error))?;
        same_parameters(&prepared, &verdict)?;
        // The tables are locked from here on.
        if !self.guard.still_stands(session, sql, &verdict).await? {
            return Err(DatabaseError::Busy { reason: "its schema is being changed".into() });
        }
        let values =
            parameters::bind(&request.params, prepared.params(), self.limits.max_parameters)?;
        let ran = session.client().execute_raw(&prepared, values).await;
        let rows = ran.map_err(|error| failed(&error))?;
        session.batch("SET CONSTRAINTS ALL IMMEDIATE").await?;
        Ok(Touched { rows, further_rows: None })
    }
}

fn no_right(error: &tokio_postgres::Error) -> DatabaseError {
    let why = error.as_db_error().map(tokio_postgres::error::DbError::message).unwrap_or_default();
    DatabaseError::refused(
        format!("the change ({why})"),
        "the database role has no such right; ask the operator to GRANT it INSERT, UPDATE or DELETE, and SELECT, on the table",
    )
}

impl Writer for Postgres {
    fn change<'a>(
        &'a self,
        request: &'a WriteRequest,
        expected: Option<Touched>,
    ) -> Answer<'a, Touched> {
        Box::pin(self.run_change(request, expected))
    }
}
