//! A built server: everything that calls share, and what transports serve.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    BuildError, Handle, Limits, Server, capabilities::Capabilities, entries::ResourceEntry,
    registry::Registry,
};
use crate::{
    cache::CacheHint,
    caller::Caller,
    context::RequestId,
    error::ErrorKind,
    events::{Event, EventBus, EventStream, LocalBus},
    gate::Gate,
    handler::States,
    layers::ResultStore,
    observe::{Probe, RefusalRecord, Sinks},
    protocol::{Revision, keys},
    results,
    seal::Sealer,
    shared::{Copies, Held, Shared},
    stack::{Parts, Stack, stack},
    state::{MemoryStore, StateStore},
};

/// What is known of a request or message that is refused before it becomes a call.
pub(crate) struct Refusal<'a> {
    pub(crate) kind: ErrorKind,
    pub(crate) reason: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) client_addr: Option<IpAddr>,
    pub(crate) caller: Option<&'a Caller>,
}

/// What all calls of one server share.
pub(crate) struct Core {
    pub(super) name: Arc<str>,
    /// `server/discover`'s members and `initialize`'s members after `protocolVersion`, ready to send.
    discover: Bytes,
    initialize: Bytes,
    /// `"io.modelcontextprotocol/serverInfo":{…}`, stamped on every 2026-07-28 result.
    pub(crate) server_info_member: Bytes,
    /// Swapped as a whole by `Handle::update`; readers never wait.
    pub(crate) registry: ArcSwap<Registry>,
    /// Held while one update makes the next snapshot of the last, so that two at once lose nothing.
    pub(super) updating: Mutex<()>,
    pub(super) capabilities: Capabilities,
    pub(super) enforce_outputs: bool,
    /// What handlers that are added later may take.
    pub(super) shared: States,
    pub(crate) sealer: Sealer,
    events: Arc<dyn EventBus>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) kept_results: ResultStore,
    gate: Arc<Gate>,
    pub(crate) limits: Limits,
    pub(crate) cache: CacheHint,
    pub(crate) stack: Copies<Stack>,
    sinks: Sinks,
    /// Where cut results are read on. Beside the registry, whatever else is in that.
    pub(crate) results: Arc<ResourceEntry>,
    probes: Vec<Arc<dyn Probe>>,
    pub(crate) expose_internal_errors: bool,
    pub(super) listeners: Arc<AtomicUsize>,
    /// Set when shutdown begins: streams end, readiness turns off.
    pub(crate) closing: CancellationToken,
    /// Set when the grace period is over: what still runs is answered with SERVICE_UNAVAILABLE.
    pub(crate) abort: CancellationToken,
}

impl Core {
    pub(crate) fn build(mut server: Server) -> Result<Service, BuildError> {
        server.registered.fill(&server.shared);
        let sealer = server.sealer.unwrap_or_else(Sealer::random);
        let enforce_outputs = server.check_outputs.unwrap_or(cfg!(debug_assertions));
        let mut errors = server.defects;
        server.registered.override_tools(server.overrides, &mut errors);
        let (catalog, extensions, methods) =
            server.registered.compile(enforce_outputs, &mut errors);
        errors.extend(catalog.check_size(server.limits.registered).err());
        BuildError::of_all(errors)?;
        let declared = Capabilities::new(&catalog, server.dynamic);
        let capabilities = declared.to_json(&extensions);
        let registry = Registry::new(catalog, Arc::new(methods), server.limits.page_size, &sealer);
        let gate = Arc::new(Gate::new(&server.limits));
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
        let sinks = Sinks { metrics: server.metrics, audit: server.audit };
        let stack = stack(Parts {
            server: &server.name,
            limits: &server.limits,
            rate_limits: server.rate_limits,
            gate: Arc::clone(&gate),
            state: Arc::clone(&state),
            metrics: sinks.metrics.clone(),
        });
        Ok(Service(Shared::new(Self {
            name: server.name,
            discover: members(&discover),
            initialize: members(&initialize),
            server_info_member: Bytes::from(format!("\"{}\":{info}", keys::SERVER_INFO)),
            registry: ArcSwap::from_pointee(registry),
            updating: Mutex::default(),
            capabilities: declared,
            enforce_outputs,
            shared: server.shared,
            sealer,
            events: server.events.unwrap_or_else(|| Arc::new(LocalBus::default())),
            state,
            kept_results: ResultStore::new(server.limits.result_cache_bytes),
            gate,
            limits: server.limits,
            cache: server.cache,
            stack: Copies::of(stack),
            sinks,
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

    pub(crate) fn sinks(&self) -> &Sinks {
        &self.sinks
    }

    /// Records what never became a call.
    pub(crate) fn record_refusal(&self, refusal: &Refusal<'_>) {
        if self.sinks.are_there() {
            self.sinks.refused(&RefusalRecord {
                request_id: RequestId::next(),
                server: &self.name,
                client_addr: refusal.client_addr,
                caller: refusal.caller,
                outcome: refusal.kind.code(),
                class: refusal.kind.class(),
                reason: refusal.reason,
                status: refusal.status,
            });
        }
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub(crate) fn publish(&self, event: Event) {
        self.events.publish(event);
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

    pub(crate) fn probes(&self) -> &[Arc<dyn Probe>] {
        &self.probes
    }
}

impl Held<Core> {
    /// The events that clients may hear of. The stream does not keep the server alive.
    pub(crate) fn subscribe(&self) -> Box<dyn EventStream> {
        Box::new(Reachable { events: self.events.subscribe(), core: self.downgrade() })
    }
}

/// The members of a JSON object, without its braces.
fn members(object: &Value) -> Bytes {
    let text = object.to_string();
    Bytes::from(text[1..text.len() - 1].to_owned())
}

/// Events without the updates of what is hidden: those would tell whoever asks for them that it is there. Looked at where
/// events arrive, since a shared bus brings those of other processes too.
struct Reachable {
    events: Box<dyn EventStream>,
    core: Weak<Core>,
}

impl EventStream for Reachable {
    fn next(&mut self) -> BoxFuture<'_, Option<Event>> {
        Box::pin(async {
            loop {
                let event = self.events.next().await;
                let hidden = match &event {
                    Some(Event::ResourceUpdated { uri }) => {
                        self.core.upgrade().is_some_and(|core| core.registry.load().hides(uri))
                    }
                    _ => false,
                };
                if !hidden {
                    return event;
                }
            }
        })
    }
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
pub struct Service(pub(crate) Shared<Core>);

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

    /// Asks every probe, as `/readyz` does: their names, and what they say.
    ///
    /// # Cancel safety
    /// A dropped future ends the checks.
    pub async fn check(&self) -> Vec<(String, crate::Readiness)> {
        let checks = self
            .0
            .probes()
            .iter()
            .map(|probe| async { (probe.name().to_owned(), probe.check().await) });
        futures_util::future::join_all(checks).await
    }

    /// Changes what is registered, and tells listening clients about changes, from outside a handler.
    pub fn handle(&self) -> Handle {
        Handle::new(self.0.hold())
    }
}
