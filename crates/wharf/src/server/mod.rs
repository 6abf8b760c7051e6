//! Describing a server: what it offers and what surrounds it.

mod build_error;
mod capabilities;
mod catalog;
mod changes;
mod completer;
pub(crate) mod core;
pub(crate) mod entries;
mod extension;
mod handle;
mod header_parameter;
mod item;
mod limits;
pub(crate) mod lists;
mod measure;
mod merge;
mod offered;
mod output;
mod overrides;
mod policy;
mod prompt;
mod provide;
mod registrations;
pub(crate) mod registry;
mod resource;
mod tool;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

pub use build_error::BuildError;
pub use changes::Changes;
pub use completer::CompletionQuery;
pub use core::Service;
pub(crate) use extension::ExtensionMethod;
pub use extension::{Extension, IntoExtensionResult};
pub use handle::Handle;
pub use item::{IntoItem, ItemFuture};
pub use limits::Limits;
pub use offered::Offered;
pub use overrides::ToolOverrides;
pub use prompt::{Prompt, PromptBuilder};
pub use resource::{Resource, ResourceBuilder};
pub use tool::{Tool, ToolBuilder};

use self::registrations::{Registered, Registrations};
use crate::{
    cache::CacheHint,
    content::Icon,
    events::EventBus,
    handler::States,
    layers::{Rate, RateLimits},
    observe::{AuditSink, MetricsSink, Probe},
    seal::{Sealer, SealingKey},
    state::StateStore,
};

/// A server under construction. [`Server::build`] makes it a [`Service`] that transports can run.
#[must_use = "a server does nothing until it is built and run"]
pub struct Server {
    name: Arc<str>,
    info: Map<String, Value>,
    instructions: Option<String>,
    registered: Registrations,
    overrides: Vec<(Arc<str>, ToolOverrides)>,
    shared: States,
    limits: Limits,
    rate_limits: RateLimits,
    cache: CacheHint,
    sealer: Option<Sealer>,
    events: Option<Arc<dyn EventBus>>,
    state: Option<Arc<dyn StateStore>>,
    metrics: Option<Arc<dyn MetricsSink>>,
    audit: Option<Arc<dyn AuditSink>>,
    probes: Vec<Arc<dyn Probe>>,
    expose_internal_errors: bool,
    check_outputs: Option<bool>,
    dynamic: bool,
    /// What is wrong already, for `build` to tell.
    defects: Vec<BuildError>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Server {
    /// A server called `name` at `version`, with nothing in it.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let name = name.into();
        let mut info = Map::new();
        info.insert("name".into(), name.clone().into());
        info.insert("version".into(), version.into().into());
        Self {
            name: name.into(),
            info,
            instructions: None,
            registered: Registrations::default(),
            overrides: Vec::new(),
            shared: States::default(),
            limits: Limits::default(),
            rate_limits: RateLimits::default(),
            cache: CacheHint::NONE,
            sealer: None,
            events: None,
            state: None,
            metrics: None,
            audit: None,
            probes: Vec::new(),
            expose_internal_errors: false,
            check_outputs: None,
            dynamic: false,
            defects: Vec::new(),
        }
    }

    /// The name under which this installation runs the server, where it differs from its own: permissions, metrics and audit
    /// speak of it. Two databases side by side are both called `database`, and hosted as `sales` and `stock`.
    pub fn hosted_as(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
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

    /// Shares `value` with every handler of this server that takes [`State<T>`](crate::State), also with those that are
    /// added while it runs. One value per type: a second one of the same type is refused when the server is built, and so
    /// is a handler whose state was never given.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        if let Err(type_name) = self.shared.insert(value) {
            self.defects.push(BuildError::TwoStates { type_name });
        }
        self
    }

    /// Adds a tool: a [`Tool`], or a function under `#[tool]`.
    pub fn tool<M>(mut self, tool: impl IntoItem<Tool, M>) -> Self {
        let item = tool.into_item();
        self.registered.tools.push(Registered { item, server: Arc::clone(&self.name) });
        self
    }

    /// Adds a resource or a template: a [`Resource`], or a function under `#[resource("…")]`.
    pub fn resource<M>(mut self, resource: impl IntoItem<Resource, M>) -> Self {
        let item = resource.into_item();
        self.registered.resources.push(Registered { item, server: Arc::clone(&self.name) });
        self
    }

    /// Adds a prompt: a [`Prompt`], or a function under `#[prompt]`.
    pub fn prompt<M>(mut self, prompt: impl IntoItem<Prompt, M>) -> Self {
        let item = prompt.into_item();
        self.registered.prompts.push(Registered { item, server: Arc::clone(&self.name) });
        self
    }

    /// Adds an extension of the protocol.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.registered
            .extensions
            .push(Registered { item: extension, server: Arc::clone(&self.name) });
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
        self.events = Some(events);
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

    /// Whether a tool's result that breaks its output schema is a failure. Without this it is one in debug builds, and
    /// so in tests; in release builds samples are looked at, and the first breach of each tool is logged.
    ///
    /// ```
    /// use serde_json::json;
    /// use wharf::{Server, Tool, ToolResult};
    ///
    /// let count = Tool::new("count")
    ///     .output_schema(json!({"type": "object", "properties": {"n": {"type": "integer"}}}))
    ///     .handler(|| async { ToolResult::structured(&json!({"n": "many"})) });
    /// // Its callers get INTERNAL_ERROR, and the log says that `/n` is to be an integer.
    /// let service = Server::new("counter", "1.0.0").tool(count).check_outputs(true).build()?;
    /// # Ok::<(), wharf::BuildError>(())
    /// ```
    pub fn check_outputs(mut self, check: bool) -> Self {
        self.check_outputs = Some(check);
        self
    }

    /// Says that tools, resources, prompts and completions may be added while the server runs, whatever it is built with.
    /// Clients learn what a server offers once, so [`Handle::update`] refuses to add what was not declared then.
    ///
    /// ```
    /// use wharf::{Prompt, Server};
    ///
    /// let service = Server::new("plugins", "1.0.0").dynamic().build()?;
    /// let greet = Prompt::new("greet").handler(|| async { "Say hello." });
    /// service.handle().update(|changes| changes.add_prompt(greet))?;
    /// # Ok::<(), wharf::BuildError>(())
    /// ```
    pub fn dynamic(mut self) -> Self {
        self.dynamic = true;
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
