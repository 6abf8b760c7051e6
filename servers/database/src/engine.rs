//! What every kind of database can do, whichever it is.
//!
//! One implementation per kind: [`crate::sqlite::Database`] is one. Whoever implements it keeps the promises that the tools
//! rely on: nothing is changed, bounds are kept, and a future that is dropped stops its statement on the server and leaves
//! no trace in the connection.
//!
//! It refuses to know MCP.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::catalog::{TableDescription, TableList};
use crate::changes::Changes;
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::names::TableName;
use crate::request::{ExplainRequest, QueryRequest, TableFilter};
use crate::result::QueryResult;
use crate::search::{Findings, Search};
use crate::write::Writer;

/// What an engine gives back, when it has it.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, DatabaseError>>;

/// One database of any kind. Every future may be dropped at any time.
pub trait Engine: Send + Sync + 'static {
    /// How this kind of database writes SQL.
    fn dialect(&self) -> Dialect;

    /// The bounds on one request.
    fn limits(&self) -> &Limits;

    /// How long a request may wait for a connection.
    fn acquire_timeout(&self) -> Duration;

    /// The tables and views that match, ordered by schema and name.
    fn tables<'a>(&'a self, filter: &'a TableFilter) -> Answer<'a, TableList>;

    /// Everything needed to write a query against one table or view. [`DatabaseError::UnknownTable`] offers near names.
    fn describe<'a>(&'a self, table: &'a TableName) -> Answer<'a, TableDescription>;

    /// Tables, views, columns and functions by name.
    fn search<'a>(&'a self, search: &'a Search) -> Answer<'a, Findings>;

    /// Runs one statement that reads. Nothing has been changed in any case.
    fn query(&self, request: QueryRequest) -> Answer<'_, QueryResult>;

    /// How the database would run a statement that reads. It runs only when the request says `analyze`.
    fn explain(&self, request: ExplainRequest) -> Answer<'_, Plan>;

    /// What changes rows, where the configuration allows it.
    fn writer(&self) -> Option<&dyn Writer> {
        None
    }

    /// The connections and what they did.
    fn pool_stats(&self) -> PoolStats;

    /// Whether the database can be reached and read, and what its operator should know.
    fn check(&self) -> Answer<'_, Health>;

    /// Whether the configuration says that nobody reads this column. The database refuses it anyway; this is for statements
    /// of the server's own, which then ask for the other columns.
    fn hides(&self, _schema: Option<&str>, _table: &str, _column: &str) -> bool {
        false
    }

    /// Begins to tell which rows change, if this database does so. Asked once; the engine stops when nobody listens any
    /// more, and tells [`Change::Missed`](crate::changes::Change::Missed) whenever it cannot know what it did not hear.
    fn changes(&self) -> Option<Changes> {
        None
    }

    /// Refuses new requests, stops the running ones and waits until every connection is closed.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// How a kind of database writes SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
}

impl Dialect {
    /// The name that people know.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
        }
    }

    /// A name in the quotes of the dialect, so that it is a name whatever it holds.
    #[must_use]
    pub fn quote(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::Mysql => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// A table's name in quotes, behind its schema where it has one.
    #[must_use]
    pub fn quote_table(self, schema: Option<&str>, name: &str) -> String {
        let mut quoted = schema.map(|schema| self.quote(schema) + ".").unwrap_or_default();
        quoted.push_str(&self.quote(name));
        quoted
    }

    /// Whether this is a schema of the database's own, such as its catalogue.
    #[must_use]
    pub fn is_system_schema(self, schema: &str) -> bool {
        let is_one_of = |names: &[&str]| names.iter().any(|name| schema.eq_ignore_ascii_case(name));
        match self {
            Self::Sqlite => false,
            // The prefix is PostgreSQL's own: nobody else may make such a schema.
            Self::Postgres => schema.starts_with("pg_") || schema == "information_schema",
            Self::Mysql => is_one_of(&["mysql", "information_schema", "performance_schema", "sys"]),
        }
    }

    /// The placeholder of the n-th parameter, from 1.
    #[must_use]
    pub fn placeholder(self, n: usize) -> String {
        match self {
            Self::Postgres => {
                let mut text = String::from("$");
                let _ = write!(text, "{n}");
                text
            }
            Self::Sqlite | Self::Mysql => "?".to_owned(),
        }
    }
}

/// How a database runs a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The plan in the database's own words, a step per line.
    pub plan: String,
    /// Whether the statement was run to measure it.
    pub analyzed: bool,
    /// Time for the answer in milliseconds.
    pub elapsed_ms: u64,
}

/// The connections of one database, and what they did since the start.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct PoolStats {
    /// Connections that are open or being opened.
    pub size: usize,
    /// Connections that wait for work.
    pub idle: usize,
    /// Connections that work.
    pub in_use: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
    /// The most connections there may be.
    pub max: usize,
    /// Requests that waited in vain.
    pub timeouts: u64,
    /// Statements that ran to their end or failed.
    pub queries: u64,
    /// Statements that failed.
    pub errors: u64,
    /// Mean time of a statement in milliseconds.
    pub mean_ms: f64,
    /// Time of all statements together.
    #[serde(skip)]
    pub busy: Duration,
    /// The statements that connections keep prepared, where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statements: Option<StatementStats>,
}

/// Prepared statements of all connections of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StatementStats {
    /// Statements that are prepared now, counted once for each connection.
    pub kept: usize,
    /// Queries that found their statement prepared, since the start.
    pub hits: u64,
    /// Queries that did not.
    pub misses: u64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// What the operator should change, in whole sentences: a role that may do more than read, for one.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names_whatever_they_hold() {
        assert_eq!(Dialect::Postgres.quote("we\"ird"), "\"we\"\"ird\"");
        assert_eq!(Dialect::Mysql.quote("we`ird"), "`we``ird`");
        assert_eq!(Dialect::Sqlite.quote_table(Some("a.b"), "c"), "\"a.b\".\"c\"");
        assert_eq!(Dialect::Postgres.placeholder(2), "$2");
    }

    #[test]
    fn schemas_of_the_database_itself_are_known() {
        let check = |dialect: Dialect, schema, expected| {
            assert_eq!(dialect.is_system_schema(schema), expected, "{dialect:?} {schema}");
        };
        check(Dialect::Postgres, "pg_catalog", true);
        check(Dialect::Postgres, "pg_toast", true);
        check(Dialect::Postgres, "public", false);
        check(Dialect::Postgres, "Information_Schema", false);
        check(Dialect::Mysql, "MySQL", true);
        check(Dialect::Mysql, "shop", false);
        check(Dialect::Sqlite, "main", false);
    }
}
