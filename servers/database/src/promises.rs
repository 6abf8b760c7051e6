//! What an operator promises about a database, and what keeps the promise: the database itself, never a look at the text of
//! a statement.
//!
//! - **Hidden columns** can't be read. SQLite's authorizer keeps them hidden; PostgreSQL and MySQL do where the role has no
//!   privilege on them.
//! - **Row security** filters the rows of a table. PostgreSQL does that by policies, where it applies to the role.
//!
//! [`Promised`] tries each promise before the first request and answers nothing while one is not kept. A promise that is
//! found broken is an error for the operator, with the statement that mends it.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::catalog::{TableDescription, TableList};
use crate::changes::Changes;
use crate::engine::{Answer, Dialect, Engine, Health, Plan, PoolStats};
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::names::TableName;
use crate::request::{ExplainRequest, Parameters, QueryRequest, TableFilter};
use crate::result::{Cell, QueryResult};
use crate::search::{Findings, Search};
use crate::write::{Touched, WriteRequest, Writer};

/// The most promises of one database.
pub const MAX_PROMISES: usize = 1_000;

/// What is promised about one database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Promises {
    /// Columns that nobody reads.
    pub hidden_columns: Vec<ColumnName>,
    /// Tables of which each role sees its own rows, as `table` or `schema.table`.
    pub row_security: Vec<String>,
}

/// A column of a table, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnName {
    /// The schema, where the database has several.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

impl ColumnName {
    /// Reads `table.column` or `schema.table.column`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let (schema, table, column) = match parts.as_slice() {
            [table, column] => (None, *table, *column),
            [schema, table, column] => (Some(*schema), *table, *column),
            _ => return None,
        };
        let all = [schema.unwrap_or("x"), table, column];
        all.iter().all(|part| !part.is_empty()).then(|| Self {
            schema: schema.map(str::to_owned),
            table: table.to_owned(),
            column: column.to_owned(),
        })
    }
}

impl std::fmt::Display for ColumnName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        write!(f, "{}.{}", self.table, self.column)
    }
}

impl Promises {
    /// Whether nothing is promised.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hidden_columns.is_empty() && self.row_security.is_empty()
    }

    /// Checks what can be checked without the database.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the promise that this kind of database can't keep.
    pub fn check(&self, dialect: Dialect) -> Result<(), DatabaseError> {
        if self.hidden_columns.len() + self.row_security.len() > MAX_PROMISES {
            let rule = format!("must be at most {MAX_PROMISES}");
            return Err(DatabaseError::invalid("hidden_columns", rule));
        }
        if !self.row_security.is_empty() && dialect != Dialect::Postgres {
            let rule = format!(
                "{} has no row security; make a view that filters, and grant SELECT on the view alone",
                dialect.name()
            );
            return Err(DatabaseError::invalid("row_security", rule));
        }
        Ok(())
    }
}

/// An engine that answers only while its promises are kept.
pub struct Promised<E> {
    engine: E,
    promises: Promises,
    kept: OnceCell<()>,
}

impl<E: Engine> Promised<E> {
    /// Puts promises in front of an engine.
    ///
    /// # Errors
    /// As [`Promises::check`].
    pub fn new(engine: E, promises: Promises) -> Result<Self, DatabaseError> {
        promises.check(engine.dialect())?;
        Ok(Self { engine, promises, kept: OnceCell::new() })
    }

    /// Waits until the promises have been found kept once. A failure is tried again by the next request.
    async fn kept(&self) -> Result<&E, DatabaseError> {
        self.kept.get_or_try_init(|| self.try_all()).await?;
        Ok(&self.engine)
    }

    async fn try_all(&self) -> Result<(), DatabaseError> {
        for column in &self.promises.hidden_columns {
            self.try_hidden(column).await?;
        }
        for table in &self.promises.row_security {
            self.try_row_security(table).await?;
        }
        Ok(())
    }

    /// Asks for the column: being refused is what keeps the promise.
    async fn try_hidden(&self, column: &ColumnName) -> Result<(), DatabaseError> {
        let dialect = self.engine.dialect();
        let table = dialect.quote_table(column.schema.as_deref(), &column.table);
        let name = dialect.quote(&column.column);
        // SQLite takes a quoted name that names nothing for a text; behind the table's name it does not.
        let sql = format!("SELECT t.{name} FROM {table} AS t LIMIT 1");
        match self.query(sql, Parameters::default()).await {
            Err(DatabaseError::Refused { .. }) => Ok(()),
            Err(
                DatabaseError::Syntax { message, .. }
                | DatabaseError::NoSuchTable { message, .. }
                | DatabaseError::Failed { message },
            ) => Err(broken(
                format!("the hidden column {column} can't be looked at: {message}"),
                "correct hidden_columns",
            )),
            Err(unreachable) => Err(unreachable),
            Ok(_) => Err(broken(
                format!("the hidden column {column} can be read by the role of this connection"),
                &format!(
                    "revoke SELECT on {table} from it, and grant SELECT on the other columns by name"
                ),
            )),
        }
    }

