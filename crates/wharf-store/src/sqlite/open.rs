//! Opens the file, or says why it should not be used: a file that is no store is never changed.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::{SqliteLimits, failure::EngineFailed};

/// `whst`: tells a store from any other database.
const APPLICATION_ID: i32 = 0x7768_7374;
/// Of the tables below; a change needs a step from each earlier version.
const VERSION: i32 = 1;

/// Numbers of `entries.kind` are those of `Kind`. A log's entries are rows of `log`, named by the number that no other
/// entry and no lease ever gets again.
const TABLES: &str = "
CREATE TABLE ledger(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    entries INTEGER NOT NULL, bytes INTEGER NOT NULL, number INTEGER NOT NULL, clock INTEGER NOT NULL
) STRICT;
INSERT INTO ledger VALUES (1, 0, 0, 0, 0);
CREATE TABLE entries(
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL, key BLOB NOT NULL, value BLOB,
    number INTEGER NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL, deadline INTEGER,
    UNIQUE (kind, key)
) STRICT;
CREATE INDEX entries_deadline ON entries(deadline) WHERE deadline IS NOT NULL;
CREATE TABLE log(
    sequence INTEGER PRIMARY KEY, entry INTEGER NOT NULL, value BLOB NOT NULL
) STRICT;
CREATE INDEX log_entry ON log(entry, sequence);
";

/// Why a file can't be the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file can't be made or opened.
    #[error("can't open the state file {path:?}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The engine refuses the file: damaged, locked, on a full disk.
    #[error("can't use the state file {path:?}: {reason}")]
    Engine {
        /// The file.
        path: PathBuf,
        /// What can be done, and the engine's own words.
        reason: String,
    },
    /// The file may be read only.
    #[error("the state file {0:?} can't be written; check its permissions and its folder's")]
    ReadOnly(PathBuf),
    /// The file is another program's database. It was not changed.
    #[error("{0:?} is a database and no state file; name another file")]
    Foreign(PathBuf),
    /// The file was written by a later version. It was not changed.
    #[error(
        "the state file {path:?} has version {found}, and this program knows versions up to {known}; update it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The latest version that is known.
        known: i32,
    },
}

/// The connection, ready for use.
pub(super) fn open(path: &Path, limits: &SqliteLimits) -> Result<Connection, OpenError> {
    create(path).map_err(|source| OpenError::File { path: path.into(), source })?;
    let engine = |error: rusqlite::Error| OpenError::Engine {
        path: path.into(),
        reason: EngineFailed::of(&error).to_string(),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(engine)?;
    connection.busy_timeout(limits.busy_timeout).map_err(engine)?;
    if connection.is_readonly("main").map_err(engine)? {
        return Err(OpenError::ReadOnly(path.into()));
    }
    check_owner(&connection, path, engine)?;
    set_up(&connection, limits).map_err(engine)?;
    create_tables(&mut connection).map_err(engine)?;
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(engine)?;
    if verdict != "ok" {
        let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(engine(rusqlite::Error::SqliteFailure(damaged, Some(verdict))));
    }
    Ok(connection)
}

/// Outcomes of calls are nobody else's business. The engine gives the files beside this one the same permissions.
fn create(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Looks before anything is written.
fn check_owner(
    connection: &Connection,
    path: &Path,
    engine: impl Fn(rusqlite::Error) -> OpenError,
) -> Result<(), OpenError> {
    // One look at all three: half of what another process writes at this moment would look foreign.
    let look = connection.unchecked_transaction().map_err(&engine)?;
    let number = |sql: &str| look.query_row(sql, [], |row| row.get::<_, i32>(0));
    let owner = number("PRAGMA application_id").map_err(&engine)?;
    let found = number("PRAGMA user_version").map_err(&engine)?;
    let tables = number("SELECT count(*) FROM sqlite_schema").map_err(&engine)?;
    look.finish().map_err(&engine)?;
    if owner != APPLICATION_ID && (owner != 0 || found != 0 || tables != 0) {
        return Err(OpenError::Foreign(path.into()));
    }
    if found > VERSION {
        return Err(OpenError::Newer { path: path.into(), found, known: VERSION });
    }
    Ok(())
}

fn set_up(connection: &Connection, limits: &SqliteLimits) -> rusqlite::Result<()> {
    begin_log(connection, limits.busy_timeout)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    let page_bytes: u32 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages =
        (limits.file_bytes / u64::from(page_bytes.max(1))).clamp(1, u64::from(u32::MAX) - 2);
    // The engine answers with the bound that it took.
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Switches to the write-ahead log. The engine does not wait for others who do the same at this moment, so this does.
fn begin_log(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let until = Instant::now() + patience;
    loop {
        let mode: rusqlite::Result<String> =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
        match mode {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < until =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
            Ok(mode) => {
                let failed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
                let said = format!("no write-ahead log on this file system: journal mode {mode}");
                return Err(rusqlite::Error::SqliteFailure(failed, Some(said)));
            }
        }
    }
}

fn create_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let version: i32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version < VERSION {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}
