//! Changes rows, where the configuration allows it: one statement that the guard has judged, in a transaction of its own.
//!
//! A preview runs the statement and rolls it back; a change is committed only if it touches as many rows as were agreed to.
//!
//! There is no read-only transaction behind the guard here. So the tables, and those that triggers and references reach, are
//! locked against changes of their structure by `EXPLAIN`, which opens them like the statement does, and the guard's verdict is
//! taken anew behind that: what runs is what was judged. A statement that leaves a warning is rolled back too, because a value may
//! have been cut.
//!
//! What no rollback undoes are counters: an AUTO_INCREMENT or a sequence goes on behind a preview.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row, Value};

use super::guard::{self, Change, Count, Policy, check_change, judge_change};
use super::session::{Session, Terms, Transaction};
use super::{Database, execute, failure, parameters};
use crate::engine::Answer;
use crate::error::DatabaseError;
use crate::write::{self, Touched, WriteRequest, Writer};

/// The server's warning that a rollback left something behind.
const NOT_ALL_ROLLED_BACK: u64 = 1196;
/// Warnings that only tell of a form that a later server will not have.
const DEPRECATIONS: &[u64] = &[1287, 1681, 3719, 3778];

/// A change on its way.
struct Work {
    change: Change,
    params: Vec<Value>,
    policy: Policy,
    /// The transaction is left open, to be committed, if exactly this was touched; otherwise nothing is kept.
    expected: Option<Touched>,
}

impl Database {
    async fn run_change(
        &self,
        request: &WriteRequest,
        expected: Option<Touched>,
    ) -> Result<Touched, DatabaseError> {
        write::check(request)?;
        let limits = self.limits();
        guard::check_text(&request.sql, limits)?;
        let timeout: Duration = limits.timeout(request.timeout)?;
        let change = judge_change(&request.sql, self.settings().database.as_deref())?;
        let params = parameters::bind(&change.statement.placeholders, &request.params, limits)?;
        let work = Work { change, params, policy: self.policy().clone(), expected };
        let terms = Terms { timeout, rows: None, transaction: Transaction::Change };
        match expected {
            None => self.run(terms, |session| Box::pin(work.run(session))).await,
            Some(_) => self.run_and_commit(terms, |session| Box::pin(work.run(session))).await,
        }
    }
}

impl Work {
    /// Runs the change in the session's transaction. The second half says that nothing is left to read.
    async fn run(self, session: &mut Session) -> Result<(Touched, bool), DatabaseError> {
        let Self { change, params, policy, expected } = self;
        let conn = &mut session.conn;
        check_change(conn, &change, &policy).await?;
        lock(conn, &change, params.clone()).await?;
        // Nobody can replace the tables or their triggers any more.
        check_change(conn, &change, &policy).await?;
        let touched = execute(conn, &change, params).await?;
        let answer = touched.as_expected(expected);
        if expected.is_none() || answer.is_err() {
            // At once, and not when the session is given back: others wait for the rows.
            roll_back(conn).await?;
        }
        Ok((answer?, false))
    }
}

/// Opens everything that the change will, without running it. The locks stand until the transaction ends.
async fn lock(conn: &mut Conn, change: &Change, params: Vec<Value>) -> Result<(), DatabaseError> {
    let failed = |error| failure::of_change(&error);
    let prepared = conn.prep(format!("EXPLAIN {}", change.statement.text)).await.map_err(failed)?;
    let params = execute::fitting(&prepared, params)?;
    conn.exec_drop(&prepared, params).await.map_err(failed)
}

/// Runs the statement and counts what it touched.
async fn execute(
    conn: &mut Conn,
    change: &Change,
    params: Vec<Value>,
) -> Result<Touched, DatabaseError> {
    let failed = |error| failure::of_change(&error);
    let prepared = conn.prep(change.statement.text.as_str()).await.map_err(failed)?;
    let params = execute::fitting(&prepared, params)?;
    conn.exec_drop(&prepared, params).await.map_err(failed)?;
    let (affected, given) = (conn.affected_rows(), records(&conn.info()));
    if conn.get_warnings() > 0 {
        refuse_warnings(conn).await?;
    }
    let rows = match change.count {
        Count::Affected => affected,
        // Nothing is said about a single row.
        Count::Given => given.unwrap_or(affected.min(1)),
    };
    Ok(Touched { rows, further_rows: None })
}

/// How many rows an INSERT was given, in the server's own words: `Records: 2  Duplicates: 1  Warnings: 0`.
fn records(info: &str) -> Option<u64> {
    let rest = info.strip_prefix("Records: ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A change that the server only warns about may have lost a part of a value. Notes, such as that a decimal was rounded to
/// its column's digits, are what every database does.
async fn refuse_warnings(conn: &mut Conn) -> Result<(), DatabaseError> {
    let found = warnings(conn).await?;
    let harmless =
        |(level, code, _): &&(String, u64, String)| level == "Note" || DEPRECATIONS.contains(code);
    match found.iter().find(|warning| !harmless(warning)) {
        None => Ok(()),
        Some((_, _, message)) => Err(DatabaseError::Failed {
            message: format!(
                "the database warns that it would not do what is meant: {}",
                failure::words(message)
            ),
        }),
    }
}

async fn warnings(conn: &mut Conn) -> Result<Vec<(String, u64, String)>, DatabaseError> {
    let rows: Vec<Row> =
        conn.query("SHOW WARNINGS").await.map_err(|error| failure::of_change(&error))?;
    rows.into_iter()
        .map(|row| {
            mysql_async::from_row_opt(row)
                .map_err(|_| DatabaseError::internal("SHOW WARNINGS has another shape"))
        })
        .collect()
}

/// Undoes what the transaction did, and says so if the server could not.
async fn roll_back(conn: &mut Conn) -> Result<(), DatabaseError> {
    conn.query_drop("ROLLBACK").await.map_err(|error| failure::of_change(&error))?;
    if conn.get_warnings() == 0 {
        return Ok(());
    }
    let left = warnings(conn).await?.iter().any(|(_, code, _)| *code == NOT_ALL_ROLLED_BACK);
    if !left {
        return Ok(());
    }
    Err(DatabaseError::Failed {
        message: "it was rolled back, but the database says that a part of it could not be undone, because something that it \
                  sets off writes to a table of another storage engine; tell the operator"
            .into(),
    })
}

impl Writer for Database {
    fn change<'a>(
        &'a self,
        request: &'a WriteRequest,
        expected: Option<Touched>,
    ) -> Answer<'a, Touched> {
        Box::pin(self.run_change(request, expected))
    }
}

#[cfg(test)]
mod tests {
    use super::records;

    #[test]
    fn rows_that_were_given_are_read_from_the_servers_words() {
        assert_eq!(records("Records: 12  Duplicates: 1  Warnings: 0"), Some(12));
        assert_eq!(records("Rows matched: 3  Changed: 2  Warnings: 0"), None);
        assert_eq!(records(""), None);
    }
}
