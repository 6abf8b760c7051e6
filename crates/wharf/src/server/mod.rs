//! Describing a server: what it offers and what surrounds it.

mod completer;
pub(crate) mod core;
pub(crate) mod entries;
mod extension;
mod item;
mod limits;
mod prompt;
mod provide;
pub(crate) mod registry;
mod resource;
mod tool;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

pub use completer::CompletionQuery;
pub use core::{Handle, Service};
pub(crate) use extension::ExtensionMethod;
pub use extension::{Extension, IntoExtensionResult};
pub use item::{IntoItem, ItemFuture};
pub use limits::Limits;
pub use prompt::{Prompt, PromptBuilder};
pub use resource::{Resource, ResourceBuilder};
pub use tool::{Tool, ToolBuilder};

use self::registry::Registrations;
use crate::{
    cache::CacheHint,
    content::Icon,
    events::{EventBus, LocalBus},
    handler::States,
    observe::{AuditSink, MetricsSink, Probe},
    seal::{Sealer, SealingKey},
};

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
    /// Several of these.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<BuildError>),
}

/// A server under construction. [`Server::build`] makes it a [`Service`] that transports can run.
#[must_use = "a server does nothing until it is built and run"]
pub struct Server {
    info: Map<String, Value>,
    instructions: Option<String>,
    registered: Registrations,
    states: States,
    limits: Limits,
    cache: CacheHint,
    sealer: Option<Sealer>,
    events: Arc<dyn EventBus>,
    metrics: Option<Arc<dyn MetricsSink>>,
    audit: Option<Arc<dyn AuditSink>>,
    probes: Vec<Arc<dyn Probe>>,
    expose_internal_errors: bool,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Server {
    /// A server called `name` at `version`, with nothing in it.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let mut info = Map::new();
        info.insert("name".into(), name.into().into());
        info.insert("version".into(), version.into().into());
        Self {
            info,
            instructions: None,
            registered: Registrations::default(),
            states: States::default(),
            limits: Limits::default(),
            cache: CacheHint::NONE,
            sealer: None,
            events: Arc::new(LocalBus::default()),
            metrics: None,
            audit: None,
            probes: Vec::new(),
            expose_internal_errors: false,
        }
    }

    /// The name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.info.insert("title".into(), title.into().into());
        self
    }

    /// What the server is for.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.info.insert("description".into(), description.into().into());
        self
    }

    /// Where to read more about it.
    pub fn website(mut self, url: impl Into<String>) -> Self {
        self.info.insert("websiteUrl".into(), url.into().into());
        self
    }

    /// Adds an icon.
    pub fn icon(mut self, icon: Icon) -> Self {
        if let Value::Array(icons) = self.info.entry("icons").or_insert_with(|| json!([])) {
            icons.push(json!(icon));
        }
        self
    }

    /// How to use the server, for the model.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Shares `value` with every handler that takes [`State<T>`](crate::State). One value per type: a second one of the
    /// same type is refused when the server is built, and so is a handler whose state was never given.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.states.insert(value);
        self
    }

    /// Adds a tool: a [`Tool`], or a function under `#[tool]`.
    pub fn tool<M>(mut self, tool: impl IntoItem<Tool, M>) -> Self {
        self.registered.tools.push(tool.into_item());
        self
    }

    /// Adds a resource or a template: a [`Resource`], or a function under `#[resource("…")]`.
    pub fn resource<M>(mut self, resource: impl IntoItem<Resource, M>) -> Self {
        self.registered.resources.push(resource.into_item());
        self
    }

    /// Adds a prompt: a [`Prompt`], or a function under `#[prompt]`.
    pub fn prompt<M>(mut self, prompt: impl IntoItem<Prompt, M>) -> Self {
        self.registered.prompts.push(prompt.into_item());
        self
    }

    /// Adds an extension of the protocol.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.registered.extensions.push(extension);
        self
    }

    /// Replaces the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Longest time that one call may take unless its tool says otherwise. 30 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.request_timeout = timeout;
        self
    }

    /// How long a client may keep lists and the answer to `server/discover`.
    pub fn cache(mut self, cache: CacheHint) -> Self {
        self.cache = cache;
        self
    }

    /// The keys that seal cursors and request state: the first seals, all open. Without any, a random key is made, and
    /// what it sealed ends with the process.
    pub fn sealing_keys(mut self, keys: Vec<SealingKey>) -> Self {
        self.sealer = Some(Sealer::new(keys));
        self
    }

    /// Replaces the event bus.
    pub fn events(mut self, events: Arc<dyn EventBus>) -> Self {
        self.events = events;
        self
    }

    /// Counts finished calls.
    pub fn metrics(mut self, sink: Arc<dyn MetricsSink>) -> Self {
        self.metrics = Some(sink);
        self
    }

    /// Records finished calls.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(sink);
        self
    }

    /// Adds a check of readiness.
    pub fn probe(mut self, probe: Arc<dyn Probe>) -> Self {
        self.probes.push(probe);
        self
    }

    /// Sends the detail of internal errors to callers. For development: detail may hold secrets.
    pub fn danger_expose_internal_errors(mut self, expose: bool) -> Self {
        self.expose_internal_errors = expose;
        self
    }

    /// Checks everything that was registered.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn build(self) -> Result<Service, BuildError> {
        core::Core::build(self)
    }
}
