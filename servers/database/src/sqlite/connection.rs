//! Opens one connection behind both boundaries and with SQLite's own limits set.
//!
//! The session boundary is set first, the authorizer last, because setting up needs pragmas that the authorizer
//! refuses to everybody.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::authorizer::{self, Refusals};
use super::hidden::Hidden;
use super::settings::{Source, SqliteSettings};
use super::watch::{STEPS_PER_TICK, Watch};
use super::{failure, functions, linear, sample};
use crate::error::DatabaseError;
use std::sync::Arc;

/// Which boundaries stand. Outside tests both always do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boundaries {
    pub(super) session: bool,
    pub(super) authorizer: bool,
}

impl Boundaries {
    pub(super) const BOTH: Self = Self { session: true, authorizer: true };
}

/// A connection that can only read.
pub(super) struct ReadConnection {
    pub(super) sqlite: Connection,
    pub(super) refusals: Refusals,
    pub(super) boundaries: Boundaries,
    /// Whether a statement ran that could have changed the session; such a connection serves nobody else.
    pub(super) spent: bool,
    /// Whether columns are hidden.
    pub(super) hides: bool,
}

impl ReadConnection {
    /// Opens the database.
    pub(super) fn open(
        settings: &SqliteSettings,
        boundaries: Boundaries,
    ) -> Result<Self, DatabaseError> {
        let sqlite = match &settings.source {
            Source::Sample => open_sample()?,
            Source::File(path) => {
                open_file(path, boundaries).map_err(|error| failure::of_opening(&error))?
            }
        };
        let refusals = Refusals::default();
        let hides = !settings.hidden_columns.is_empty();
        let mut connection = Self { sqlite, refusals, boundaries, spent: false, hides };
        connection.set_up(settings).map_err(|error| failure::of_opening(&error))?;
        let hidden = Hidden::of(&connection.sqlite, &settings.hidden_columns)?;
        if connection.boundaries.authorizer {
            let authorizer = authorizer::authorizer(connection.refusals.clone(), hidden);
            let set = connection.sqlite.authorizer(Some(authorizer));
            set.map_err(|error| failure::of_opening(&error))?;
        }
        Ok(connection)
    }

    fn set_up(&mut self, settings: &SqliteSettings) -> rusqlite::Result<()> {
        self.sqlite.busy_timeout(settings.busy_timeout)?;
        functions::add(&self.sqlite)?;
        set_limits(&self.sqlite, settings)?;
        linear::replace_slow_functions(&self.sqlite)?;
        // Sorting stays in memory, where the heap limit holds it, and never reaches the disk. The heap limit is the
        // process's own, and SQLite only ever lowers it.
        self.sqlite.execute_batch(&format!(
            "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON; \
             PRAGMA hard_heap_limit = {};",
            settings.limits.max_memory_bytes
        ))?;
        if self.boundaries.session {
            close_session(&self.sqlite)?;
        }
        // Reading the schema here shows a file that is no database when it is opened, not at the first query.
        self.connect_virtual_tables()
    }

    /// Lets virtual tables make their own statements while the authorizer is not there yet.
    ///
    /// An R-tree prepares the statements that would write to it as soon as it is connected, even for a query, and
    /// the authorizer would refuse it. The modules are SQLite's own; none of these statements is run here.
    fn connect_virtual_tables(&self) -> rusqlite::Result<()> {
        let mut tables = self.sqlite.prepare(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'",
        )?;
        let names = tables.query_map([], |row| row.get::<_, String>(0))?;
        for name in names {
            let sql = format!("SELECT * FROM main.{} LIMIT 0", quote_name(&name?));
            // A table whose module is missing is reported when somebody asks for it.
            let _ = self.sqlite.prepare(&sql);
        }
        Ok(())
    }

    /// Puts the connection under a watch.
    pub(super) fn begin(&mut self, watch: &Arc<Watch>) -> Result<(), DatabaseError> {
        self.refusals.take();
        watch.attach(self.sqlite.get_interrupt_handle());
        let ticking = Arc::clone(watch);
        self.sqlite
            .progress_handler(STEPS_PER_TICK, Some(move || ticking.tick()))
            .map_err(|error| DatabaseError::internal(error.to_string()))
    }

    /// Takes the connection out of the watch; true if it may serve another caller.
    ///
    /// After a refusal of the authorizer it may not: SQLite gives up half-way through compiling and can forget the schema,
    /// and virtual tables can't be connected again once the authorizer stands.
    pub(super) fn end(&mut self, watch: &Watch) -> bool {
        watch.detach();
        let cleared = self.sqlite.progress_handler(0, None::<fn() -> bool>).is_ok();
        let unmarked = !self.spent && !self.refusals.any();
        cleared && unmarked && self.sqlite.is_autocommit() && !self.sqlite.is_busy()
    }

    /// The error of a failed statement: who stopped it, what was refused, or SQLite's own words.
    pub(super) fn error(&self, error: &rusqlite::Error, watch: &Watch) -> DatabaseError {
        let refusal = self.refusals.take();
        // A statement that failed by itself at the moment it was stopped is reported as stopped, which is also true.
        watch.stop_error().or(refusal).unwrap_or_else(|| failure::of_statement(error))
    }
}

/// A name as an SQL identifier, whatever it holds.
pub(super) fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn open_sample() -> Result<Connection, DatabaseError> {
    let image = sample::image()?;
    let open = || {
        let mut connection = Connection::open_in_memory_with_flags(
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        // SQLite marks this image read-only itself; all connections share the same bytes.
        connection.deserialize_bytes(MAIN_DB, image)?;
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| failure::of_opening(&error))
}

fn open_file(path: &Path, boundaries: Boundaries) -> rusqlite::Result<Connection> {
    let mode = if boundaries.session {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    };
    Connection::open_with_flags(plain(path), mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// The bundled SQLite reads names that begin with "file:" as URIs, whose parameters could undo the flags.
pub(super) fn plain(path: &Path) -> PathBuf {
    if path.to_string_lossy().starts_with("file:") {
        Path::new(".").join(path)
    } else {
        path.to_owned()
    }
}

fn close_session(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA query_only = ON;")?;
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
    ] {
        connection.set_db_config(config, on)?;
    }
    // Also VACUUM INTO needs a second database to write to.
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    Ok(())
}

pub(super) fn set_limits(
    connection: &Connection,
    settings: &SqliteSettings,
) -> rusqlite::Result<()> {
    let limits = &settings.limits;
    let clamp = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, clamp(limits.max_value_bytes)),
        // The text of callers is measured before it gets here. SQLite reads the schema and compiles the statements of virtual
        // tables under the same limit: a table with a long definition would make the whole file unreadable.
        (Limit::SQLITE_LIMIT_SQL_LENGTH, clamp(limits.max_value_bytes)),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 1_000),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 200),
        (Limit::SQLITE_LIMIT_VDBE_OP, 1_000_000),
        // One comparison costs at most this times the length of a value, in one step that nothing can interrupt.
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, clamp(limits.max_parameters)),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    Ok(())
}
