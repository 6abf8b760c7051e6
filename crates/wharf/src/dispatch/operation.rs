//! From a method and its parameters to an operation: which target, which arguments.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    decode::Arrival,
    params::{Params, malformed},
};
use crate::{
    call::{Operation, Subject},
    context::Binding,
    listen::Subscription,
    peer::Peer,
    protocol::{HeaderView, LogLevel, Revision, RpcError, fields, parse_strict, slice, string},
    results,
    server::{core::Core, lists::ListKind},
};

/// What is asked for, and of what.
pub(super) fn operation(
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