    async fn try_row_security(&self, table: &str) -> Result<(), DatabaseError> {
        let sql = "SELECT row_security_active($1::text)".to_owned();
        let name = Parameters::Positional(vec![table.into()]);
        let answer = self.query(sql, name).await;
        match answer.as_ref().map(|rows| rows.rows.first().and_then(|row| row.first())) {
            Ok(Some(Cell::Bool(true))) => Ok(()),
            Ok(_) => Err(broken(
                format!("no row security is in force on {table} for the role of this connection"),
                "enable (and for its owner: force) row level security on it, make a policy for the role, and log in as a role that neither is a superuser nor has BYPASSRLS",
            )),
            Err(DatabaseError::Failed { message }) => Err(broken(
                format!("the row security of {table} can't be looked at: {message}"),
                "correct row_security",
            )),
            Err(error) => Err(error.clone()),
        }
    }

    async fn query(&self, sql: String, params: Parameters) -> Result<QueryResult, DatabaseError> {
        let timeout = Duration::from_secs(5).min(self.engine.limits().max_timeout);
        let request = QueryRequest {
            params,
            row_limit: Some(1),
            timeout: Some(timeout),
            ..QueryRequest::new(sql)
        };
        self.engine.query(request).await
    }
}

fn broken(what: String, advice: &str) -> DatabaseError {
    DatabaseError::PromiseBroken { what, advice: advice.to_owned() }
}

impl<E: Engine> Engine for Promised<E> {
    fn dialect(&self) -> Dialect {
        self.engine.dialect()
    }

    fn limits(&self) -> &Limits {
        self.engine.limits()
    }

    fn acquire_timeout(&self) -> Duration {
        self.engine.acquire_timeout()
    }

    fn tables<'a>(&'a self, filter: &'a TableFilter) -> Answer<'a, TableList> {
        Box::pin(async { self.kept().await?.tables(filter).await })
    }

    fn describe<'a>(&'a self, table: &'a TableName) -> Answer<'a, TableDescription> {
        Box::pin(async { self.kept().await?.describe(table).await })
    }

    fn search<'a>(&'a self, search: &'a Search) -> Answer<'a, Findings> {
        Box::pin(async { self.kept().await?.search(search).await })
    }

    fn query(&self, request: QueryRequest) -> Answer<'_, QueryResult> {
        Box::pin(async { self.kept().await?.query(request).await })
    }

    fn explain(&self, request: ExplainRequest) -> Answer<'_, Plan> {
        Box::pin(async { self.kept().await?.explain(request).await })
    }

    fn writer(&self) -> Option<&dyn Writer> {
        self.engine.writer().map(|_| self as &dyn Writer)
    }

    fn pool_stats(&self) -> PoolStats {
        self.engine.pool_stats()
    }

    /// In any letter case: a column too few is shown rather than one too many.
    fn hides(&self, schema: Option<&str>, table: &str, column: &str) -> bool {
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        self.promises.hidden_columns.iter().any(|hidden| {
            let here = match (&hidden.schema, schema) {
                (Some(hidden), Some(schema)) => same(hidden, schema),
                _ => true,
            };
            here && same(&hidden.table, table) && same(&hidden.column, column)
        })
    }

    fn changes(&self) -> Option<Changes> {
        self.engine.changes()
    }

    /// Tries the promises anew each time: privileges change.
    fn check(&self) -> Answer<'_, Health> {
        Box::pin(async {
            let health = self.engine.check().await?;
            self.try_all().await?;
            Ok(health)
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.engine.close()
    }
}

impl<E: Engine> Writer for Promised<E> {
    fn counts_further_rows(&self) -> bool {
        self.engine.writer().is_some_and(Writer::counts_further_rows)
    }

    fn change<'a>(
        &'a self,
        request: &'a WriteRequest,
        expected: Option<Touched>,
    ) -> Answer<'a, Touched> {
        Box::pin(async move { writer(self.kept().await?)?.change(request, expected).await })
    }
}

