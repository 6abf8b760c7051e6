//! SQLite as one of the engines.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Database;
use crate::catalog::{TableDescription, TableList};
use crate::engine::{Answer, Dialect, Engine, Health, Plan, PoolStats};
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::names::TableName;
use crate::request::{ExplainRequest, QueryRequest, TableFilter};
use crate::result::{Cell, QueryResult};
use crate::search::{Findings, Search};
use crate::write::Writer;

/// Longest time that a check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A dropped future stops its statement by itself, so nobody needs to cancel this token.
fn nobody_cancels() -> CancellationToken {
    CancellationToken::new()
}

impl Engine for Database {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn limits(&self) -> &Limits {
        Self::limits(self)
    }

    fn acquire_timeout(&self) -> Duration {
        Self::acquire_timeout(self)
    }

    fn tables<'a>(&'a self, filter: &'a TableFilter) -> Answer<'a, TableList> {
        Box::pin(async { self.list_tables(filter, &nobody_cancels()).await })
    }

    fn describe<'a>(&'a self, table: &'a TableName) -> Answer<'a, TableDescription> {
        Box::pin(async { self.describe_table(table, &nobody_cancels()).await })
    }

    fn search<'a>(&'a self, search: &'a Search) -> Answer<'a, Findings> {
        Box::pin(async { Self::search(self, search, &nobody_cancels()).await })
    }

    fn query(&self, request: QueryRequest) -> Answer<'_, QueryResult> {
        Box::pin(async { Self::query(self, request, &nobody_cancels()).await })
    }

    fn explain(&self, request: ExplainRequest) -> Answer<'_, Plan> {
        Box::pin(async { explain(self, request).await })
    }

    fn writer(&self) -> Option<&dyn Writer> {
        self.may_write().then_some(self)
    }

    fn pool_stats(&self) -> PoolStats {
        Self::pool_stats(self)
    }

    /// Reads the schema, which fails on a file that is missing, locked or no database.
    fn check(&self) -> Answer<'_, Health> {
        Box::pin(async {
            let mut request = QueryRequest::new("SELECT count(*) FROM sqlite_schema");
            request.timeout = Some(PATIENCE.min(self.limits().max_timeout));
            Self::query(self, request, &nobody_cancels()).await?;
            Ok(Health::default())
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(Self::close(self))
    }
}

/// The plan as SQLite's shell shows it: one line per step, indented by what it is part of.
async fn explain(database: &Database, request: ExplainRequest) -> Result<Plan, DatabaseError> {
    if request.analyze {
        let rule = "SQLite does not measure the steps of a plan; leave it out, or run the query and see elapsed_ms";
        return Err(DatabaseError::invalid("analyze", rule));
    }
    let started = Instant::now();
    let query = QueryRequest {
        // On a line of its own, so that a statement that begins with a comment stays whole.
        sql: format!("EXPLAIN QUERY PLAN\n{}", request.sql),
        params: request.params,
        row_limit: Some(database.limits().max_rows),
        timeout: request.timeout,
        ..QueryRequest::default()
    };
    let steps = database.query(query, &nobody_cancels()).await?;
    let mut depths: Vec<(i64, usize)> = Vec::new();
    let mut plan = String::new();
    for step in &steps.rows {
        let [Cell::Integer(id), Cell::Integer(parent), _, Cell::Text(detail)] = step.as_slice()
        else {
            return Err(DatabaseError::internal("the plan has another shape than documented"));
        };
        let above = depths.iter().find(|(id, _)| id == parent).map_or(0, |(_, depth)| depth + 1);
        depths.push((*id, above));
        plan.push_str(&"  ".repeat(above));
        plan.push_str(detail);
        plan.push('\n');
    }
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Plan { plan, analyzed: false, elapsed_ms })
}
