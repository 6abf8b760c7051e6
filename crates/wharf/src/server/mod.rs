//! Describing a server: what it offers and what surrounds it.

mod completer;
pub(crate) mod core;
pub(crate) mod entries;
mod extension;
mod limits;
mod policy;
mod prompt;
pub(crate) mod registry;
mod resource;
mod tool;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

pub use completer::CompletionQuery;
pub use core::{Handle, Service};
pub(crate) use extension::ExtensionMethod;
pub use extension::{Extension, IntoExtensionResult};
pub use limits::Limits;
pub use prompt::{Prompt, PromptBuilder};
pub use resource::{Resource, ResourceBuilder};
pub use tool::{Tool, ToolBuilder};

use self::registry::Registrations;
use crate::{
    cache::CacheHint,
    content::Icon,
    events::{EventBus, LocalBus},
    layers::{Rate, RateLimits},
    observe::{AuditSink, MetricsSink, Probe},
    seal::{Sealer, SealingKey},
    state::StateStore,
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
    limits: Limits,
    rate_limits: RateLimits,
    cache: CacheHint,
    sealer: Option<Sealer>,
    events: Arc<dyn EventBus>,
    state: Option<Arc<dyn StateStore>>,
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
            limits: Limits::default(),
            rate_limits: RateLimits::default(),
            cache: CacheHint::NONE,
            sealer: None,
            events: Arc::new(LocalBus::default()),
            state: None,
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

    /// Adds a tool.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.registered.tools.push(tool);
        self
    }

    /// Adds a resource or a template.
    pub fn resource(mut self, resource: Resource) -> Self {
        self.registered.resources.push(resource);
        self
    }

    /// Adds a prompt.
    pub fn prompt(mut self, prompt: Prompt) -> Self {
        self.registered.prompts.push(prompt);
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

    /// How often it may be called by each caller. Further calls are RATE_LIMITED. Lists and the like cost nothing.
    pub fn rate_limit_per_caller(mut self, rate: Rate) -> Self {
        self.rate_limits.per_caller = Some(rate);
        self
    }

    /// How often it may be called by all callers together.
    pub fn rate_limit(mut self, rate: Rate) -> Self {
        self.rate_limits.server = Some(rate);
        self
    }

    /// How often it may be called by each caller in a day: see [`RateLimits::daily_per_caller`].
    pub fn daily_quota_per_caller(mut self, calls: u32) -> Self {
        self.rate_limits.daily_per_caller = Some(Rate::per_day(calls));
        self
    }

    /// Changes the rate limits: how whoever runs the server overrides what its author declared.
    ///
    /// ```
    /// use wharf::{Rate, Server, StoreFailure};
    ///
    /// let server = Server::new("shop", "1.0.0").rate_limit_per_caller(Rate::per_minute(60)).rate_limits(
    ///     |limits| {
    ///         limits.per_caller = Some(Rate::per_minute(600).burst(20));
    ///         limits.store_failure = StoreFailure::Refuse;
    ///     },
    /// );
    /// # drop(server);
    /// ```
    pub fn rate_limits(mut self, change: impl FnOnce(&mut RateLimits)) -> Self {
        change(&mut self.rate_limits);
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

    /// Replaces the store for what outlives one call. By default it is a
    /// [`MemoryStore`](crate::state::MemoryStore), which ends with the process and
    /// is not shared between replicas.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wharf::{Server, state::{MemoryLimits, MemoryStore}};
    ///
    /// let mut limits = MemoryLimits::default();
    /// limits.bytes = 256 * 1024 * 1024;
    /// let server = Server::new("shop", "1.0.0").state_store(Arc::new(MemoryStore::new(limits)));
    /// # drop(server);
    /// ```
    pub fn state_store(mut self, store: Arc<dyn StateStore>) -> Self {
        self.state = Some(store);
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
