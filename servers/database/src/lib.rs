//! Databases as an MCP server: read-only in depth.
//!
//! [`server`] offers tools, resources and prompts over any number of named databases, and a [`ChangeRelay`] tells its
//! clients which rows change. What surrounds a call (validation, deadlines, concurrency) is
//! the runtime's business; what a statement may do is decided below, in modules that know no MCP. Those at the top are the
//! same for every kind of database: what an [`engine`] can do, what is asked ([`request`]), what bounds the answer
//! ([`limits`]), what comes back ([`result`], [`catalog`], [`search`]), how it is written ([`format`](mod@format)) and what can go wrong
//! ([`error`]). Each kind of database is one folder beside them.
//!
//! It refuses to write, whatever the statement says and whoever sends it, unless the configuration of a database allows it; and
//! then a person is asked first ([`write`]).

mod analysis;
pub mod catalog;
pub mod changes;
mod collector;
mod completions;
#[cfg(test)]
mod corpus;
pub mod databases;
pub mod engine;
pub mod error;
pub mod format;
pub mod limits;
mod metrics;
pub mod mysql;
pub mod names;
mod overview;
mod parameter;
#[cfg(test)]
mod peak;
pub mod pool;
pub mod postgres;
pub mod promises;
mod prompts;
mod readiness;
mod relay;
pub mod request;
mod resources;
pub mod result;
mod rows;
pub mod search;
pub mod sqlite;
mod tools;
pub mod write;
#[cfg(test)]
mod write_testing;

use std::sync::Arc;

use wharf::Server;

use crate::readiness::DatabaseProbe;
pub use crate::{databases::Databases, metrics::PoolMetrics, relay::ChangeRelay};

/// The server over some databases, ready to be built. They are opened when they are first asked; `/readyz` tells whether
/// they can be.
pub fn server(databases: Databases) -> Server {
    let mut server = Server::new("database", env!("CARGO_PKG_VERSION"))
        .title("Database")
        .description("SQL over named databases")
        .instructions(instructions(&databases));
    for tool in tools::all(&databases) {
        server = server.tool(tool);
    }
    for resource in resources::all(&databases) {
        server = server.resource(resource);
    }
    for prompt in prompts::all(&databases) {
        server = server.prompt(prompt);
    }
    for (name, engine) in databases.iter() {
        let name = format!("database {name}");
        server = server.probe(Arc::new(DatabaseProbe { name, engine: Arc::clone(engine) }));
    }
    server.state(databases)
}

/// What a model has to know before its first call.
fn instructions(databases: &Databases) -> String {
    let mut text = String::from(
        "Call list_tables first, then describe_table for the tables you need, then execute_query with one SELECT in the \
         dialect of the database. Put values into params, not into the text of the query.",
    );
    text.push_str(match databases.iter().any(|(_, engine)| engine.writer().is_some()) {
        true => " Rows are changed by execute_write alone, after a person agreed.",
        false => " Nothing can be changed.",
    });
    let mut named = databases.iter();
    if let (Some((_, engine)), None) = (named.next(), named.next()) {
        text.push_str(" The dialect is that of ");
        text.push_str(engine.dialect().name());
        text.push('.');
    } else {
        text.push_str(" list_databases names the databases and their dialects.");
    }
    text
}
