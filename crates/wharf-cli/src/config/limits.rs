//! `[limits]`: what one process takes on at once, and for how long; and what one server does in place of that.

use std::time::Duration;

use super::{
    field::{Section, Setting},
    kind::{COUNT, COUNT_OR_ZERO, DURATION, DURATION_OR_ZERO, Kind, SIZE},
    reader::Reader,
};

/// The bounds of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) request_timeout: Duration,
    pub(crate) concurrency: usize,
    pub(crate) queue: usize,
    pub(crate) concurrency_per_connection: usize,
    pub(crate) concurrency_per_caller: Option<usize>,
    pub(crate) response_budget: usize,
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
        &CONCURRENCY_PER_CALLER,
        &RESPONSE_BUDGET,
        &PAGE_SIZE,
        &SHUTDOWN_GRACE,
    ],
    below: &[],
};

/// The same for one server: all but what belongs to the process.
pub(super) const OF_SERVER: Section = Section {
    path: "servers.<name>.limits",
    kind: None,
    text: "In place of `[limits]` for one server.",
    fields: &[
        &REQUEST_TIMEOUT,
        &CONCURRENCY,
        &QUEUE,
        &CONCURRENCY_PER_CONNECTION,
        &CONCURRENCY_PER_CALLER,
        &RESPONSE_BUDGET,
        &PAGE_SIZE,
    ],
    below: &[],
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
static CONCURRENCY_PER_CALLER: Setting<usize> = Setting {
    key: "concurrency_per_caller",
    kind: COUNT_OR_ZERO,
    default: "0",
    text: "Calls of one caller that run at once, for each server; further ones wait in line. 0 for as many as `concurrency`.",
};
static RESPONSE_BUDGET: Setting<usize> = Setting {
    key: "response_budget",
    kind: BUDGET,
    default: "1MiB",
    text: "Most that one tool call answers with, unless its tool says otherwise; at least 4KiB. A longer result is cut, says so, and links to pages with the rest, for ten minutes.",
};
/// What the library accepts, so that a mistake is told at its line.
pub(super) const BUDGET: Kind<usize> = Kind {
    facts: SIZE.facts,
    parse: |facts, text, folder| match (SIZE.parse)(facts, text, folder)? {
        0..4096 => Err("expected at least 4KiB".into()),
        bytes => Ok(bytes),
    },
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
    /// `outer` stands in for what is not written.
    pub(super) fn read(mut section: Reader<'_, '_>, outer: Option<&Self>) -> Self {
        // Zero is written for none.
        let per_caller = |limits: &Self| limits.concurrency_per_caller.unwrap_or(0);
        Self {
            request_timeout: section.read_or(&REQUEST_TIMEOUT, outer.map(|o| o.request_timeout)),
            concurrency: section.read_or(&CONCURRENCY, outer.map(|o| o.concurrency)),
            queue: section.read_or(&QUEUE, outer.map(|o| o.queue)),
            concurrency_per_connection: section
                .read_or(&CONCURRENCY_PER_CONNECTION, outer.map(|o| o.concurrency_per_connection)),
            concurrency_per_caller: Some(
                section.read_or(&CONCURRENCY_PER_CALLER, outer.map(per_caller)),
            )
            .filter(|calls| *calls > 0),
            response_budget: section.read_or(&RESPONSE_BUDGET, outer.map(|o| o.response_budget)),
            page_size: section.read_or(&PAGE_SIZE, outer.map(|o| o.page_size)),
            shutdown_grace: section.read_or(&SHUTDOWN_GRACE, outer.map(|o| o.shutdown_grace)),
        }
    }
}
