//! Files that can't or must not be used.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use rusqlite::Connection;
use wharf::state::StateStore;

use super::{contract::Manual, on_connection, reason};
use crate::sqlite::{OpenError, SqliteLimits, SqliteStore};

fn refused(path: &Path) -> OpenError {
    SqliteStore::open(path, SqliteLimits::default()).map(drop).unwrap_err()
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other");
    let shop = |path: &Path| {
        let script = "CREATE TABLE items(name TEXT); INSERT INTO items VALUES ('rope')";
        Connection::open(path).unwrap().execute_batch(script).unwrap();
    };
    shop(&path);
    let before = fs::read(&path).unwrap();
    assert!(matches!(refused(&path), OpenError::Foreign(_)));
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::write(&path, "a text that is certainly no database, and long enough to be one".repeat(99))
        .unwrap();
    let before = fs::read(&path).unwrap();
    let error = refused(&path).to_string();
    assert!(error.contains("damaged"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    assert!(matches!(refused(folder.path()), OpenError::Engine { .. } | OpenError::File { .. }));
    let missing = folder.path().join("no/such/folder/state.db");
    assert!(matches!(refused(&missing), OpenError::File { .. }));
}

#[test]
fn a_file_of_a_later_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    drop(SqliteStore::open(&path, SqliteLimits::default()).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(refused(&path), OpenError::Newer { found: 2, known: 1, .. }));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_store_is_refused_at_the_start() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let path = folder.path().join("state.db");
    let store = clock.open(&path);
    for n in 0..200_u32 {
        store.put(&n.to_le_bytes(), &[9; 1000], None).await.unwrap();
    }
    store.close().await;
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    let error = refused(&path).to_string();
    assert!(error.contains("damaged") && error.contains("state.db"), "{error}");
    // Cut off in the middle.
    fs::write(&path, &bytes[..middle]).unwrap();
    assert!(refused(&path).to_string().contains("damaged"));
}

#[tokio::test]
async fn damage_while_it_runs_is_told_and_not_answered_with_guesses() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = clock.open(&folder.path().join("state.db"));
    store.put(b"key", b"x", None).await.unwrap();
    on_connection(&store, |connection| connection.execute_batch("DROP TABLE log")).await.unwrap();
    let bound = wharf::state::LogBound { entries: 1, ttl: Duration::from_secs(1) };
    assert!(reason(store.append(b"log", b"x", bound).await).contains("can't be used"));
    // What does not need the lost part goes on, and the failed transaction has left nothing.
    assert!(store.get(b"key").await.unwrap().is_some());
    let sql = "SELECT count(*) FROM entries";
    let count = on_connection(&store, move |connection| {
        connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    });
    assert_eq!(count.await, 1);
}

#[tokio::test]
async fn a_file_that_becomes_read_only_can_be_read() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = clock.open(&folder.path().join("state.db"));
    store.put(b"key", b"x", None).await.unwrap();
    on_connection(&store, |connection| connection.pragma_update(None, "query_only", true))
        .await
        .unwrap();
    assert!(reason(store.put(b"key", b"y", None).await).contains("can't be written"));
    assert_eq!(store.get(b"key").await.unwrap().as_deref(), Some(&b"x"[..]));
}

#[test]
fn a_read_only_file_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    drop(SqliteStore::open(&path, SqliteLimits::default()).unwrap());
    // Nobody else may read what calls have answered.
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    // The superuser may write anything.
    let may_write = fs::OpenOptions::new().write(true).open(&path).is_ok();
    match SqliteStore::open(&path, SqliteLimits::default()) {
        Ok(_) => assert!(may_write),
        Err(error) => assert!(!may_write && matches!(error, OpenError::ReadOnly(_)), "{error}"),
    }
}

#[tokio::test]
async fn a_file_that_is_held_by_another_is_told_after_a_bounded_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let busy_timeout = Duration::from_millis(50);
    let limits = SqliteLimits { busy_timeout, ..SqliteLimits::default() };
    let store = SqliteStore::open(&path, limits).unwrap();
    store.put(b"key", b"x", None).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let puts = (0..40).map(|_| store.put(b"key", b"y", None));
    for put in futures_util::future::join_all(puts).await {
        assert!(reason(put).contains("another process"));
    }
    // Reading does not wait for who writes.
    assert_eq!(store.get(b"key").await.unwrap().as_deref(), Some(&b"x"[..]));
    other.execute_batch("ROLLBACK").unwrap();
    store.put(b"key", b"z", None).await.unwrap();
}
