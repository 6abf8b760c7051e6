//! Changes rows, where the configuration allows it: one statement, on a connection of its own, behind an authorizer of its own.
//!
//! The connection is opened for each change and serves nothing else, so that the readers stay read-only for good. The
//! authorizer lets INSERT, UPDATE and DELETE on tables through, also those of triggers; the schema, settings, other files and
//! SQLite's own tables stay out of reach.

use std::path::Path;
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::authorizer::{self, Refusals};
use super::connection::{plain, set_limits};
use super::hidden::Hidden;
use super::settings::SqliteSettings;
use super::statement;
use super::watch::{STEPS_PER_TICK, Watch};
use super::{failure, functions, linear, parameters};
use crate::error::DatabaseError;
use crate::write::{self, Touched, WriteRequest};

/// Runs the change, and commits it if it touched exactly what was expected.
pub(super) fn run(
    path: &Path,
    settings: &SqliteSettings,
    request: &WriteRequest,
    expected: Option<Touched>,
    watch: &Arc<Watch>,
) -> Result<Touched, DatabaseError> {
    write::check(request)?;
    statement::check_text(&request.sql, &settings.limits)?;
    statement::check_change(&request.sql)?;
    if !settings.hidden_columns.is_empty() {
        statement::check_joins(&request.sql)?;
    }
    let refusals = Refusals::default();
    let mut sqlite = open(path, settings, watch).map_err(|error| failure::of_opening(&error))?;
    let failed = |error: &rusqlite::Error| {
        watch.stop_error().or_else(|| refusals.take()).unwrap_or_else(|| failure::of_change(error))
    };
    let hidden = Hidden::of(&sqlite, &settings.hidden_columns)?;
    // Whatever ends this function before the commit drops the connection, which rolls back.
    sqlite.execute_batch("BEGIN IMMEDIATE").map_err(|error| failed(&error))?;
    let touched =
        change(&mut sqlite, request, &refusals, hidden, &failed)?.as_expected(expected)?;
    if expected.is_none() {
        return Ok(touched);
    }
    // The last moment at which a stop still means that nothing was done.
    if let Some(stopped) = watch.stop_error() {
        return Err(stopped);
    }
    sqlite.execute_batch("COMMIT").map_err(|error| failed(&error))?;
    Ok(touched)
}

fn open(
    path: &Path,
    settings: &SqliteSettings,
    watch: &Arc<Watch>,
) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut sqlite = Connection::open_with_flags(plain(path), flags)?;
    sqlite.busy_timeout(settings.busy_timeout)?;
    functions::add(&sqlite)?;
    linear::replace_slow_functions(&sqlite)?;
    set_limits(&sqlite, settings)?;
    sqlite.set_limit(Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 100)?;
    sqlite.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    // References hold whoever writes: SQLite leaves them unchecked unless it is told.
    sqlite.execute_batch(
        "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON;",
    )?;
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
    ] {
        sqlite.set_db_config(config, on)?;
    }
    watch.attach(sqlite.get_interrupt_handle());
    let ticking = Arc::clone(watch);
    sqlite.progress_handler(STEPS_PER_TICK, Some(move || ticking.tick()))?;
    Ok(sqlite)
}

/// Runs the one statement while the authorizer stands; the transaction around it is not the caller's.
fn change(
    sqlite: &mut Connection,
    request: &WriteRequest,
    refusals: &Refusals,
    hidden: Hidden,
    failed: &dyn Fn(&rusqlite::Error) -> DatabaseError,
) -> Result<Touched, DatabaseError> {
    let before = sqlite.total_changes();
    sqlite
        .authorizer(Some(authorize(refusals.clone(), hidden)))
        .map_err(|error| DatabaseError::internal(error.to_string()))?;
    let ran = || -> Result<u64, DatabaseError> {
        let mut statement = sqlite.prepare(&request.sql).map_err(|error| failed(&error))?;
        if statement.column_count() > 0 {
            let advice = "leave RETURNING out, and read rows with execute_query";
            return Err(DatabaseError::refused("a change that returns rows", advice));
        }
        parameters::bind(&mut statement, &request.params)?;
        let rows = statement.raw_execute().map_err(|error| failed(&error))?;
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }();
    sqlite
        .authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
        .map_err(|error| DatabaseError::internal(error.to_string()))?;
    let rows = ran?;
    let all = sqlite.total_changes().saturating_sub(before);
    let further = all.saturating_sub(rows);
    Ok(Touched { rows, further_rows: (further > 0).then_some(further) })
}

