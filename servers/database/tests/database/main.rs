//! The database server as its clients meet it: over memory, HTTP and stdio, in both eras.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/arguments.rs"]
mod arguments;

#[path = "../support/rounds.rs"]
mod rounds;

mod analysis;
mod attacks;
mod changes;
mod completions;
mod prompts;
mod queries;
mod resources;
mod transports;
mod writes;

use serde_json::{Value, json};
use tempfile::TempDir;
use wharf::{Server, Service};
use wharf_database::{
    Databases,
    sqlite::{Database, SqliteSettings},
};
use wharf_testkit::{CallOutcome, Client};

/// The sample, with changes to the settings.
fn sample(change: impl FnOnce(&mut SqliteSettings)) -> Server {
    let mut settings = SqliteSettings::sample();
    change(&mut settings);
    server(settings)
}

fn server(settings: SqliteSettings) -> Server {
    wharf_database::server(Databases::one("main", Database::open(settings).unwrap()).unwrap())
}

/// A database file with the fixture of the attack corpora.
struct File {
    directory: TempDir,
    service: Service,
}

impl File {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(include_str!("../corpus/fixture.sql")).unwrap();
        drop(connection);
        let server = server(SqliteSettings::file(path));
        Self { directory, service: server.build().unwrap() }
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.directory.path().join("data.db")).unwrap()
    }
}

async fn query(client: &Client, sql: &str) -> CallOutcome {
    client.call("execute_query", json!({"query": sql})).await
}

async fn rows(client: &Client, arguments: Value) -> Value {
    let outcome = client.call("execute_query", arguments).await;
    outcome.structured::<Value>()["rows"].take()
}
