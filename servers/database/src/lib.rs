//! Databases as an MCP server: read-only in depth.
//!
//! [`server`] offers `list_tables`, `describe_table` and `execute_query` over one SQLite database. What surrounds a call
//! (validation, deadlines, concurrency) is the runtime's business; what a statement may do is decided below, in modules that
//! know no MCP. Those at the top are the same for every kind of database: what is asked ([`request`]), what bounds the answer
//! ([`limits`]), what comes back ([`result`], [`catalog`]) and what can go wrong ([`error`]). Each kind of database is one
//! folder beside them.
//!
//! It refuses to write, whatever the statement says and whoever sends it.

pub mod catalog;
pub mod error;
pub mod limits;
pub mod names;
mod readiness;
pub mod request;
pub mod result;
pub mod sqlite;
mod tools;

use std::sync::Arc;

use wharf::Server;

use crate::{
    error::DatabaseError,
    sqlite::{Database, SqliteSettings},
};

/// The server over one SQLite database, ready to be built.
///
/// # Errors
/// [`DatabaseError::InvalidArgument`] names the setting that cannot be used. The database itself is opened when it is first
/// asked; `/readyz` tells whether it can be.
pub fn server(settings: SqliteSettings) -> Result<Server, DatabaseError> {
    let database = Database::open(settings)?;
    let [list_tables, describe_table, execute_query] = tools::all(&database);
    Ok(Server::new("database", env!("CARGO_PKG_VERSION"))
        .title("Database")
        .description("Read-only SQL over one SQLite database")
        .instructions(
            "Call list_tables first, then describe_table for the tables you need, then execute_query with one SELECT in \
             SQLite's dialect. Nothing can be changed. Put values into params, not into the text of the query.",
        )
        .state(database.clone())
        .tool(list_tables)
        .tool(describe_table)
        .tool(execute_query)
        .probe(Arc::new(readiness::SqliteProbe(database))))
}
