//! Statements against the guard of the database server: compiled behind both boundaries and behind each alone, never run.

use std::cell::RefCell;

use wharf_database::sqlite::fuzz::Guard;

/// A database file with the tables that statements name.
struct Fixture {
    guard: Guard,
    /// Keeps the file.
    _folder: tempfile::TempDir,
}

const TABLES: &str = include_str!("../../servers/database/tests/corpus/fixture.sql");

#[expect(clippy::expect_used, reason = "without its database the target can't run")]
fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder for the database");
    let path = folder.path().join("data.db");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    connection.execute_batch(TABLES).expect("its tables");
    drop(connection);
    Fixture { guard: Guard::open(&path).expect("the guard"), _folder: folder }
}

/// Runs one statement through the guard.
pub(crate) fn run(data: &[u8]) {
    thread_local! { static FIXTURE: RefCell<Option<Fixture>> = const { RefCell::new(None) }; }
    let Ok(sql) = std::str::from_utf8(data) else { return };
    FIXTURE.with(|fixture| {
        let mut fixture = fixture.borrow_mut();
        let fixture = fixture.get_or_insert_with(self::fixture);
        let outcome = fixture.guard.check(sql);
        assert!(outcome.is_ok(), "{outcome:?}");
    });
}

/// Judges one statement by the guard for MySQL, which asks no server.
pub(crate) fn run_mysql(data: &[u8]) {
    let Ok(sql) = std::str::from_utf8(data) else { return };
    let _ = wharf_database::mysql::fuzz::check(sql);
}
