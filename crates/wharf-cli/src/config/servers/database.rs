//! `kind = "database"`: read-only queries on one SQLite database.

use std::{path::PathBuf, time::Duration};

use wharf_database::limits::{MAX_ROW_LIMIT, MAX_TIMEOUT};

use super::named::{KIND, NAMED};
use crate::config::{
    field::{Optional, Section, Setting},
    kind::{BOOLEAN, COUNT, DURATION, Facts, Kind, PATH},
    reader::Reader,
};

/// One database and its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Database {
    pub(crate) source: DatabaseSource,
    pub(crate) row_limit: usize,
    pub(crate) timeout: Duration,
}

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatabaseSource {
    /// A file.
    Path(PathBuf),
    /// The built-in sample, in memory.
    Sample,
}

pub(super) const SECTION: Section = Section {
    path: NAMED,
    kind: Some("database"),
    text: "With `kind = \"database\"`: answers read-only queries on one SQLite database. Either `path` or `sample = true` is required.",
    fields: &[&KIND, &PATH_OF_FILE, &SAMPLE, &ROW_LIMIT, &TIMEOUT],
};

static PATH_OF_FILE: Optional<PathBuf> =
    Optional { key: "path", kind: PATH, text: "File of the database." };
static SAMPLE: Setting<bool> = Setting {
    key: "sample",
    kind: BOOLEAN,
    default: "false",
    text: "Serves the built-in sample data instead of a file.",
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
    default: "30s",
    text: "Longest time that one query may ask for. One that asks for none gets 10 seconds at most.",
};

/// What the database itself accepts, so that a mistake is told at its line.
const ROWS: Kind<usize> = Kind {
    facts: Facts { range: Some((1, MAX_ROW_LIMIT as u64)), ..COUNT.facts },
    parse: COUNT.parse,
};
const QUERY_TIME: Kind<Duration> = Kind {
    facts: DURATION.facts,
    parse: |facts, text, folder| match (DURATION.parse)(facts, text, folder)? {
        time if time > MAX_TIMEOUT => {
            Err(format!("expected at most {} seconds", MAX_TIMEOUT.as_secs()))
        }
        time => Ok(time),
    },
};

impl Database {
    /// The server of the demo: the sample, with the defaults.
    pub(super) fn sample() -> Self {
        Self {
            source: DatabaseSource::Sample,
            row_limit: ROW_LIMIT.default_value(),
            timeout: TIMEOUT.default_value(),
        }
    }

    pub(super) fn read(section: &mut Reader<'_, '_>) -> Option<Self> {
        let (row_limit, timeout) = (section.read(&ROW_LIMIT), section.read(&TIMEOUT));
        Some(Self { source: source(section)?, row_limit, timeout })
    }
}

/// Exactly one of the two: with both, nobody could tell whose rows are served.
fn source(section: &mut Reader<'_, '_>) -> Option<DatabaseSource> {
    let (path, sample) = (section.read(&PATH_OF_FILE), section.read(&SAMPLE));
    match (section.is_set(&PATH_OF_FILE), sample) {
        (true, false) => path.map(DatabaseSource::Path),
        (false, true) => Some(DatabaseSource::Sample),
        (true, true) => {
            let title = format!("`{}` contradicts `path`", section.name(&SAMPLE));
            let problem = section.problem(&SAMPLE, title);
            section.push(problem.label("remove this or `path`"));
            None
        }
        (false, false) => {
            let title = format!("`{}` is missing", section.name(&PATH_OF_FILE));
            let problem = section.problem(&PATH_OF_FILE, title);
            section.push(problem.label("add `path = \"FILE\"` or `sample = true`"));
            None
        }
    }
}
