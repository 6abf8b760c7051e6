//! `[servers.<name>.tools.<tool>]`: what surrounds one tool, in place of what its author declared.
//!
//! Names of tools are looked up when the server is built, which is where they are known: one that is none stops the start.

use std::{collections::BTreeMap, time::Duration};

use wharf::{Rate, ToolOverrides};

use crate::config::{
    field::{Optional, Section, Setting},
    kind::{BOOLEAN, COUNT, DURATION, DURATION_OR_ZERO},
    limits::BUDGET,
    rate_limits::RATE,
    reader::Reader,
};

pub(in crate::config) const SECTION: Section = Section {
    path: "servers.<name>.tools.<tool>",
    kind: None,
    text: "What surrounds one tool, in place of what its author declared: none leaves that as it is. A name that is no tool of the server stops the start. A tool is left out of a server with `disabled = true`.",
    fields: &[
        &DISABLED,
        &TIMEOUT,
        &RATE_OF_ALL,
        &RATE_PER_CALLER,
        &CONCURRENCY,
        &RESPONSE_BUDGET,
        &CACHE_TTL,
    ],
    below: &[],
};

static DISABLED: Setting<bool> = Setting {
    key: "disabled",
    kind: BOOLEAN,
    default: "false",
    text: "Leaves the tool out: no list has it, and nobody can call it.",
};
static TIMEOUT: Optional<Duration> =
    Optional { key: "timeout", kind: DURATION, text: "Longest time that one call may take." };
static RATE_OF_ALL: Optional<Option<Rate>> = Optional {
    key: "rate",
    kind: RATE,
    text: "Calls by all callers together: a number per `/s`, `/m`, `/h` or `/d`, or `off`.",
};
static RATE_PER_CALLER: Optional<Option<Rate>> = Optional {
    key: "rate_per_caller",
    kind: RATE,
    text: "Calls by each caller, beside what the server allows it.",
};
static CONCURRENCY: Optional<usize> = Optional {
    key: "concurrency",
    kind: COUNT,
    text: "Calls that run at once; further ones wait in line.",
};
static RESPONSE_BUDGET: Optional<usize> = Optional {
    key: "response_budget",
    kind: BUDGET,
    text: "Most that one call answers with; at least 4KiB.",
};
static CACHE_TTL: Optional<Duration> = Optional {
    key: "cache_ttl",
    kind: DURATION_OR_ZERO,
    text: "How long its results are kept and given again; `0s` keeps none. Only for a tool whose author lets results be kept, since nobody else knows whether two calls may have one answer.",
};

/// The changes by the name of their tool.
pub(super) fn read(server: &mut Reader<'_, '_>) -> BTreeMap<String, ToolOverrides> {
    // Which names are tools is known when the server is built.
    let any_name = |_: &str| Ok(());
    server.each_below(&SECTION, any_name, |_, tool| Some(overrides(tool))).into_iter().collect()
}

fn overrides(section: &mut Reader<'_, '_>) -> ToolOverrides {
    let mut overrides = ToolOverrides::default();
    overrides.disabled = section.read(&DISABLED);
    overrides.timeout = section.read(&TIMEOUT);
    overrides.rate = section.read(&RATE_OF_ALL);
    overrides.rate_per_caller = section.read(&RATE_PER_CALLER);
    overrides.concurrency = section.read(&CONCURRENCY);
    overrides.response_bytes = section.read(&RESPONSE_BUDGET);
    overrides.cache_ttl = section.read(&CACHE_TTL);
    overrides
}
