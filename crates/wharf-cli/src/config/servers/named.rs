//! The servers by name, and the kinds there are.

use std::collections::BTreeMap;

use wharf::ToolOverrides;

use super::{
    calculator,
    database::{self, Database},
    files::{self, Files},
    tools,
};
use crate::config::{
    field::{Required, Section},
    kind::{Kind, choice, no_choice},
    limits::{self, Limits},
    rate_limits::{self, RateLimits},
    reader::{Loading, Reader},
    report::{At, Problem},
};

pub(super) const NAMED: &str = "servers.<name>";
const PARENT: &str = "servers";
const MAX_NAME_BYTES: usize = 32;

/// One server that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) kind: ServerKind,
    /// Its own, with the process's where it has none.
    pub(crate) limits: Limits,
    pub(crate) rate_limits: RateLimits,
    pub(crate) tools: BTreeMap<String, ToolOverrides>,
}

/// What it does, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServerKind {
    Calculator,
    Database(Database),
    Files(Files),
}

/// A kind of servers: a new one is a file and a line in [`KINDS`].
pub(crate) struct Registered {
    pub(in crate::config) name: &'static str,
    pub(in crate::config) section: Section,
    /// The keys of the demo's server of this kind, beside the kind itself.
    pub(in crate::config) demo: fn() -> &'static [(&'static str, &'static str)],
    /// None after a problem has been told.
    read: fn(&mut Reader<'_, '_>) -> Option<ServerKind>,
}

/// All kinds.
pub(in crate::config) const KINDS: &[Registered] = &[
    Registered {
        name: "calculator",
        section: calculator::SECTION,
        demo: || &[],
        read: |_| Some(ServerKind::Calculator),
    },
    Registered {
        name: "database",
        section: database::SECTION,
        demo: || &[("sample", "true")],
        read: |section| Database::read(section).map(ServerKind::Database),
    },
    Registered {
        name: "files",
        section: files::SECTION,
        demo: || if files::is_this_project() { &[("roots", "docs=docs")] } else { &[] },
        read: |section| Files::read(section).map(ServerKind::Files),
    },
];

pub(super) static KIND: Required<&'static Registered> =
    Required { key: "kind", kind: KIND_NAMES, text: "What the server does." };

const KIND_NAMES: Kind<&'static Registered> =
    choice(&["calculator", "database", "files"], |facts, text, _| {
        KINDS.iter().find(|kind| kind.name == text).ok_or_else(|| no_choice(facts, text))
    });

/// The sections below that of a server, whatever its kind.
pub(in crate::config) const OF_EACH: [(&str, Section); 3] = [
    ("limits", limits::OF_SERVER),
    ("rate_limits", rate_limits::OF_SERVER),
    ("tools", tools::SECTION),
];

/// Before the kind is known: nothing but the kind.
const UNKNOWN: Section =
    Section { path: NAMED, kind: None, text: "", fields: &[&KIND], below: &[] };

/// The servers in the order of their names; without any, those of the demo.
pub(in crate::config) fn read(
    loading: &mut Loading<'_>,
    limits: &Limits,
    outer_rates: &RateLimits,
) -> Vec<Server> {
    let found = loading.named(PARENT);
    if found.is_empty() {
        return demo(limits, outer_rates);
    }
    let mut servers = Vec::with_capacity(found.len());
    for (name, (table, origin)) in found {
        let path = format!("{PARENT}.{name}");
        if !is_name(&name) {
            loading.problems.push(bad_name(&name, origin));
            loading.environment.rest_below(&path, &[]);
            continue;
        }
        let kind = Reader::peek(loading, UNKNOWN, path.clone(), table, origin.clone()).read(&KIND);
        let Some(kind) = kind else {
            loading.environment.rest_below(&path, &[]);
            continue;
        };
        let inner = OF_EACH.map(|(name, _)| name);
        let mut section = Reader::around(loading, kind.section, path, table, origin, &inner);
        let kind = (kind.read)(&mut section);
        let limits = Limits::read(section.inner(limits::OF_SERVER), Some(limits));
        let rate_limits = section.inner(rate_limits::OF_SERVER);
        let rate_limits = RateLimits::read(rate_limits, Some(outer_rates));
        let tools = tools::read(&mut section);
        if let Some(kind) = kind {
            servers.push(Server { name, kind, limits, rate_limits, tools });
        }
    }
    servers
}

fn demo(limits: &Limits, rate_limits: &RateLimits) -> Vec<Server> {
    let server = |name: &str, kind| Server {
        name: name.to_owned(),
        kind,
        limits: limits.clone(),
        rate_limits: rate_limits.clone(),
        tools: BTreeMap::new(),
    };
    let mut servers = vec![
        server("calculator", ServerKind::Calculator),
        server("database", ServerKind::Database(Database::sample())),
    ];
    servers.extend(Files::of_this_project().map(|files| server("files", ServerKind::Files(files))));
    servers
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn bad_name(name: &str, at: At) -> Problem {
    let shown: String = name.chars().take(2 * MAX_NAME_BYTES).collect();
    Problem::new(at, format!("invalid server name {shown:?}"))
        .label(format!("expected 1 to {MAX_NAME_BYTES} of a-z, 0-9 and -"))
}
