//! MySQL and MariaDB as one of the engines.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::guard::Shape;
use super::session::{Flavor, Terms, Transaction};
use super::{Database, catalogue, grants};
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

impl Engine for Database {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn limits(&self) -> &Limits {
        Self::limits(self)
    }

    fn acquire_timeout(&self) -> Duration {
        self.settings().pool.acquire_timeout
    }

    fn tables<'a>(&'a self, filter: &'a TableFilter) -> Answer<'a, TableList> {
        Box::pin(async {
            filter.check()?;
            let (filter, limits) = (filter.clone(), self.limits().clone());
            let configured = self.settings().database.clone();
            self.ask(move |session| {
                Box::pin(async move {
                    let configured = configured.as_deref();
                    catalogue::tables(&mut session.conn, &filter, configured, &limits).await
                })
            })
            .await
        })
    }

    fn describe<'a>(&'a self, table: &'a TableName) -> Answer<'a, TableDescription> {
        Box::pin(async {
            let (table, configured) = (table.clone(), self.settings().database.clone());
            self.ask(move |session| {
                Box::pin(async move {
                    let configured = configured.as_deref();
                    catalogue::describe(&mut session.conn, session.flavor, &table, configured).await
                })
            })
            .await
        })
    }

    fn search<'a>(&'a self, search: &'a Search) -> Answer<'a, Findings> {
        Box::pin(async {
            search.check()?;
            let (search, configured) = (search.clone(), self.settings().database.clone());
            self.ask(move |session| {
                Box::pin(async move {
                    catalogue::search(&mut session.conn, &search, configured.as_deref()).await
                })
            })
            .await
        })
    }

    fn query(&self, request: QueryRequest) -> Answer<'_, QueryResult> {
        Box::pin(Self::query(self, request))
    }

    fn explain(&self, request: ExplainRequest) -> Answer<'_, Plan> {
        Box::pin(explain(self, request))
    }

    fn writer(&self) -> Option<&dyn Writer> {
        self.settings().writes.then_some(self as &dyn Writer)
    }

    fn pool_stats(&self) -> PoolStats {
        Self::pool_stats(self)
    }

    /// Logs in, and reads what the role may do.
    fn check(&self) -> Answer<'_, Health> {
        Box::pin(async {
            let settings = self.settings().clone();
            let timeout = PATIENCE.min(self.limits().max_timeout);
            let terms = Terms { timeout, rows: None, transaction: Transaction::ReadOnly };
            let warnings = self.run(terms, move |session| {
                Box::pin(async move {
                    let found = grants::warnings(&mut session.conn, &settings).await?;
                    Ok((found, false))
                })
            });
            Ok(Health { warnings: warnings.await? })
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(Self::close(self))
    }
}

/// A plan in JSON without the spaces and line breaks between its parts, which are a third of it.
fn without_indentation(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if !in_string && character.is_ascii_whitespace() {
            continue;
        }
        in_string ^= character == '"' && !escaped;
        escaped = in_string && character == '\\' && !escaped;
        compact.push(character);
    }
    compact
}

/// The plan as JSON, in the server's own words.
async fn explain(database: &Database, request: ExplainRequest) -> Result<Plan, DatabaseError> {
    let started = Instant::now();
    // The statement by itself must be a query, so that what stands in front of it means what it says.
    if database.judge(&request.sql)?.shape != Shape::Query {
        let advice = "leave EXPLAIN out and send one SELECT";
        return Err(DatabaseError::refused("a statement other than a query", advice));
    }
    let front = match (request.analyze, database.flavor().await?) {
        (false, _) => "EXPLAIN FORMAT=JSON",
        (true, Flavor::MariaDb) => "ANALYZE FORMAT=JSON",
        (true, Flavor::MySql) => "EXPLAIN ANALYZE",
    };
    let query = QueryRequest {
        // On a line of its own, so that a statement that begins with a comment stays whole.
        sql: format!("{front}\n{}", request.sql),
        params: request.params,
        row_limit: Some(database.limits().max_rows),
        timeout: request.timeout,
        ..QueryRequest::default()
    };
    let rows = Database::query(database, query).await?.rows;
    let plan = match rows.first().and_then(|row| row.first()) {
        Some(Cell::Text(plan)) if plan.starts_with('{') => without_indentation(plan),
        Some(Cell::Text(plan)) => plan.clone(),
        Some(Cell::CutText { text, full_bytes }) => {
            format!("{text}\n… (the plan has {full_bytes} bytes)")
        }
        _ => return Err(DatabaseError::internal("the plan has another shape than documented")),
    };
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Plan { plan, analyzed: request.analyze, elapsed_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_keeps_its_texts_and_loses_its_indentation() {
        let plan = "{\n  \"query_block\": {\n    \"a b\": \"c  \\\" \\\\\", \"rows\": 1\n  }\n}";
        let compact = without_indentation(plan);
        assert_eq!(compact, r#"{"query_block":{"a b":"c  \" \\","rows":1}}"#);
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parsed(&compact), parsed(plan));
    }
}
