//! From an envelope to a call: which era, which target, which arguments.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    Edge, continuation,
    params::{Params, malformed},
    running::Running,
};
use crate::{
    call::{Call, Operation, Subject},
    context::{Binding, CallContext},
    handler::ask::AskState,
    listen::Subscription,
    peer::{ClientCapabilities, Peer},
    protocol::{
        HeaderView, Id, Inside, LogLevel, RequestMeta, Revision, RpcError, fields, parse_strict,
        slice, string,
    },
    results,
    server::{core::Core, lists::ListKind},
    session::Session,
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
    core: &Arc<Core>,
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
        Arc::clone(core),
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

fn operation(
    core: &Core,
    arrival: &Arrival<'_>,
    params: &mut Params<'_>,
    revision: Revision,
    peer: &Peer,
    headers: Option<HeaderView<'_>>,
) -> Result<(Operation, Binding), RpcError> {
    let modern = revision.is_modern();
    let headers = headers.filter(|_| modern);
    let registry = core.registry.load();
    let list = |kind| {
        let cursor = params.optional(params.cursor, "cursor")?.map(std::borrow::Cow::into_owned);
        Ok((Operation::List { kind, cursor }, Binding::default()))
    };
    let named = |name: &str| headers.map_or(Ok(()), |headers| headers.expect("Mcp-Name", name));
    match arrival.method {
        "tools/call" => call_tool(&registry, arrival, params, headers),
        "resources/read" => {
            let uri = params.text(params.uri, "uri")?;
            named(&uri)?;
            let binding = bind(arrival, "resources/read", uri.clone(), None);
            Ok((read_resource(core, &registry, &uri, revision), binding))
        }
        "prompts/get" => {
            let name = params.text(params.name, "name")?;
            named(&name)?;
            let arguments = arguments(params)?;
            let binding = bind(arrival, "prompts/get", name.clone(), params.arguments);
            let operation = match registry.prompt(&name) {
                Some(prompt) => Operation::GetPrompt { prompt, arguments },
                None => refuse("prompts/get", unknown_prompt(&name)),
            };
            Ok((operation, binding))
        }
        "completion/complete" => Ok((complete(&registry, params)?, Binding::default())),
        "tools/list" => list(ListKind::Tools),
        "resources/list" => list(ListKind::Resources),
        "resources/templates/list" => list(ListKind::Templates),
        "prompts/list" => list(ListKind::Prompts),
        "server/discover" if modern => Ok((Operation::Discover, Binding::default())),
        "subscriptions/listen" if modern => {
            let subscription =
                Subscription::parse(params.notifications, core.limits.listen_resources)?;
            Ok((Operation::Listen(subscription), Binding::default()))
        }
        "ping" if !modern => Ok((Operation::Ping, Binding::default())),
        "logging/setLevel" if !modern => {
            let level = LogLevel::parse(&params.text(params.level, "level")?)?;
            Ok((Operation::SetLevel(level), Binding::default()))
        }
        "resources/subscribe" if !modern => {
            Ok((Operation::Subscribe(params.text(params.uri, "uri")?.into()), Binding::default()))
        }
        "resources/unsubscribe" if !modern => {
            Ok((Operation::Unsubscribe(params.text(params.uri, "uri")?.into()), Binding::default()))
        }
        method => {
            let entry = registry.method(method).filter(|_| modern);
            let entry = entry.ok_or_else(|| RpcError::method_not_found(method))?;
            extension(entry, arrival, peer, headers)
                .map(|operation| (operation, Binding::default()))
        }
    }
}

fn bind(
    arrival: &Arrival<'_>,
    method: &'static str,
    target: Cow<'_, str>,
    arguments: Option<&str>,
) -> Binding {
    Binding {
        method,
        // Borrowed from the body, unless it had escapes.
        target: match target {
            Cow::Borrowed(part) => slice(arrival.body, part),
            Cow::Owned(text) => Bytes::copy_from_slice(text.as_bytes()),
        },
        arguments: arguments.map(|raw| slice(arrival.body, raw)).unwrap_or_default(),
        round: None,
    }
}

fn refuse(method: &'static str, error: RpcError) -> Operation {
    Operation::Refuse(method, Box::new(error))
}

fn unknown_prompt(name: &str) -> RpcError {
    let name: String = name.chars().take(64).collect();
    RpcError::invalid_params(format!("unknown prompt {name:?}; call prompts/list for the names"))
}

/// An object parameter, empty when absent.
fn object(raw: Option<&str>, name: &str) -> Result<Value, RpcError> {
    match raw {
        None | Some("null") => Ok(Value::Object(Map::new())),
        Some(raw) if raw.starts_with('{') => parse_strict(raw)
            .map_err(|error| RpcError::invalid_params(format!("\"{name}\": {error}"))),
        Some(_) => Err(RpcError::invalid_params(format!("\"{name}\" must be an object"))),
    }
}

/// The object `arguments`, empty when absent.
fn arguments(params: &mut Params<'_>) -> Result<Value, RpcError> {
    match params.tree.take() {
        Some(tree) => Ok(tree),
        None => object(params.arguments, "arguments"),
    }
}

fn call_tool(
    registry: &crate::server::registry::Registry,
    arrival: &Arrival<'_>,
    params: &mut Params<'_>,
    headers: Option<HeaderView<'_>>,
) -> Result<(Operation, Binding), RpcError> {
    let name = params.text(params.name, "name")?;
    if let Some(headers) = headers {
        headers.expect("Mcp-Name", &name)?;
    }
    let binding = bind(arrival, "tools/call", name.clone(), params.arguments);
    let tool = match registry.tool(&name) {
        Ok(tool) => tool,
        Err(error) => return Ok((refuse("tools/call", error), binding)),
    };
    let arguments = arguments(params)?;
    if let Some(headers) = headers {
        for parameter in &tool.headers {
            parameter.check(headers, &arguments)?;
        }
    }
    Ok((Operation::CallTool { tool, arguments }, binding))
}

fn read_resource(
    core: &Core,
    registry: &crate::server::registry::Registry,
    uri: &str,
    revision: Revision,
) -> Operation {
    let found = match uri.starts_with(results::PREFIX) {
        true => {
            core.results.variables_of(uri).map(|variables| (Arc::clone(&core.results), variables))
        }
        false => registry.resource(uri),
    };
    match found {
        Some((resource, variables)) => {
            Operation::ReadResource { resource, uri: uri.into(), variables }
        }
        None => refuse("resources/read", RpcError::resource_not_found(revision, uri)),
    }
}

fn complete(
    registry: &crate::server::registry::Registry,
    params: &Params<'_>,
) -> Result<Operation, RpcError> {
    let missing = |what: &str| RpcError::invalid_params(format!("{what} is missing or malformed"));
    let argument = params.argument.ok_or_else(|| missing("\"argument\""))?;
    let [name, value] = fields(argument, &["name", "value"]).map_err(malformed)?;
    let name = params.text(name, "argument.name")?;
    let value = params.text(value, "argument.value")?;
    let settled = match params.context.map(|raw| fields(raw, &["arguments"])) {
        Some(Ok([raw])) => object(raw, "context.arguments")?,
        Some(Err(error)) => return Err(malformed(error)),
        None => Value::Object(Map::new()),
    };
    let reference = params.reference.ok_or_else(|| missing("\"ref\""))?;
    let [kind, prompt, uri] = fields(reference, &["type", "name", "uri"]).map_err(malformed)?;
    let (subject, completer) = match kind.and_then(string).as_deref() {
        Some("ref/prompt") => {
            let prompt = params.text(prompt, "ref.name")?;
            match registry.prompt(&prompt) {
                Some(entry) => {
                    let completer = entry.completers.get(&*name).cloned();
                    (Subject::Prompt(entry), completer)
                }
                None => return Ok(refuse("completion/complete", unknown_prompt(&prompt))),
            }
        }
        Some("ref/resource") => {
            let uri = params.text(uri, "ref.uri")?;
            match registry.resource_by_key(&uri) {
                Some(entry) => {
                    let completer = entry.completers.get(&*name).cloned();
                    (Subject::Resource(entry), completer)
                }
                None => {
                    let error = RpcError::invalid_params(
                        "\"ref.uri\" names no resource or template of this server",
                    );
                    return Ok(refuse("completion/complete", error));
                }
            }
        }
        _ => return Err(missing("\"ref.type\" (ref/prompt or ref/resource)")),
    };
    Ok(Operation::Complete {
        subject,
        completer,
        query: json!({"value": value, "settled": settled}),
    })
}

fn extension(
    entry: Arc<crate::server::ExtensionMethod>,
    arrival: &Arrival<'_>,
    peer: &Peer,
    headers: Option<HeaderView<'_>>,
) -> Result<Operation, RpcError> {
    if !peer.has_extension(&entry.extension) {
        let required = json!({"extensions": {&*entry.extension: {}}});
        return Err(RpcError::missing_capability(required, &entry.extension));
    }
    let mut params = object(arrival.params, "params")?;
    if let Some(params) = params.as_object_mut() {
        params.remove("_meta");
    }
    if let (Some(headers), Some(parameter)) = (headers, &entry.name_parameter) {
        headers.expect("Mcp-Name", params[&**parameter].as_str().unwrap_or_default())?;
    }
    Ok(Operation::Extension { method: entry, params })
}
