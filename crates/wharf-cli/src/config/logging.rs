//! `[logging]`: what the server writes to stderr.

use super::{
    field::{Section, Setting},
    kind::{BOOLEAN, Kind, choice, no_choice},
    reader::Reader,
};

/// What is logged, and how.
#[derive(Debug, Clone)]
pub(crate) struct Logging {
    pub(crate) format: LogFormat,
    pub(crate) level: Level,
    pub(crate) expose_internal_errors: bool,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// What is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

pub(super) const SECTION: Section = Section {
    path: "logging",
    kind: None,
    text: "What the server writes to stderr.",
    fields: &[&FORMAT, &LEVEL, &EXPOSE_INTERNAL_ERRORS],
    below: &[],
};

const FORMATS: Kind<LogFormat> = choice(&["text", "json"], |facts, text, _| match text {
    "text" => Ok(LogFormat::Text),
    "json" => Ok(LogFormat::Json),
    _ => Err(no_choice(facts, text)),
});
const LEVELS: Kind<Level> =
    choice(&["error", "warn", "info", "debug", "trace"], |facts, text, _| match text {
        "error" => Ok(Level::Error),
        "warn" => Ok(Level::Warn),
        "info" => Ok(Level::Info),
        "debug" => Ok(Level::Debug),
        "trace" => Ok(Level::Trace),
        _ => Err(no_choice(facts, text)),
    });

static FORMAT: Setting<LogFormat> = Setting {
    key: "format",
    kind: FORMATS,
    default: "text",
    text: "Lines for people, or one JSON object per line for machines.",
};
static LEVEL: Setting<Level> =
    Setting { key: "level", kind: LEVELS, default: "info", text: "The least that is logged." };
static EXPOSE_INTERNAL_ERRORS: Setting<bool> = Setting {
    key: "expose_internal_errors",
    kind: BOOLEAN,
    default: "false",
    text: "Tells callers the internal detail of errors. For development: it may hold paths, queries and addresses.",
};

impl Logging {
    pub(super) fn read(mut section: Reader<'_, '_>) -> Self {
        Self {
            format: section.read(&FORMAT),
            level: section.read(&LEVEL),
            expose_internal_errors: section.read(&EXPOSE_INTERNAL_ERRORS),
        }
    }
}
