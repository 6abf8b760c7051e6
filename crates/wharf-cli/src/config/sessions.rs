//! `[sessions]`: clients of revisions up to 2025-11-25, which have sessions over HTTP.

use std::time::Duration;

use super::{
    field::{Section, Setting},
    kind::{BOOLEAN, COUNT, COUNT_OR_ZERO, DURATION, DURATION_OR_ZERO},
    reader::Reader,
};

/// Legacy sessions.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    pub(crate) enabled: bool,
    pub(crate) idle_expiry: Duration,
    pub(crate) max: usize,
    pub(crate) replay_events: usize,
    pub(crate) resume_window: Duration,
}

pub(super) const SECTION: Section = Section {
    path: "sessions",
    kind: None,
    text: "Sessions of clients that speak a revision up to 2025-11-25 over HTTP. Later revisions have none.",
    fields: &[&ENABLED, &IDLE_EXPIRY, &MAX, &REPLAY_EVENTS, &RESUME_WINDOW],
    below: &[],
};

static ENABLED: Setting<bool> = Setting {
    key: "enabled",
    kind: BOOLEAN,
    default: "true",
    text: "Whether `initialize` begins a session. Without sessions these clients are served statelessly and can't be asked anything.",
};
static IDLE_EXPIRY: Setting<Duration> = Setting {
    key: "idle_expiry",
    kind: DURATION,
    default: "10m",
    text: "A session without requests and streams ends after this long.",
};
static MAX: Setting<usize> = Setting {
    key: "max",
    kind: COUNT,
    default: "10000",
    text: "Sessions at once; past it `initialize` gets 503.",
};
static REPLAY_EVENTS: Setting<usize> = Setting {
    key: "replay_events",
    kind: COUNT_OR_ZERO,
    default: "256",
    text: "Events that each stream keeps for a client that comes back.",
};
static RESUME_WINDOW: Setting<Duration> = Setting {
    key: "resume_window",
    kind: DURATION_OR_ZERO,
    default: "60s",
    text: "How long a call whose client has gone waits for it to come back.",
};

impl Sessions {
    pub(super) fn read(mut section: Reader<'_, '_>) -> Self {
        Self {
            enabled: section.read(&ENABLED),
            idle_expiry: section.read(&IDLE_EXPIRY),
            max: section.read(&MAX),
            replay_events: section.read(&REPLAY_EVENTS),
            resume_window: section.read(&RESUME_WINDOW),
        }
    }
}
