//! `kind = "database"`: read-only queries on one database or on several.
//!
//! The keys of one database are the same whether it is the only one, in the section of the server, or one of several, each in
//! a section of its own.

mod kinds;

use std::{path::PathBuf, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use wharf_database::promises::ColumnName;

use self::kinds::{
    CELL_SIZE, COLUMN, CONNECTIONS, DATABASE_NAME, DATABASE_URL, FUNCTION, QUERY_TIME, RESULT_SIZE,
    ROWS, SESSION_SETTING, STATEMENTS, TABLE, WAITING, named,
};
use super::named::{KIND, NAMED};
use crate::config::{
    field::{Describe, List, Optional, Section, Setting},
    kind::{BOOLEAN, COUNT_OR_ZERO, DURATION, PATH},
    reader::Reader,
    report::did_you_mean,
};

/// The databases of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Database {
    /// Never empty, in the order of their names.
    pub(crate) databases: Vec<(String, OneDatabase)>,
    /// The one for callers who name none.
    pub(crate) default: Option<String>,
}

/// One database and its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OneDatabase {
    pub(crate) source: DatabaseSource,
    pub(crate) row_limit: usize,
    pub(crate) timeout: Duration,
    pub(crate) result_bytes: usize,
    pub(crate) cell_bytes: usize,
    pub(crate) min_connections: usize,
    pub(crate) max_connections: usize,
    pub(crate) idle_lifetime: Duration,
    pub(crate) acquire_timeout: Duration,
    pub(crate) max_waiting: usize,
    pub(crate) statement_cache: usize,
    pub(crate) ca_file: Option<PathBuf>,
    /// Names and values.
    pub(crate) session: Vec<(String, String)>,
    pub(crate) allow_functions: Vec<String>,
    pub(crate) writes: bool,
    pub(crate) notify: bool,
    pub(crate) hidden_columns: Vec<ColumnName>,
    pub(crate) row_security: Vec<String>,
}

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatabaseSource {
    /// A file of SQLite.
    Path(PathBuf),
    /// The built-in sample, in memory.
    Sample,
    /// A PostgreSQL server.
    Postgres(DatabaseUrl),
    /// A MySQL or MariaDB server.
    Mysql(DatabaseUrl),
}

/// The address of a database server, with a password in it.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseUrl(pub(crate) SecretString);

