//! The contract, and what only a file promises.

mod bounds;
mod contract;
mod damaged;
mod killed;
mod killed_call;
mod reopened;
mod together;

use std::error::Error as _;

use rusqlite::Connection;
use wharf::state::StateError;

use super::{SqliteStore, job::Message};

/// What the operator reads in the log.
fn reason<T: std::fmt::Debug>(result: Result<T, StateError>) -> String {
    match result {
        Err(error @ StateError::Unavailable { .. }) => {
            // The caller's text names neither file nor engine.
            assert_eq!(error.to_string(), "the state store can't be reached; try again shortly");
            error.source().expect("a source for the log").to_string()
        }
        other => panic!("{other:?} in place of an unavailable store"),
    }
}

/// Does something to the connection itself, between two transactions.
async fn on_connection<T: Send + 'static>(
    store: &SqliteStore,
    act: impl FnOnce(&Connection) -> T + Send + 'static,
) -> T {
    let (reply, answer) = tokio::sync::oneshot::channel();
    let act = Box::new(move |connection: &Connection| drop(reply.send(act(connection))));
    store.queue().unwrap().send(Message::Connection(act)).await.ok().unwrap();
    answer.await.unwrap()
}

/// The ledger must say what the rows say, and the file must be whole.
fn check(connection: &Connection) {
    let verdict: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let pair = |sql: &str| {
        connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
    };
    let ledger = pair("SELECT entries, bytes FROM ledger").unwrap();
    let rows = pair("SELECT count(*), coalesce(sum(bytes), 0) FROM entries").unwrap();
    assert_eq!(ledger, rows, "the ledger differs from the rows");
    let counted =
        "SELECT coalesce(sum(bytes - length(key)), 0), 0 FROM entries WHERE kind IN (3, 4)";
    let held = "SELECT coalesce(sum(length(value) + 32), 0), 0 FROM log WHERE entry IN (SELECT id FROM entries)";
    assert_eq!(pair(counted).unwrap(), pair(held).unwrap(), "a log's bytes differ");
    let orphans = "SELECT count(*), 0 FROM log WHERE entry NOT IN (SELECT id FROM entries)";
    assert_eq!(pair(orphans).unwrap(), (0, 0), "entries without their log");
}
