//! Asking the database under the bounds of one analysis: no statement outlives the whole, and each has a patience of its own.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::engine::{Answer, Dialect, Engine};
use crate::error::{DatabaseError, ErrorKind};
use crate::limits::Limits;
use crate::request::{Parameters, QueryRequest};
use crate::result::{Cell, QueryResult};

/// The longest that a whole analysis takes, whatever a single statement may.
const LONGEST: Duration = Duration::from_secs(120);
/// The longest that one statement takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The longest for what would be nice to know.
pub(crate) const SHORT_PATIENCE: Duration = Duration::from_secs(3);

/// One database, for the time of one analysis.
pub(crate) struct Questions<'a> {
    pub(crate) engine: &'a dyn Engine,
    total: Duration,
    started: Instant,
}

impl<'a> Questions<'a> {
    pub(crate) fn new(engine: &'a dyn Engine) -> Self {
        let total = LONGEST.min(engine.limits().max_timeout);
        Self { engine, total, started: Instant::now() }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.engine.dialect()
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.engine.limits()
    }

    /// Whether so much of the time is over that reading more rows would leave none to look at them.
    pub(crate) fn half_time_is_over(&self) -> bool {
        self.started.elapsed() > self.total / 2
    }

    /// Waits for an answer, but not longer than the analysis may take. A future that is dropped here stops its statement.
    pub(crate) async fn within_time<T>(&self, answer: Answer<'_, T>) -> Result<T, DatabaseError> {
        let over = |_| DatabaseError::Timeout { timeout: self.total };
        timeout_at(self.started + self.total, answer).await.map_err(over)?
    }

    /// At most `rows` rows of one statement.
    pub(crate) async fn ask(
        &self,
        sql: String,
        params: Vec<serde_json::Value>,
        rows: usize,
        patience: Duration,
    ) -> Result<QueryResult, DatabaseError> {
        let left = self.total.saturating_sub(self.started.elapsed());
        let timeout =
            patience.min(left).max(Duration::from_millis(1)).min(self.limits().max_timeout);
        let request = QueryRequest {
            sql,
            params: Parameters::Positional(params),
            row_limit: Some(rows.clamp(1, self.limits().max_rows)),
            timeout: Some(timeout),
            ..QueryRequest::default()
        };
        self.within_time(self.engine.query(request)).await
    }

    /// The only row of a statement whose answer would be nice to have: `None` when it takes too long or this database
    /// does not know how.
    ///
    /// # Errors
    /// What would meet every other statement too.
    pub(crate) async fn try_row(&self, sql: String) -> Result<Option<Vec<Cell>>, DatabaseError> {
        match self.ask(sql, Vec::new(), 1, SHORT_PATIENCE).await {
            Ok(result) => Ok(result.rows.into_iter().next()),
            Err(error) if may_be_left_out(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether an error concerns one statement only, so that the analysis can do without it.
pub(crate) fn may_be_left_out(error: &DatabaseError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Timeout | ErrorKind::InvalidInput | ErrorKind::PermissionDenied
    )
}
