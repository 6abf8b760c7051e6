//! `[limits]`: what one process takes on at once, and for how long.

use std::time::Duration;

use super::{
    field::{Section, Setting},
    kind::{COUNT, COUNT_OR_ZERO, DURATION, DURATION_OR_ZERO},
    reader::Reader,
};

/// The bounds of the process.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) request_timeout: Duration,
    pub(crate) concurrency: usize,
    pub(crate) queue: usize,
    pub(crate) concurrency_per_connection: usize,
    pub(crate) page_size: usize,
    pub(crate) shutdown_grace: Duration,
}

pub(super) const SECTION: Section = Section {
    path: "limits",
    kind: None,
    text: "What the process takes on at once, and for how long.",
    fields: &[
        &REQUEST_TIMEOUT,
        &CONCURRENCY,
        &QUEUE,
        &CONCURRENCY_PER_CONNECTION,
        &PAGE_SIZE,
        &SHUTDOWN_GRACE,
    ],
};

static REQUEST_TIMEOUT: Setting<Duration> = Setting {
    key: "request_timeout",
    kind: DURATION,
    default: "30s",
    text: "Longest time that one call may take, unless its tool says otherwise.",
};
static CONCURRENCY: Setting<usize> = Setting {
    key: "concurrency",
    kind: COUNT,
    default: "1024",
    text: "Calls that run at once; further ones wait in line.",
};
static QUEUE: Setting<usize> = Setting {
    key: "queue",
    kind: COUNT_OR_ZERO,
    default: "16384",
    text: "Calls that wait in line; further ones are refused with `SERVICE_UNAVAILABLE`.",
};
static CONCURRENCY_PER_CONNECTION: Setting<usize> = Setting {
    key: "concurrency_per_connection",
    kind: COUNT,
    default: "16384",
    text: "Calls of one stdio connection that run or wait; further ones are refused with `SERVICE_UNAVAILABLE`.",
};
static PAGE_SIZE: Setting<usize> = Setting {
    key: "page_size",
    kind: COUNT,
    default: "1000",
    text: "Items on one page of a list.",
};
static SHUTDOWN_GRACE: Setting<Duration> = Setting {
    key: "shutdown_grace",
    kind: DURATION_OR_ZERO,
    default: "10s",
    text: "How long running calls may take to finish when the server stops.",
};

impl Limits {
    pub(super) fn read(mut section: Reader<'_, '_>) -> Self {
        Self {
            request_timeout: section.read(&REQUEST_TIMEOUT),
            concurrency: section.read(&CONCURRENCY),
            queue: section.read(&QUEUE),
            concurrency_per_connection: section.read(&CONCURRENCY_PER_CONNECTION),
            page_size: section.read(&PAGE_SIZE),
            shutdown_grace: section.read(&SHUTDOWN_GRACE),
        }
    }
}
