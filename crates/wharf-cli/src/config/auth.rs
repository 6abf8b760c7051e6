//! `[auth]`: who may use what.

use std::{path::PathBuf, sync::Arc, time::Duration};

use wharf::Grants;
use wharf_auth::resource::api_key::UnreadableStore;

use super::{
    field::{ListOr, Optional, Section, Setting},
    kind::{COUNT, DURATION, Kind, PATH, PATTERN, choice, no_choice},
    reader::Reader,
};

/// Who may use what.
#[derive(Debug, Clone)]
pub(crate) struct Auth {
    /// None for a server without a key file; keys may still come from the environment.
    pub(crate) keys_file: Option<PathBuf>,
    /// What becomes of the keys when their file can't be read any more.
    pub(crate) keys_failure: UnreadableStore,
    /// What the person who started a stdio server may use.
    pub(crate) local: Arc<Grants>,
    /// What callers of a listener without keys may use.
    pub(crate) anonymous: Arc<Grants>,
    /// Wrong keys from one address.
    pub(crate) failures: usize,
    pub(crate) failure_window: Duration,
}

pub(super) const SECTION: Section = Section {
    path: "auth",
    kind: None,
    text: "Who may use what. Permissions are patterns: `*`, `tools`, `resources`, `prompts`, `admin`, `SERVER:*`, `SERVER:ITEM` with `*` in it for any text, a scope such as `issues:write`; with `!` before it, what a pattern covers is denied. [guides/api-keys.md](guides/api-keys.md) explains them, and the keys.",
    fields: &[
        &KEYS_FILE,
        &KEYS_FAILURE,
        &LOCAL_ALLOW,
        &ANONYMOUS_ALLOW,
        &FAILURES,
        &FAILURE_WINDOW,
    ],
    below: &[],
};

static KEYS_FILE: Optional<PathBuf> = Optional {
    key: "keys_file",
    kind: PATH,
    text: "The file with the API keys, made by `wharf keys new`. With it, or with `MCP_API_KEY` or `MCP_API_KEYS_FILE` in the environment, every HTTP request needs a key, and the server may listen where others can reach it.",
};
static KEYS_FAILURE: Setting<UnreadableStore> = Setting {
    key: "keys_failure",
    kind: UNREADABLE,
    default: "keep",
    text: "What becomes of the keys when their file is gone or damaged while the server runs: those that were read last go on, with errors in the log and `degraded` from `/readyz`, or they are answered with 503.",
};
const UNREADABLE: Kind<UnreadableStore> =
    choice(&["keep", "refuse"], |facts, text, _| match text {
        "keep" => Ok(UnreadableStore::KeepKeys),
        "refuse" => Ok(UnreadableStore::RefuseKeys),
        _ => Err(no_choice(facts, text)),
    });
static LOCAL_ALLOW: ListOr<String> = ListOr {
    key: "local_allow",
    kind: PATTERN,
    default: &["*"],
    text: "What whoever starts a server with `wharf stdio` may use.",
};
static ANONYMOUS_ALLOW: ListOr<String> = ListOr {
    key: "anonymous_allow",
    kind: PATTERN,
    default: &["*"],
    text: "What HTTP callers may use where there are no keys.",
};
static FAILURES: Setting<usize> = Setting {
    key: "failures",
    kind: COUNT,
    default: "10",
    text: "Wrong keys that one address (one IPv6 network of 64 bits) may send within `failure_window`; further ones get 429. A right key is always served.",
};
static FAILURE_WINDOW: Setting<Duration> = Setting {
    key: "failure_window",
    kind: DURATION,
    default: "1m",
    text: "How long wrong keys are counted.",
};

impl Auth {
    pub(super) fn read(mut section: Reader<'_, '_>) -> Self {
        Self {
            keys_file: section.read(&KEYS_FILE),
            keys_failure: section.read(&KEYS_FAILURE),
            local: grants(&mut section, &LOCAL_ALLOW),
            anonymous: grants(&mut section, &ANONYMOUS_ALLOW),
            failures: section.read(&FAILURES),
            failure_window: section.read(&FAILURE_WINDOW),
        }
    }
}

/// The patterns together; each has been looked at, but there may be too many.
fn grants(section: &mut Reader<'_, '_>, field: &ListOr<String>) -> Arc<Grants> {
    let patterns = section.read(field);
    Grants::parse(patterns).map(Arc::new).unwrap_or_else(|error| {
        let title = format!("invalid value for `{}`", section.name(field));
        let problem = section.problem(field, title);
        section.push(problem.label(error.reason()));
        Grants::none()
    })
}