impl PartialEq for DatabaseUrl {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for DatabaseUrl {}

pub(super) const SECTION: Section = Section {
    path: NAMED,
    kind: Some("database"),
    text: "With `kind = \"database\"`: answers read-only queries on a database. One of `url`, `path` and `sample = true` is required, or a section per database below.",
    fields: &[
        &KIND,
        &URL,
        &PATH_OF_FILE,
        &SAMPLE,
        &DEFAULT_DATABASE,
        &ROW_LIMIT,
        &TIMEOUT,
        &RESULT_LIMIT,
        &CELL_LIMIT,
        &MIN_CONNECTIONS,
        &MAX_CONNECTIONS_KEY,
        &IDLE_LIFETIME,
        &ACQUIRE_TIMEOUT,
        &MAX_WAITING,
        &STATEMENT_CACHE,
        &CA_FILE,
        &SESSION,
        &ALLOW_FUNCTIONS,
        &WRITES,
        &NOTIFY,
        &HIDDEN_COLUMNS,
        &ROW_SECURITY,
    ],
    below: &[&ONE],
};

const ONE: Section = Section {
    path: "servers.<name>.databases.<database>",
    kind: None,
    text: "One of several databases of a server of `kind = \"database\"`. Callers choose it by its name, which has 1 to 64 of a-z, 0-9, `_` and `-`. One of `url`, `path` and `sample = true` is required.",
    fields: &[
        &URL,
        &PATH_OF_FILE,
        &SAMPLE,
        &ROW_LIMIT,
        &TIMEOUT,
        &RESULT_LIMIT,
        &CELL_LIMIT,
        &MIN_CONNECTIONS,
        &MAX_CONNECTIONS_KEY,
        &IDLE_LIFETIME,
        &ACQUIRE_TIMEOUT,
        &MAX_WAITING,
        &STATEMENT_CACHE,
        &CA_FILE,
        &SESSION,
        &ALLOW_FUNCTIONS,
        &WRITES,
        &NOTIFY,
        &HIDDEN_COLUMNS,
        &ROW_SECURITY,
    ],
    below: &[],
};

static URL: Optional<DatabaseSource> = Optional {
    key: "url",
    kind: DATABASE_URL,
    text: "Address of a database server: `postgres://USER:PASSWORD@HOST:PORT/DATABASE` or `mysql://…`. `sslmode` behind `?` is `verify-full` unless the host is this machine; `prefer`, `disable` and, for PostgreSQL, `verify-ca` weaken it; `require` verifies too.",
};
static PATH_OF_FILE: Optional<PathBuf> =
    Optional { key: "path", kind: PATH, text: "File of an SQLite database." };
static SAMPLE: Setting<bool> = Setting {
    key: "sample",
    kind: BOOLEAN,
    default: "false",
    text: "Serves the built-in sample data instead of a database of your own.",
};
static DEFAULT_DATABASE: Optional<String> = Optional {
    key: "default_database",
    kind: DATABASE_NAME,
    text: "Which of several databases is asked when a caller names none; without it, callers have to name one.",
};
static ROW_LIMIT: Setting<usize> = Setting {
    key: "row_limit",
    kind: ROWS,
    default: "10000",
    text: "Most rows that one query may ask for. One that asks for no number gets 100 at most.",
};
static TIMEOUT: Setting<Duration> = Setting {
    key: "timeout",
    kind: QUERY_TIME,
    default: "300s",
    text: "Longest time that one query may ask for. One that asks for none gets 10 seconds at most.",
};
static RESULT_LIMIT: Setting<usize> = Setting {
    key: "result_limit",
    kind: RESULT_SIZE,
    default: "480KiB",
    text: "Most bytes of the rows of one answer, as JSON, from 1KiB to 64MiB. They are sent as text and as structured content, so that twice as many count against `response_budget`.",
};
static CELL_LIMIT: Setting<usize> = Setting {
    key: "cell_limit",
    kind: CELL_SIZE,
    default: "64KiB",
    text: "Most bytes of one value in an answer, from 16B to `result_limit`. A longer one is cut and marked.",
};
static MIN_CONNECTIONS: Setting<usize> = Setting {
    key: "min_connections",
    kind: COUNT_OR_ZERO,
    default: "0",
    text: "Connections that stay open when nobody needs them.",
};
static MAX_CONNECTIONS_KEY: Setting<usize> = Setting {
    key: "max_connections",
    kind: CONNECTIONS,
    default: "4",
    text: "Connections at once; each runs one query.",
};
static IDLE_LIFETIME: Setting<Duration> = Setting {
    key: "idle_lifetime",
    kind: DURATION,
    default: "5m",
    text: "How long a connection beyond `min_connections` stays open unused.",
};
static ACQUIRE_TIMEOUT: Setting<Duration> = Setting {
    key: "acquire_timeout",
    kind: DURATION,
    default: "5s",
    text: "How long a query waits for a connection.",
};
static MAX_WAITING: Setting<usize> = Setting {
    key: "max_waiting",
    kind: WAITING,
    default: "256",
    text: "Queries that may wait for a connection at once, at most 10000; one more is refused as busy. 0 lets none wait.",
};
static STATEMENT_CACHE: Setting<usize> = Setting {
    key: "statement_cache",
    kind: STATEMENTS,
    default: "64",
    text: "PostgreSQL only: statements that each connection keeps prepared, so that a query that is asked again takes one round trip; 0 for none.",
};
static CA_FILE: Optional<PathBuf> = Optional {
    key: "ca_file",
    kind: PATH,
    text: "Certificates (PEM) of the authorities that may vouch for the database server, in place of the system's.",
};
static SESSION: List<(String, String)> = List {
    key: "session",
    kind: SESSION_SETTING,
    text: "Settings of each connection, such as `work_mem=64MB` or `search_path=sales`. Not for SQLite.",
};
static ALLOW_FUNCTIONS: List<String> = List {
    key: "allow_functions",
    kind: FUNCTION,
    text: "Functions that queries may call although they are volatile or unknown, as `schema.name`. What they do is up to you.",
};

static WRITES: Setting<bool> = Setting {
    key: "writes",
    kind: BOOLEAN,
    default: "false",
    text: "Adds `execute_write`: one INSERT, UPDATE or DELETE at a time, by callers with the scope `database:write`, after a person was shown the statement and the number of rows and agreed.",
};

static NOTIFY: Setting<bool> = Setting {
    key: "notify",
    kind: BOOLEAN,
    default: "false",
    text: "PostgreSQL only: tells clients that subscribed to a row when it changes, on one more connection that listens. The tables need the trigger of `notify_row_changes.sql`. Not for SQLite.",
};

static HIDDEN_COLUMNS: List<ColumnName> = List {
    key: "hidden_columns",
    kind: COLUMN,
    text: "Columns that nobody reads, as `table.column` or `schema.table.column`. SQLite hides them; elsewhere the role must have no right to SELECT them. Nothing is answered while one can be read.",
};
static ROW_SECURITY: List<String> = List {
    key: "row_security",
    kind: TABLE,
    text: "PostgreSQL only: tables whose rows are filtered by row level security, as `table` or `schema.table`. Nothing is answered while none is in force for the role.",
};

impl Database {
    /// The server of the demo: the sample, with the defaults.
    pub(super) fn sample() -> Self {
        let sample = OneDatabase {
            source: DatabaseSource::Sample,
            row_limit: ROW_LIMIT.default_value(),
            timeout: TIMEOUT.default_value(),
            result_bytes: RESULT_LIMIT.default_value(),
            cell_bytes: CELL_LIMIT.default_value(),
            min_connections: MIN_CONNECTIONS.default_value(),
            max_connections: MAX_CONNECTIONS_KEY.default_value(),
            idle_lifetime: IDLE_LIFETIME.default_value(),
            acquire_timeout: ACQUIRE_TIMEOUT.default_value(),
            max_waiting: MAX_WAITING.default_value(),
            statement_cache: STATEMENT_CACHE.default_value(),
            ca_file: None,
            session: Vec::new(),
            allow_functions: Vec::new(),
            writes: WRITES.default_value(),
            notify: NOTIFY.default_value(),
            hidden_columns: Vec::new(),
            row_security: Vec::new(),
        };
        Self { databases: vec![("sample".to_owned(), sample)], default: None }
    }

