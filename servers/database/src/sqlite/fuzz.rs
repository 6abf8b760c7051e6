//! The entry point for the fuzz target of the SQL guard. Not part of the public API.
//!
//! A statement is compiled, never run: behind both boundaries, and behind each of them alone. Whatever one of them lets
//! through must be a statement that only reads, by SQLite's own judgement, and compiling it must have changed nothing.

use std::path::Path;

use super::connection::{Boundaries, ReadConnection};
use super::settings::SqliteSettings;
use super::statement;
use crate::error::DatabaseError;

/// What stands when it is fuzzed.
const SETTINGS: [Boundaries; 3] = [
    Boundaries::BOTH,
    Boundaries { session: true, authorizer: false },
    Boundaries { session: false, authorizer: true },
];

/// One connection behind each set of boundaries.
pub struct Guard {
    settings: SqliteSettings,
    connections: Vec<ReadConnection>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl Guard {
    /// A guard over the database file at `path`.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let settings = SqliteSettings::file(path);
        let open = |boundaries| ReadConnection::open(&settings, boundaries);
        let connections = SETTINGS.into_iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { settings, connections })
    }

    /// Compiles one statement behind each set of boundaries; true if both together let it through.
    ///
    /// # Errors
    /// When a connection can't be opened again.
    ///
    /// # Panics
    /// When something gets through that does not only read.
    pub fn check(&mut self, sql: &str) -> Result<bool, DatabaseError> {
        let mut through = false;
        for (connection, boundaries) in self.connections.iter_mut().zip(SETTINGS) {
            let passed = compile(connection, sql, &self.settings);
            through |= passed && boundaries.session && boundaries.authorizer;
            // A connection that has refused something serves nobody else, here as in the pool.
            if connection.refusals.any() || !connection.sqlite.is_autocommit() {
                *connection = ReadConnection::open(&self.settings, boundaries)?;
            }
        }
        Ok(through)
    }
}

fn compile(connection: &mut ReadConnection, sql: &str, settings: &SqliteSettings) -> bool {
    if statement::check_text(sql, &settings.limits).is_err() {
        return false;
    }
    let shape = statement::check_shape(sql);
    if connection.boundaries.session && shape.is_err() {
        return false;
    }
    let changes = connection.sqlite.total_changes();
    let passed = match connection.sqlite.prepare(sql) {
        Err(_) => false,
        Ok(compiled) => {
            let reads = compiled.readonly();
            // The session asks SQLite itself as well, so there its shape alone may be too kind; the authorizer stands alone.
            assert!(reads || !connection.boundaries.authorizer, "not read-only: {sql:?}");
            reads
        }
    };
    assert_eq!(connection.sqlite.total_changes(), changes, "compiling changed something: {sql:?}");
    passed
}
