//! What the command line asks for: one server instead of all, and values for keys.
//!
//! An option is an override like a variable, so it is checked, reported and documented by the same tables of keys.

use toml::de::{DeTable, DeValue};

use super::{
    environment::Environment,
    field::Describe,
    report::{At, Problem, did_you_mean},
    servers::{KINDS, Server},
};

const PARENT: &str = "servers";
/// The name under which messages speak of the server that was asked for.
const SERVER: &str = "--SERVER";

/// What the command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// A configured server, or a kind of server.
    pub(crate) server: Option<String>,
    /// The keys of that server: key and value.
    pub(crate) keys: Vec<(String, String)>,
    /// Keys of sections: path, option and value.
    pub(crate) options: Vec<(&'static str, &'static str, String)>,
}

impl Asked {
    /// Puts the options above the variables. A kind that is not configured under its own name becomes a server.
    pub(super) fn override_keys(&self, root: &DeTable<'_>, environment: &mut Environment) {
        for (path, option, value) in &self.options {
            environment.set((*path).to_owned(), option, value);
        }
        let Some(server) = &self.server else { return };
        let path = format!("{PARENT}.{server}");
        let configured = matches!(
            root.get(PARENT).map(|servers| servers.get_ref()),
            Some(DeValue::Table(servers)) if servers.contains_key(server.as_str())
        );
        let kind = KINDS.iter().find(|kind| kind.name == server);
        if let (false, Some(kind)) = (configured, kind) {
            if self.keys.is_empty() && !environment.overrides_below(&path) {
                for (key, value) in (kind.demo)() {
                    environment.set(format!("{path}.{key}"), SERVER, value);
                }
            }
            environment.set(format!("{path}.kind"), SERVER, kind.name);
        }
        for (key, value) in &self.keys {
            environment.set(format!("{path}.{key}"), &option(key), value);
        }
    }

    /// Leaves the server that was asked for.
    pub(super) fn select(&self, servers: &mut Vec<Server>, problems: &mut Vec<Problem>) {
        let Some(asked) = &self.server else { return };
        let found = servers.iter().any(|server| server.name == *asked);
        // A server with problems is not among them, and its problems say more.
        if !found && problems.is_empty() {
            let mut known: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
            known.extend(KINDS.iter().map(|kind| kind.name));
            known.sort_unstable();
            known.dedup();
            let shown: String = asked.chars().take(64).collect();
            let title = format!("there is no server or kind of server {shown:?}");
            let mut problem = Problem::new(At::Variable(SERVER.to_owned()), title);
            if let Some(hint) = did_you_mean(asked, known.iter().copied()) {
                problem = problem.label(hint);
            }
            problems.push(problem.note(format!("there are: {}", known.join(", "))));
        }
        servers.retain(|server| server.name == *asked);
    }
}

/// `row_limit` as it is typed: `--row-limit`.
fn option(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

/// Everything that a server of any kind can be told on the command line: the key, what it means, and an example.
pub(crate) fn server_options() -> Vec<ServerOption> {
    let mut options: Vec<ServerOption> = Vec::new();
    for kind in KINDS {
        for field in kind.section.fields.iter().filter(|field| field.key() != "kind") {
            match options.iter_mut().find(|option| option.key == field.key()) {
                Some(known) => known.kinds.push(kind.name),
                None => options.push(ServerOption::new(*field, kind.name)),
            }
        }
    }
    options
}

/// One key of a server as an option.
#[derive(Debug)]
pub(crate) struct ServerOption {
    pub(crate) key: &'static str,
    pub(crate) text: &'static str,
    pub(crate) kinds: Vec<&'static str>,
    /// Whether it stands for `true` without a value.
    pub(crate) is_switch: bool,
    /// Whether it may be repeated.
    pub(crate) is_list: bool,
}

impl ServerOption {
    fn new(field: &'static dyn Describe, kind: &'static str) -> Self {
        use super::kind::Written;
        Self {
            key: field.key(),
            text: field.text(),
            kinds: vec![kind],
            is_switch: field.facts().written == Written::Boolean,
            is_list: field.shape().is_list(),
        }
    }
}
