//! One change to a database: looked at first, and made only as it was looked at.
//!
//! A change is previewed in a transaction that is rolled back, so that a person can be told how many rows it touches before
//! anything happens. It is committed only if it then touches as many; otherwise the world has moved on, and nothing is done.
//!
//! It refuses whatever is not INSERT, UPDATE or DELETE (or MySQL's REPLACE): the schema, settings and permissions of a database are not changed
//! through a model.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::Answer;
use crate::error::DatabaseError;
use crate::request::Parameters;

/// The longest statement that changes something. A person has to read it before they agree.
pub const MAX_STATEMENT_BYTES: usize = 4_000;

/// Checks what holds for every change, whichever database it is for.
pub(crate) fn check(request: &WriteRequest) -> Result<(), DatabaseError> {
    if request.sql.len() <= MAX_STATEMENT_BYTES {
        return Ok(());
    }
    Err(DatabaseError::TooLarge {
        what: "the statement".into(),
        limit: format!("{MAX_STATEMENT_BYTES} bytes for one that changes something"),
        advice: "put long values into params".into(),
    })
}

/// One statement that changes rows.
#[derive(Debug, Clone, Default)]
pub struct WriteRequest {
    /// Exactly one INSERT, UPDATE or DELETE.
    pub sql: String,
    /// Values for its placeholders.
    pub params: Parameters,
    /// Time wanted at most; `None` takes the default.
    pub timeout: Option<Duration>,
}

/// How much a change touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Rows that the statement itself inserts, updates or deletes.
    pub rows: u64,
    /// Rows that triggers and cascading references change besides, where the database counts them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub further_rows: Option<u64>,
}

impl fmt::Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, further_rows } = self;
        write!(f, "{rows} row{}", if *rows == 1 { "" } else { "s" })?;
        match further_rows {
            Some(further) => write!(f, " (and {further} more through triggers and references)"),
            None => Ok(()),
        }
    }
}

impl Touched {
    /// What was touched, unless something else was expected.
    pub(crate) fn as_expected(self, expected: Option<Self>) -> Result<Self, DatabaseError> {
        match expected {
            Some(other) if other != self => {
                Err(DatabaseError::Changed { expected: other, found: self })
            }
            _ => Ok(self),
        }
    }
}

/// An engine that may change its database, because the configuration says so.
pub trait Writer: Send + Sync {
    /// Runs the change in a transaction of its own. It is committed if it touches exactly what is expected; otherwise it is
    /// rolled back, with [`DatabaseError::Changed`] where something was expected.
    ///
    /// An engine implements this; callers say what they mean with [`preview`](Self::preview) and [`write`](Self::write).
    ///
    /// # Cancel safety
    /// A future that is dropped leaves a change that was made or not made, never half of one.
    fn change<'a>(
        &'a self,
        request: &'a WriteRequest,
        expected: Option<Touched>,
    ) -> Answer<'a, Touched>;

    /// Whether the rows that triggers and cascading references change are counted too.
    fn counts_further_rows(&self) -> bool {
        false
    }

    /// What the change would touch. Nothing has been changed in any case, but for counters that no database rolls back, such
    /// as sequences.
    fn preview<'a>(&'a self, request: &'a WriteRequest) -> Answer<'a, Touched> {
        Box::pin(async move {
            let previewed = self.change(request, None).await;
            previewed.map_err(DatabaseError::in_a_change)
        })
    }

    /// Makes the change if it touches exactly what was expected; otherwise
    /// [`DatabaseError::Changed`], and nothing is done.
    ///
    /// # Cancel safety
    /// As that of [`change`](Self::change).
    fn write<'a>(&'a self, request: &'a WriteRequest, expected: Touched) -> Answer<'a, Touched> {
        Box::pin(async move {
            let written = self.change(request, Some(expected)).await;
            written.map_err(DatabaseError::in_a_change)
        })
    }
}
