//! A built server: everything that calls share, and the handle with which transports and authors reach it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{BuildError, Limits, Server, entries::ResourceEntry, registry::Registry};
use crate::{
    cache::CacheHint,
    events::{Event, EventBus},
    gate::Gate,
    observe::{Probe, Readiness},
    protocol::{Revision, keys},
    results,
    seal::Sealer,
    stack::{Parts, Stack, stack},
    state::{MemoryStore, StateStore},
};

/// What all calls of one server share.
pub(crate) struct Core {
    name: String,
    /// `server/discover`'s members and `initialize`'s members after `protocolVersion`, ready to send.
    discover: Bytes,
    initialize: Bytes,
    /// `"io.modelcontextprotocol/serverInfo":{…}`, stamped on every 2026-07-28 result.
    pub(crate) server_info_member: Bytes,
    pub(crate) registry: ArcSwap<Registry>,
    pub(crate) sealer: Sealer,
    events: Arc<dyn EventBus>,
    pub(crate) state: Arc<dyn StateStore>,
    gate: Arc<Gate>,
    pub(crate) limits: Limits,
    pub(crate) cache: CacheHint,
    pub(crate) stack: Stack,
    /// Where cut results are read on. Beside the registry, whatever else is in that.
    pub(crate) results: Arc<ResourceEntry>,
    probes: Vec<Arc<dyn Probe>>,
    pub(crate) expose_internal_errors: bool,
    listeners: Arc<AtomicUsize>,
    /// Set when shutdown begins: streams end, readiness turns off.
    pub(crate) closing: CancellationToken,
    /// Set when the grace period is over: what still runs is answered with SERVICE_UNAVAILABLE.
    pub(crate) abort: CancellationToken,
}

impl Core {
    pub(crate) fn build(server: Server) -> Result<Service, BuildError> {
        let sealer = server.sealer.unwrap_or_else(Sealer::random);
        let capabilities = capabilities(&server.registered);
        let registry = Registry::build(server.registered, server.limits.page_size, &sealer)?;
        let gate = Arc::new(Gate::new(&server.limits));
        let name = server.info.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let info = Value::Object(server.info);

        let mut discover = json!({
            "supportedVersions": Revision::ALL.map(Revision::as_str),
            "capabilities": capabilities,
        });
        let mut initialize = json!({"capabilities": capabilities, "serverInfo": info});
        if let Some(instructions) = server.instructions {
            discover["instructions"] = instructions.clone().into();
            initialize["instructions"] = instructions.into();
        }
        let state = server.state.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let stack = stack(Parts {
            server: &name,
            limits: &server.limits,
            rate_limits: server.rate_limits,
            gate: Arc::clone(&gate),
            state: Arc::clone(&state),
            metrics: server.metrics,
            audit: server.audit,
        });
        Ok(Service(Arc::new(Self {
            name,
            discover: members(&discover),
            initialize: members(&initialize),
            server_info_member: Bytes::from(format!("\"{}\":{info}", keys::SERVER_INFO)),
            registry: ArcSwap::from_pointee(registry),
            sealer,
            events: server.events,
            state,
            gate,
            limits: server.limits,
            cache: server.cache,
            stack,
            results: Arc::new(ResourceEntry::compile(results::resource())?),
            probes: server.probes,
            expose_internal_errors: server.expose_internal_errors,
            listeners: Arc::default(),
            closing: CancellationToken::new(),
            abort: CancellationToken::new(),
        })))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub(crate) fn publish(&self, event: Event) {
        self.events.publish(event);
    }

    pub(crate) fn subscribe(&self) -> Box<dyn crate::events::EventStream> {
        self.events.subscribe()
    }

    pub(crate) fn discover_members(&self) -> Bytes {
        self.discover.clone()
    }

    pub(crate) fn initialize_members(&self, revision: Revision) -> Bytes {
        let mut out = format!("\"protocolVersion\":\"{revision}\",").into_bytes();
        out.extend_from_slice(&self.initialize);
        Bytes::from(out)
    }

    /// Takes a place among the open listen streams; `None` when all are taken.
    pub(crate) fn listener(&self) -> Option<Listener> {
        let place = Listener(Arc::clone(&self.listeners));
        (self.listeners.fetch_add(1, Ordering::Relaxed) < self.limits.listen_streams)
            .then_some(place)
    }

    pub(crate) async fn readiness(&self) -> Vec<(String, Readiness)> {
        let checks = self
            .probes
            .iter()
            .map(|probe| async { (probe.name().to_owned(), probe.check().await) });
        futures_util::future::join_all(checks).await
    }
}

/// The members of a JSON object, without its braces.
fn members(object: &Value) -> Bytes {
    let text = object.to_string();
    Bytes::from(text[1..text.len() - 1].to_owned())
}

fn capabilities(registered: &super::registry::Registrations) -> Value {
    let mut capabilities = Map::new();
    let mut declare = |name: &str, value: Value| drop(capabilities.insert(name.to_owned(), value));
    if !registered.tools.is_empty() {
        declare("tools", json!({"listChanged": true}));
    }
    // What a tool could not answer with is read as a resource.
    if !registered.resources.is_empty() || !registered.tools.is_empty() {
        declare("resources", json!({"subscribe": true, "listChanged": true}));
    }
    if !registered.prompts.is_empty() {
        declare("prompts", json!({"listChanged": true}));
    }
    declare("logging", json!({}));
    declare("completions", json!({}));
    if !registered.extensions.is_empty() {
        let extensions = registered.extensions.iter();
        let extensions: Map<_, _> = extensions
            .map(|extension| (extension.id.to_string(), extension.capability.clone().into()))
            .collect();
        declare("extensions", extensions.into());
    }
    capabilities.into()
}

/// One open listen stream's place.
#[derive(Debug)]
pub(crate) struct Listener(Arc<AtomicUsize>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A built server. Cheap to clone; every transport serves the same one.
#[derive(Clone)]
pub struct Service(pub(crate) Arc<Core>);

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Service {
    /// The server's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The store for what outlives one call.
    pub fn state_store(&self) -> &Arc<dyn StateStore> {
        &self.0.state
    }

    /// Tells listening clients about changes from outside a handler.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.0))
    }
}

/// Tells listening clients about changes.
#[derive(Clone)]
pub struct Handle(Arc<Core>);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Handle {
    /// Sends `event` to every listening client that asked for it.
    pub fn publish(&self, event: Event) {
        self.0.publish(event);
    }
}