fn writer<E: Engine>(engine: &E) -> Result<&dyn Writer, DatabaseError> {
    engine.writer().ok_or_else(|| DatabaseError::refused("a change", "read with execute_query"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Database, SqliteSettings};

    fn hidden(names: &[&str]) -> Promises {
        let hidden_columns = names.iter().map(|name| ColumnName::parse(name).unwrap()).collect();
        Promises { hidden_columns, ..Promises::default() }
    }

    /// The sample with columns that its authorizer hides, and with promises that may be others.
    fn sample(kept: &[&str], promised: &[&str]) -> Promised<Database> {
        let mut settings = SqliteSettings::sample();
        settings.hidden_columns = hidden(kept).hidden_columns;
        Promised::new(Database::open(settings).unwrap(), hidden(promised)).unwrap()
    }

    async fn run(engine: &impl Engine, sql: &str) -> Result<QueryResult, DatabaseError> {
        engine.query(QueryRequest::new(sql)).await
    }

    #[tokio::test]
    async fn a_hidden_column_is_read_in_no_way() {
        let engine = sample(&["airports.city"], &["airports.city"]);
        assert!(engine.check().await.is_ok());
        for sql in [
            "SELECT city FROM airports",
            "SELECT * FROM airports",
            "SELECT a.CITY FROM main.airports a",
            "SELECT \"city\" FROM (SELECT * FROM airports)",
            "WITH airport_traffic AS (SELECT city FROM airports) SELECT * FROM airport_traffic",
            "SELECT count(*) FROM airports WHERE city = 'Oslo'",
            "SELECT name FROM airports ORDER BY city",
            "SELECT 1 FROM airports GROUP BY city",
            "SELECT 1 FROM airports a JOIN airports b USING (city)",
            "SELECT 1 FROM airports a NATURAL JOIN airports b",
            "SELECT 1 FROM airports a JOIN (SELECT 'Oslo' AS city) b USING (city)",
            "SELECT 1 FROM airports a natural join (SELECT 'Oslo' AS city)",
            "SELECT 1 FROM airports a JOIN airports b ON a.city = b.city",
            "SELECT row_number() OVER (PARTITION BY city) FROM airports",
            "SELECT count(*) FILTER (WHERE city > 'x') FROM airports",
            "SELECT EXISTS (SELECT 1 FROM airports WHERE city > 'x')",
            "SELECT 1 WHERE ('a', 'b') IN (SELECT name, city FROM airports)",
            "SELECT name FROM airports UNION SELECT city FROM airports",
            "EXPLAIN SELECT city FROM airports",
            "VALUES ((SELECT city FROM airports))",
            "SELECT max(city) FROM airports",
            "SELECT (SELECT city FROM airports LIMIT 1)",
        ] {
            let refused = run(&engine, sql).await.map(|_| ()).expect_err(sql);
            assert!(matches!(refused, DatabaseError::Refused { .. }), "{sql}: {refused}");
            let told = refused.to_string();
            assert!(told.contains("airports.city") || told.contains("USING"), "{told}");
        }
        for sql in ["SELECT name, iata FROM airports LIMIT 1", "SELECT count(*) FROM airports"] {
            assert!(run(&engine, sql).await.is_ok(), "{sql}");
        }
    }

    #[tokio::test]
    async fn nothing_is_answered_while_a_promise_is_broken() {
        for promised in ["airports.city", "airports.no_such_column", "no_such_table.x"] {
            let engine = sample(&["routes.airline"], &[promised]);
            for refused in
                [run(&engine, "SELECT 1").await.map(|_| ()), engine.check().await.map(|_| ())]
            {
                assert!(matches!(refused, Err(DatabaseError::PromiseBroken { .. })), "{refused:?}");
            }
            assert!(engine.tables(&TableFilter::default()).await.is_err());
        }
    }

    #[test]
    fn a_promise_that_the_kind_of_database_can_not_keep_is_refused() {
        let promises = Promises { row_security: vec!["orders".into()], ..Promises::default() };
        for (dialect, kept) in
            [(Dialect::Postgres, true), (Dialect::Sqlite, false), (Dialect::Mysql, false)]
        {
            assert_eq!(promises.check(dialect).is_ok(), kept, "{dialect:?}");
        }
    }

    #[test]
    fn columns_are_named_with_their_table() {
        for (text, expected) in [
            ("people.ssn", Some((None, "people", "ssn"))),
            ("hr.people.ssn", Some((Some("hr"), "people", "ssn"))),
            ("ssn", None),
            ("a..b", None),
            ("a.b.c.d", None),
            ("", None),
        ] {
            let parsed = ColumnName::parse(text);
            let parts = parsed.as_ref().map(|c| (c.schema.as_deref(), &*c.table, &*c.column));
            assert_eq!(parts, expected, "{text}");
            assert!(parsed.is_none_or(|column| column.to_string() == text));
        }
    }
}