fn authorize(
    refusals: Refusals,
    hidden: Hidden,
) -> impl for<'r> FnMut(AuthContext<'r>) -> Authorization + Send + 'static {
    move |context| {
        let own =
            |table: &str| table.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("sqlite_"));
        let judged = match context.action {
            AuthAction::Insert { table_name }
            | AuthAction::Update { table_name, .. }
            | AuthAction::Delete { table_name }
                if !own(table_name) =>
            {
                Ok(())
            }
            ref other => authorizer::judge(other, &hidden),
        };
        match judged {
            Ok(()) => Authorization::Allow,
            Err(refusal) => {
                refusals.keep(refusal);
                Authorization::Deny
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promises::ColumnName;
    use crate::request::Parameters;
    use crate::write::MAX_STATEMENT_BYTES;
    use std::time::Duration;

    struct File {
        _folder: tempfile::TempDir,
        settings: SqliteSettings,
        path: std::path::PathBuf,
    }

    fn file() -> File {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        let sqlite = Connection::open(&path).unwrap();
        sqlite
            .execute_batch(
                "CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
                 CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id REFERENCES users ON DELETE CASCADE);
                 CREATE TABLE log(text); CREATE VIRTUAL TABLE notes USING fts5(text);
                 CREATE TRIGGER renamed AFTER UPDATE ON users BEGIN INSERT INTO log VALUES (new.name); END;
                 INSERT INTO users(name) VALUES ('a'), ('b'), ('c');
                 INSERT INTO orders(user_id) VALUES (1), (1), (2); INSERT INTO notes VALUES ('x');",
            )
            .unwrap();
        let settings = SqliteSettings::file(&path);
        File { _folder: folder, settings, path }
    }

    impl File {
        fn preview(&self, sql: &str) -> Result<Touched, DatabaseError> {
            self.run(sql, None)
        }

        fn write(&self, sql: &str, expected: Touched) -> Result<Touched, DatabaseError> {
            self.run(sql, Some(expected))
        }

        fn run(&self, sql: &str, expected: Option<Touched>) -> Result<Touched, DatabaseError> {
            let request = WriteRequest { sql: sql.into(), ..WriteRequest::default() };
            let watch = Watch::new(10_000_000, Duration::from_secs(60));
            run(&self.path, &self.settings, &request, expected, &watch)
        }

        fn digest(&self) -> Vec<String> {
            let sqlite = Connection::open(&self.path).unwrap();
            let mut all = Vec::new();
            for sql in [
                "SELECT sql FROM sqlite_schema ORDER BY name",
                "SELECT id || ' ' || name FROM users",
                "SELECT id || ' ' || user_id FROM orders",
                "SELECT text FROM log",
                "SELECT text FROM notes",
                "SELECT name || seq FROM sqlite_sequence",
            ] {
                let mut statement = sqlite.prepare(sql).unwrap();
                let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0)).unwrap();
                all.extend(rows.map(|row| row.unwrap().unwrap_or_default()));
            }
            all
        }
    }

    fn touched(rows: u64, further: u64) -> Touched {
        Touched { rows, further_rows: (further > 0).then_some(further) }
    }

    #[test]
    fn a_preview_counts_and_changes_nothing() {
        let file = file();
        let before = file.digest();
        for (sql, expected) in [
            ("UPDATE users SET name = 'z' WHERE id < 3", touched(2, 2)),
            ("DELETE FROM users WHERE id = 1", touched(1, 2)),
            ("INSERT INTO users(name) SELECT name FROM users", touched(3, 0)),
            ("WITH x AS (SELECT 1) DELETE FROM orders WHERE id IN x", touched(1, 0)),
            ("REPLACE INTO orders(id, user_id) VALUES (1, 2)", touched(1, 0)),
            ("DELETE FROM users WHERE id = 99", touched(0, 0)),
        ] {
            assert_eq!(file.preview(sql), Ok(expected), "{sql}");
        }
        assert!(file.preview("INSERT INTO notes VALUES ('y')").is_ok());
        assert_eq!(file.digest(), before);
    }

    #[test]
    fn a_change_is_made_only_as_it_was_looked_at() {
        let file = file();
        let before = file.digest();
        let sql = "DELETE FROM users WHERE id = 1";
        let found = touched(1, 2);
        // Other rows, and the same with others behind them.
        for (expected, told) in [
            (
                touched(2, 2),
                "1 row (and 2 more through triggers and references) and not 2 rows (and 2 more",
            ),
            (
                touched(1, 3),
                "1 row (and 2 more through triggers and references) and not 1 row (and 3 more",
            ),
            (touched(1, 0), "1 row (and 2 more through triggers and references) and not 1 row;"),
        ] {
            let changed = file.write(sql, expected).unwrap_err();
            assert_eq!(changed, DatabaseError::Changed { expected, found });
            assert!(changed.to_string().contains(told), "{changed}");
            assert_eq!(file.digest(), before);
        }
        assert_eq!(file.write(sql, touched(1, 2)), Ok(touched(1, 2)));
        let after = file.digest();
        assert!(
            !after.contains(&"1 a".to_owned()) && !after.contains(&"1 1".to_owned()),
            "{after:?}"
        );
        assert!(file.preview("INSERT INTO notes VALUES ('y')").is_ok());
    }

    #[test]
    fn what_is_no_change_of_rows_is_refused_and_leaves_no_trace() {
        let file = file();
        let before = file.digest();
        for sql in [
            "SELECT 1",
            "WITH x AS (SELECT 1) SELECT * FROM x",
            "DROP TABLE users",
            "CREATE TABLE x(a)",
            "CREATE TEMP TABLE x(a)",
            "ALTER TABLE users RENAME TO x",
            "PRAGMA writable_schema = ON",
            "PRAGMA foreign_keys = OFF",
            "ATTACH 'x.db' AS x",
            "VACUUM",
            "VACUUM INTO 'x.db'",
            "REINDEX",
            "ANALYZE",
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            "SAVEPOINT x",
            "DELETE FROM users; DELETE FROM orders",
            "DELETE FROM users; COMMIT",
            "DELETE FROM sqlite_sequence",
            "UPDATE sqlite_sequence SET seq = 0",
            "DELETE FROM sqlite_schema",
            "UPDATE sqlite_master SET sql = ''",
            "INSERT INTO users(name) VALUES (load_extension('x'))",
            "DELETE FROM users RETURNING *",
            "EXPLAIN DELETE FROM users",
            "-- nothing",
            "",
        ] {
            let refused = file.write(sql, touched(1, 0));
            assert!(refused.is_err(), "{sql}");
            assert!(!matches!(refused, Err(DatabaseError::Internal { .. })), "{sql} {refused:?}");
        }
        assert_eq!(file.digest(), before);
        assert_eq!(std::fs::read_dir(file.path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn hidden_columns_are_not_read_by_changes_either() {
        let mut file = file();
        file.settings.hidden_columns = vec![ColumnName::parse("users.name").unwrap()];
        for sql in [
            "UPDATE orders SET user_id = (SELECT name FROM users)",
            "DELETE FROM users WHERE name = 'a'",
            "INSERT INTO log SELECT name FROM users",
            "INSERT INTO log SELECT 1 FROM users JOIN (SELECT 'a' AS name) USING (name)",
        ] {
            let refused = file.preview(sql);
            assert!(matches!(refused, Err(DatabaseError::Refused { .. })), "{sql} {refused:?}");
        }
        assert!(file.preview("DELETE FROM orders WHERE id = 1").is_ok());
    }

    #[test]
    fn a_failing_change_leaves_nothing_half_done() {
        let file = file();
        let before = file.digest();
        let duplicate = file.write("INSERT INTO orders(id) VALUES (9), (1)", touched(2, 0));
        assert!(matches!(duplicate, Err(DatabaseError::Failed { .. })), "{duplicate:?}");
        let orphan = file.write("INSERT INTO orders(user_id) VALUES (99)", touched(1, 0));
        assert!(matches!(orphan, Err(DatabaseError::Failed { .. })), "{orphan:?}");
        assert_eq!(file.digest(), before);
    }

    #[test]
    fn a_stopped_change_is_rolled_back() {
        let file = file();
        let before = file.digest();
        let endless = "INSERT INTO log WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c";
        let stopped = file.write(endless, touched(1, 0));
        assert!(matches!(stopped, Err(DatabaseError::WorkLimit { .. })), "{stopped:?}");
        assert_eq!(file.digest(), before);
    }

    #[test]
    fn a_writer_that_holds_the_file_is_waited_for_and_then_told() {
        let mut file = file();
        file.settings.busy_timeout = Duration::from_millis(20);
        let mut other = Connection::open(&file.path).unwrap();
        let held =
            other.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).unwrap();
        let busy = file.preview("DELETE FROM log");
        assert!(matches!(busy, Err(DatabaseError::Busy { .. })), "{busy:?}");
        drop(held);
        assert_eq!(file.preview("DELETE FROM log"), Ok(touched(0, 0)));
    }

    #[test]
    fn values_are_bound_and_long_statements_are_refused() {
        let file = file();
        let request = WriteRequest {
            sql: "UPDATE users SET name = ? WHERE id = ?".into(),
            params: Parameters::Positional(vec!["'; DROP TABLE users; --".into(), 1.into()]),
            timeout: None,
        };
        let watch = Watch::new(1_000_000, Duration::from_secs(60));
        let expected = Some(touched(1, 1));
        assert_eq!(run(&file.path, &file.settings, &request, expected, &watch), Ok(touched(1, 1)));
        assert!(file.digest().contains(&"1 '; DROP TABLE users; --".to_owned()));
        let long = format!("DELETE FROM users WHERE name = '{}'", "x".repeat(MAX_STATEMENT_BYTES));
        assert!(matches!(file.preview(&long), Err(DatabaseError::TooLarge { .. })));
    }
}