    pub(super) fn read(section: &mut Reader<'_, '_>) -> Option<Self> {
        let several = section.each_below(&ONE, named, |_, reader| OneDatabase::read(reader));
        let has_several = section.has_below(&ONE);
        let default = section.read(&DEFAULT_DATABASE);
        if !has_several {
            // Read in any case, so that every problem is told at once.
            let one = OneDatabase::read(section)?;
            let name = match one.source {
                DatabaseSource::Sample => "sample",
                _ => "main",
            };
            let databases = vec![(name.to_owned(), one)];
            return Self { databases, default }.checked(section);
        }
        for field in ONE.fields {
            if !section.has(*field) {
                continue;
            }
            let title = format!("`{}` belongs to one of the databases", section.name(*field));
            let problem = section.problem(*field, title);
            section.push(
                problem.label("move it into the section of the database that it is meant for"),
            );
        }
        Self { databases: several, default }.checked(section)
    }

    /// The default must be one of the databases.
    fn checked(self, section: &mut Reader<'_, '_>) -> Option<Self> {
        let names = || self.databases.iter().map(|(name, _)| name.as_str());
        match &self.default {
            Some(default) if !names().any(|name| name == default) => {
                let title = format!("`{}` names no database", section.name(&DEFAULT_DATABASE));
                let problem = section.problem(&DEFAULT_DATABASE, title);
                let all: Vec<&str> = names().collect();
                let hint = did_you_mean(default, names())
                    .unwrap_or_else(|| format!("there are: {}", all.join(", ")));
                section.push(problem.label(hint));
                None
            }
            _ => Some(self),
        }
    }
}

impl OneDatabase {
    fn read(section: &mut Reader<'_, '_>) -> Option<Self> {
        let one = Self {
            source: DatabaseSource::Sample,
            row_limit: section.read(&ROW_LIMIT),
            timeout: section.read(&TIMEOUT),
            result_bytes: section.read(&RESULT_LIMIT),
            cell_bytes: section.read(&CELL_LIMIT),
            min_connections: section.read(&MIN_CONNECTIONS),
            max_connections: section.read(&MAX_CONNECTIONS_KEY),
            idle_lifetime: section.read(&IDLE_LIFETIME),
            acquire_timeout: section.read(&ACQUIRE_TIMEOUT),
            max_waiting: section.read(&MAX_WAITING),
            statement_cache: section.read(&STATEMENT_CACHE),
            ca_file: section.read(&CA_FILE),
            session: section.read(&SESSION),
            allow_functions: section.read(&ALLOW_FUNCTIONS),
            writes: section.read(&WRITES),
            notify: section.read(&NOTIFY),
            hidden_columns: section.read(&HIDDEN_COLUMNS),
            row_security: section.read(&ROW_SECURITY),
        };
        if one.min_connections > one.max_connections {
            let title = format!("`{}` is too large", section.name(&MIN_CONNECTIONS));
            let problem = section.problem(&MIN_CONNECTIONS, title);
            section.push(problem.label("expected at most `max_connections`"));
        }
        // The default of one fits into whatever is written for the other.
        if section.is_set(&CELL_LIMIT) && one.cell_bytes > one.result_bytes {
            let title = format!("`{}` is too large", section.name(&CELL_LIMIT));
            let problem = section.problem(&CELL_LIMIT, title);
            section.push(problem.label("expected at most `result_limit`"));
        }
        let source = source(section)?;
        if matches!(source, DatabaseSource::Mysql(_)) {
            refuse_of_mysql(section, &one);
        }
        if matches!(source, DatabaseSource::Path(_) | DatabaseSource::Sample) {
            refuse_without_server(section);
        }
        if source == DatabaseSource::Sample && one.writes {
            let title = format!("`{}` contradicts `sample`", section.name(&WRITES));
            let problem = section.problem(&WRITES, title);
            section.push(
                problem
                    .label("the sample can't be changed: remove this, or name a file with `path`"),
            );
        }
        Some(Self { source, ..one })
    }
}

/// What only a database server has. Silence would let an operator believe that it is in force.
fn refuse_without_server(section: &mut Reader<'_, '_>) {
    let fields: [&dyn Describe; 5] = [&CA_FILE, &SESSION, &ALLOW_FUNCTIONS, &NOTIFY, &ROW_SECURITY];
    for field in fields {
        if !section.is_set(field) {
            continue;
        }
        let title = format!("`{}` needs `url`", section.name(field));
        let problem = section.problem(field, title);
        section.push(problem.label("remove this: SQLite has no such thing"));
    }
}

/// What only PostgreSQL has.
fn refuse_of_mysql(section: &mut Reader<'_, '_>, one: &OneDatabase) {
    let fields: [(&dyn Describe, bool, &str); 2] = [
        (&NOTIFY, one.notify, "remove this: MySQL tells of no changes"),
        (&ROW_SECURITY, !one.row_security.is_empty(), "remove this: MySQL has no such thing"),
    ];
    for (field, wanted, advice) in fields {
        if wanted {
            let title = format!("`{}` needs another database than MySQL", section.name(field));
            let problem = section.problem(field, title);
            section.push(problem.label(advice));
        }
    }
}

/// Exactly one of the three: with two, nobody could tell whose rows are served.
fn source(section: &mut Reader<'_, '_>) -> Option<DatabaseSource> {
    let (url, path) = (section.read(&URL), section.read(&PATH_OF_FILE));
    let sample = section.read(&SAMPLE);
    match (section.is_set(&URL), section.is_set(&PATH_OF_FILE), sample) {
        (true, false, false) => url,
        (false, true, false) => path.map(DatabaseSource::Path),
        (false, false, true) => Some(DatabaseSource::Sample),
        (true, true, false) => contradiction(section, &URL, "path"),
        (false, true, true) => contradiction(section, &SAMPLE, "path"),
        (true, _, true) => contradiction(section, &SAMPLE, "url"),
        (false, false, false) => {
            let title = format!("`{}` is missing", section.name(&PATH_OF_FILE));
            let problem = section.problem(&PATH_OF_FILE, title);
            section.push(
                problem.label("add `url = \"postgres://…\"`, `path = \"FILE\"` or `sample = true`"),
            );
            None
        }
    }
}

fn contradiction(
    section: &mut Reader<'_, '_>,
    field: &dyn Describe,
    other: &str,
) -> Option<DatabaseSource> {
    let title = format!("`{}` contradicts `{other}`", section.name(field));
    let problem = section.problem(field, title);
    section.push(problem.label(format!("remove this or `{other}`")));
    None
}
