//! From an envelope to a call: which era, which session, and who may be asked.

use std::sync::Arc;

use bytes::Bytes;

use super::{Edge, continuation, operation::operation, params::Params, running::Running};
use crate::{
    call::{Call, Operation},
    context::{Binding, CallContext},
    handler::ask::AskState,
    peer::{ClientCapabilities, Peer},
    protocol::{Id, Inside, RequestMeta, Revision, RpcError, fields, slice},
    server::core::Core,
    session::Session,
    shared::Shared,
};

/// A request's envelope.
pub(crate) struct Arrival<'a> {
    pub(crate) body: &'a Bytes,
    pub(crate) id: Id,
    pub(crate) method: &'a str,
    pub(crate) params: Option<&'a str>,
    /// What was read of them with the envelope.
    pub(crate) inside: Inside<'a>,
}

/// Takes a notification in. Unknown ones are ignored, as JSON-RPC asks.
pub(super) fn notification(method: &str, params: Option<&str>, edge: &Edge<'_>) {
    if method != "notifications/cancelled" {
        return;
    }
    let Some(Ok([Some(id)])) = params.map(|raw| fields(raw, &["requestId"])) else { return };
    if let (Some(in_flight), Some(id)) = (edge.in_flight, Id::parse(id)) {
        in_flight.cancel(&id);
    }
}

/// Makes a call of a request.
pub(super) fn request(
    core: &Shared<Core>,
    mut arrival: Arrival<'_>,
    edge: &Edge<'_>,
) -> Result<Running, RpcError> {
    let inside = std::mem::take(&mut arrival.inside);
    let mut params = Params::parse(arrival.method, arrival.params, inside)?;
    let (mut meta, version) = RequestMeta::parse(arrival.body, params.meta, params.meta_fields)?;
    if let Some(headers) = edge.headers {
        meta.continue_trace(headers);
    }
    let (revision, peer) = era(arrival.method, version.as_deref(), &meta, edge)?;
    if revision.is_modern()
        && let Some(headers) = edge.headers
    {
        headers.expect("Mcp-Method", arrival.method)?;
    }
    let mut new_session = None;
    let (operation, binding, ask) = if arrival.method == "initialize" && !revision.is_modern() {
        let session = initialize(&arrival, &params, edge)?;
        let operation = Operation::Initialize { revision: session.revision };
        new_session = Some(session);
        (operation, Binding::default(), AskState::default())
    } else {
        let (operation, mut binding) =
            operation(core, &arrival, &mut params, revision, &peer, edge.headers)?;
        let may_ask = matches!(binding.method, "tools/call" | "resources/read" | "prompts/get");
        let ask = match (revision.is_modern() && may_ask, params.state, params.responses) {
            (false, _, _) | (true, None, None) => AskState::default(),
            (true, state, responses) => {
                let state = params.optional(state, "requestState")?;
                let ask =
                    continuation::open(core, edge.caller, &binding, state.as_deref(), responses)?;
                binding.round = state.as_deref().map(continuation::name_of);
                ask
            }
        };
        (operation, binding, ask)
    };
    let revision = new_session.as_ref().map_or(revision, |session| session.revision);
    let registered = edge.in_flight.map(Arc::clone);
    let context = Arc::new(CallContext::new(
        core.hold(),
        arrival.id,
        Arc::clone(edge.caller),
        revision,
        peer,
        meta,
        ask,
        binding,
        edge.can_stream,
    ));
    if let Some(in_flight) = &registered {
        in_flight.begin(&context.id, &context)?;
    }
    Ok(Running::new(Call { operation, context }, registered, new_session))
}

/// Which revision a request speaks, and how its client can be reached.
fn era(
    method: &str,
    version: Option<&str>,
    meta: &RequestMeta,
    edge: &Edge<'_>,
) -> Result<(Revision, Peer), RpcError> {
    if let Some(version) = version {
        // Before the version itself: a gateway that read another one has routed the request wrongly.
        if let Some(headers) = edge.headers {
            headers.expect("MCP-Protocol-Version", version)?;
        }
        let revision = Revision::parse(version).filter(|revision| revision.is_modern());
        let revision = revision.ok_or_else(|| RpcError::unsupported_version(version))?;
        let capabilities = meta.client_capabilities.clone().ok_or_else(|| {
            RpcError::malformed_meta("\"_meta\" lacks io.modelcontextprotocol/clientCapabilities")
        })?;
        return Ok((revision, Peer::Modern { capabilities }));
    }
    if method == "initialize" {
        return Ok((Revision::LATEST_LEGACY, Peer::Sessionless));
    }
    let header = match edge.headers {
        Some(headers) => headers.value("MCP-Protocol-Version")?,
        None => None,
    };
    let named = match header.as_deref() {
        Some(text) => {
            Some(Revision::parse(text).ok_or_else(|| RpcError::unsupported_version(text))?)
        }
        None => None,
    };
    let modern_only = matches!(method, "server/discover" | "subscriptions/listen");
    if modern_only || named.is_some_and(Revision::is_modern) {
        return Err(RpcError::malformed_meta(
            "\"_meta\" lacks io.modelcontextprotocol/protocolVersion",
        ));
    }
    if edge.lost_session {
        let mut error = RpcError::invalid_request(
            "no such session; it may have expired: send initialize again",
        );
        error.status = 404;
        return Err(error);
    }
    match edge.session {
        Some(session) => Ok((session.revision, Peer::Legacy(Arc::clone(session)))),
        None if edge.sessionless => Ok((named.unwrap_or(Revision::ASSUMED), Peer::Sessionless)),
        None => Err(RpcError::malformed_meta(
            "send initialize first, or put io.modelcontextprotocol/protocolVersion into \"_meta\" of each request",
        )),
    }
}

fn initialize(
    arrival: &Arrival<'_>,
    params: &Params<'_>,
    edge: &Edge<'_>,
) -> Result<Arc<Session>, RpcError> {
    let asked = params.text(params.protocol_version, "protocolVersion")?;
    // A server that does not know the revision answers with the newest it has; the client decides (2025-11-25, lifecycle).
    let revision = Revision::parse(&asked)
        .filter(|revision| !revision.is_modern())
        .unwrap_or(Revision::LATEST_LEGACY);
    let capabilities = params
        .capabilities
        .map(|raw| ClientCapabilities::parse(raw.as_bytes()))
        .unwrap_or_default();
    let info = params.client_info.map(|raw| slice(arrival.body, raw)).unwrap_or_default();
    // The connection's own calls; over HTTP what the edge carries are those of another session, which may end before.
    let in_flight =
        edge.in_flight.filter(|_| !edge.sessionless).map(Arc::clone).unwrap_or_default();
    Ok(Arc::new(Session::new(revision, capabilities, info, Arc::clone(edge.caller), in_flight)))
}
