//! Why what was registered can't be served.

/// Why a server could not be built. Each names what was registered and what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A name that the specification forbids.
    #[error("{what}: the name is not allowed; {rule}")]
    Name {
        /// What was registered.
        what: String,
        /// What a name must be.
        rule: &'static str,
    },
    /// Two items of the same name.
    #[error("{what} is registered twice; give one of them another name")]
    Duplicate {
        /// What was registered.
        what: String,
    },
    /// Two merged servers have an item of the same name.
    #[error("{what} is in {first:?} and in {second:?}; {remedy}")]
    Clash {
        /// What was registered.
        what: String,
        /// The server that registered it first.
        first: String,
        /// The server that registered it too.
        second: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A change names something that is not there.
    #[error("{what} is not registered; it may have been removed already")]
    Unknown {
        /// What was named.
        what: String,
    },
    /// Something is to be changed about a tool that is not there.
    #[error(
        "there is no tool {name:?}{}; the tools are: {known}",
        .near.as_ref().map(|near| format!(", did you mean {near:?}?")).unwrap_or_default()
    )]
    UnknownTool {
        /// What was named.
        name: String,
        /// The name that is most like it.
        near: Option<String>,
        /// The names of the first tools.
        known: String,
    },
    /// Results are to be kept that the tool's author does not let be kept.
    #[error(
        "tool {tool:?}: its results are never kept, so they can't be kept for longer or shorter; leave the time out"
    )]
    NotKept {
        /// The tool.
        tool: String,
    },
    /// Something was added of which clients were told that the server has none.
    #[error(
        "clients were told that there are no {capability} here, so none can be added; build the server with `Server::dynamic()`"
    )]
    Undeclared {
        /// The capability.
        capability: &'static str,
    },
    /// More items than the limit.
    #[error(
        "{count} items are more than the limit of {limit}; register fewer, or raise `Limits::registered`"
    )]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A scope that is none.
    #[error("{what}: {error}")]
    Scope {
        /// What was registered.
        what: String,
        /// What a scope is.
        error: crate::scope::ScopeError,
    },
    /// A JSON Schema that can't be used.
    #[error("{what}: {error}")]
    Schema {
        /// What was registered.
        what: String,
        /// What is wrong with it.
        error: String,
    },
    /// A URI template that can't be used.
    #[error("{what}: {error}")]
    Template {
        /// What was registered.
        what: String,
        /// What is wrong with it.
        error: String,
    },
    /// An `x-mcp-header` that the specification forbids.
    #[error("{what}: {error}")]
    Header {
        /// What was registered.
        what: String,
        /// What is wrong with it.
        error: String,
    },
    /// A state that a handler takes and the server does not have.
    #[error("{what} needs a state of type {type_name}; give it to the server with `.state(value)`")]
    State {
        /// What was registered.
        what: String,
        /// The type, with its path.
        type_name: &'static str,
    },
    /// Two states of one type, of which one would never be seen.
    #[error(
        "two states of type {type_name} were given; wrap one of them in a type of its own, or leave it out"
    )]
    TwoStates {
        /// The type, with its path.
        type_name: &'static str,
    },
    /// Several of these.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<BuildError>),
}

/// Names that an error lists.
const SHOWN_NAMES: usize = 20;

impl BuildError {
    pub(super) fn unknown_tool<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let name: String = name.chars().take(64).collect();
        let known: Vec<&str> = known.collect();
        let near = known
            .iter()
            .map(|known| (strsim::damerau_levenshtein(known, &name), *known))
            .min()
            .filter(|(distance, _)| *distance <= 3)
            .map(|(_, near)| near.to_owned());
        let more = if known.len() > SHOWN_NAMES { ", …" } else { "" };
        let shown: Vec<&str> = known.into_iter().take(SHOWN_NAMES).collect();
        Self::UnknownTool { name, near, known: format!("{}{more}", shown.join(", ")) }
    }

    /// Nothing, the one error, or all of them.
    pub(super) fn of_all(errors: Vec<Self>) -> Result<(), Self> {
        let mut errors: Vec<_> = errors
            .into_iter()
            .flat_map(|error| match error {
                Self::Several(errors) => errors,
                error => vec![error],
            })
            .collect();
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Several(errors)),
        }
    }
}
