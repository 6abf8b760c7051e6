//! `[metrics]`: what the server counts, for Prometheus.

use super::{
    field::{Section, Setting},
    kind::BOOLEAN,
    reader::Reader,
};

/// What is counted.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) enabled: bool,
}

pub(super) const SECTION: Section = Section {
    path: "metrics",
    kind: None,
    text: "What the server counts, for Prometheus and what else reads its formats.",
    fields: &[&ENABLED],
    below: &[],
};

static ENABLED: Setting<bool> = Setting {
    key: "enabled",
    kind: BOOLEAN,
    default: "true",
    text: "Counts calls and serves `/metrics` beside the servers, for callers with the permission `metrics:read` or `admin`.",
};

impl Metrics {
    pub(super) fn read(mut section: Reader<'_, '_>) -> Self {
        Self { enabled: section.read(&ENABLED) }
    }
}
