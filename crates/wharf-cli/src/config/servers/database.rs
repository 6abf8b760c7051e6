//! `kind = "database"`: read-only queries on one SQLite database.

use std::{path::PathBuf, time::Duration};

use super::named::{KIND, NAMED};
use crate::config::{
    field::{Optional, Section, Setting},
    kind::{BOOLEAN, COUNT, DURATION, PATH},
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
static ROW_LIMIT: Setting<usize> =
    Setting { key: "row_limit", kind: COUNT, default: "100", text: "Most rows of one result." };
static TIMEOUT: Setting<Duration> = Setting {
    key: "timeout",
    kind: DURATION,
    default: "10s",
    text: "Longest time that one query may take.",
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
