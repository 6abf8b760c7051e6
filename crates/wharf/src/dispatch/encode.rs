//! From an outcome to the bytes of its message.

use serde::Serialize;
use serde_json::{Value, json};

use super::continuation;
use crate::{
    call::{Outcome, Reply},
    caller::CallerKind,
    content::Content,
    context::CallContext,
    error::{Error, ErrorKind, Failure},
    handler::{CompletionValues, ToolResult},
    meta::Meta,
    protocol::{Revision, RpcError, write_string},
};

/// Results from here on get a buffer of their size at once; for shorter ones it grows as it must.
const LONG_BYTES: usize = 4 << 10;

/// The message that ends a call, and what carries it over HTTP.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) status: u16,
    /// The value of `WWW-Authenticate`.
    pub(super) challenge: Option<String>,
}

impl Answer {
    fn ok(body: Vec<u8>) -> Self {
        Self { body, status: 200, challenge: None }
    }
}

/// The answer to a call.
pub(super) fn answer(context: &CallContext, result: Result<Outcome, Error>) -> Answer {
    let is_tool = context.binding.method == "tools/call";
    let error = match result {
        Ok(Outcome::Complete(reply)) => return Answer::ok(complete(context, reply)),
        Ok(Outcome::InputRequired) | Err(Error::Suspended) => match input_required(context) {
            Ok(body) => return Answer::ok(body),
            Err(error) => error,
        },
        // A listen outcome is taken by the transport before it gets here.
        Ok(Outcome::Listen(_)) => RpcError::invalid_request("this transport can't carry a stream"),
        Err(Error::Rpc(error)) => error,
        Err(Error::MissingCapability(missing)) => {
            let error = RpcError::from_capability(&missing, context.revision);
            if is_tool && !context.revision.is_modern() {
                let failure = Failure::new(ErrorKind::InvalidInput, error.message);
                return Answer::ok(complete(context, Reply::Tool(failed(&failure))));
            }
            error
        }
        Err(Error::Failed(failure)) => {
            let failure = publish(context, failure);
            // A bearer token can be exchanged for one with more scopes, which the client has to be told where it looks for
            // it; whoever has no token is told in the result.
            if let Some(scope) = &failure.insufficient_scope
                && context.caller.kind == CallerKind::Authenticated
            {
                return insufficient_scope(context, &failure, scope);
            }
            if is_tool {
                return Answer::ok(complete(context, Reply::Tool(failed(&failure))));
            }
            let error = RpcError::from_failure(&failure);
            match failure.kind {
                // A handler that finds nothing says it the way the revision does.
                ErrorKind::ResourceNotFound if context.binding.method == "resources/read" => {
                    let uri = String::from_utf8_lossy(&context.binding.target);
                    let mut not_found = RpcError::resource_not_found(context.revision, &uri);
                    not_found.message = error.message;
                    not_found
                }
                _ => error,
            }
        }
    };
    Answer { body: error.to_message(Some(&context.id)), status: error.status, challenge: None }
}

/// HTTP 403 with the challenge of RFC 6750 section 3.1.
fn insufficient_scope(context: &CallContext, failure: &Failure, scope: &str) -> Answer {
    let error = RpcError::from_failure(failure);
    Answer {
        body: error.to_message(Some(&context.id)),
        status: 403,
        challenge: Some(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")),
    }
}

/// Logs what only the operator may read, once, and gives the caller the request id to quote.
fn publish(context: &CallContext, mut failure: Failure) -> Failure {
    let internal = failure.kind == ErrorKind::Internal;
    if let Some(source) = failure.source.take() {
        let mut detail = source.to_string();
        let mut cause = source.source();
        while let Some(next) = cause {
            detail = format!("{detail}: {next}");
            cause = next.source();
        }
        if internal {
            tracing::error!(request_id = %context.request_id, detail, "a call failed");
        } else {
            tracing::debug!(request_id = %context.request_id, code = failure.kind.code(), detail, "a call failed");
        }
        if context.core.expose_internal_errors {
            failure.message = format!("{}: {detail}", failure.message).into();
        }
    }
    if internal {
        failure.message =
            format!("{}; quote request {} when you report it", failure.message, context.request_id)
                .into();
    }
    failure
}

/// A tool's failure: an object for programs, the same as text for the model.
fn failed(failure: &Failure) -> ToolResult {
    // A failure is a small object of strings and numbers: it always serialises.
    let mut result = ToolResult::structured(failure).unwrap_or_default();
    result.is_error = true;
    result
}

fn input_required(context: &CallContext) -> Result<Vec<u8>, RpcError> {
    if !context.revision.is_modern() {
        return Err(RpcError::invalid_params(
            "the client can't be asked here: this needs a session; send initialize",
        ));
    }
    let result = continuation::seal(context)?;
    let mut out = begin(context);
    for (name, value) in result.as_object().into_iter().flatten() {
        member(&mut out, name, value);
    }
    end(context, out, "input_required", &Meta::new())
        .map_or_else(|| Err(RpcError::invalid_request("the questions can't be represented")), Ok)
}

fn begin(context: &CallContext) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    context.id.write(&mut out);
    out.extend_from_slice(b",\"result\":{");
    out
}

/// Appends `"name":value,`. Values here are strings, numbers and maps with string keys, which always serialise; if one
/// ever does not, null keeps the message well-formed.
fn member<T: Serialize + ?Sized>(out: &mut Vec<u8>, name: &str, value: &T) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    self::value(out, value);
    out.push(b',');
}

fn value<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// Closes the result with what every one of the revision carries.
fn end(context: &CallContext, mut out: Vec<u8>, result_type: &str, meta: &Meta) -> Option<Vec<u8>> {
    let modern = context.revision.is_modern();
    if modern {
        out.extend_from_slice(b"\"resultType\":\"");
        out.extend_from_slice(result_type.as_bytes());
        out.extend_from_slice(b"\",");
    }
    if modern || !meta.is_empty() {
        out.extend_from_slice(b"\"_meta\":{");
        for (name, value) in meta.as_object() {
            let key = serde_json::to_string(name).ok()?;
            member(&mut out, key.get(1..key.len() - 1)?, value);
        }
        if modern {
            out.extend_from_slice(&context.core.server_info_member);
        } else {
            out.pop();
        }
        out.extend_from_slice(b"},");
    }
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.extend_from_slice(b"}}");
    Some(out)
}

fn complete(context: &CallContext, reply: Reply) -> Vec<u8> {
    let revision = context.revision;
    let mut out = begin(context);
    let mut meta = Meta::new();
    match reply {
        Reply::Tool(result) => {
            tool(&mut out, &result, revision);
            meta = result.meta;
        }
        Reply::Resource(contents, cache) => {
            member(&mut out, "contents", &contents);
            hint(&mut out, revision, Some(cache));
        }
        Reply::Prompt(result) => {
            if let Some(description) = &result.description {
                member(&mut out, "description", description);
            }
            member(&mut out, "messages", &result.messages);
            meta = result.meta;
        }
        Reply::Completion(CompletionValues { mut values, total }) => {
            let more = values.len() > CompletionValues::MAX
                || total.is_some_and(|total| total > values.len());
            values.truncate(CompletionValues::MAX);
            let mut completion = json!({"values": values, "hasMore": more});
            if let Some(total) = total {
                completion["total"] = total.into();
            }
            member(&mut out, "completion", &completion);
        }
        Reply::Members(members, cache) => {
            if !members.is_empty() {
                out.extend_from_slice(&members);
                out.push(b',');
            }
            hint(&mut out, revision, cache);
        }
        Reply::Object(object) => {
            for (name, value) in object.as_object().into_iter().flatten() {
                // The runtime stamps these two itself.
                if name != "resultType" && name != "_meta" {
                    let key = Value::from(name.as_str()).to_string();
                    member(&mut out, &key[1..key.len() - 1], value);
                }
            }
        }
    }
    end(context, out, "complete", &meta).unwrap_or_else(|| {
        RpcError::invalid_request("the result can't be represented").to_message(Some(&context.id))
    })
}

fn tool(out: &mut Vec<u8>, result: &ToolResult, revision: Revision) {
    // A long result would otherwise be copied each time the buffer grows. What escapes add is a guess.
    let texts = result.content.iter().map(|block| match block {
        Content::Text { text, .. } => text.len() + text.len() / 4,
        _ => 0,
    });
    let structured = result.structured.as_ref().map_or(0, |raw| raw.get().len());
    let bytes = texts.sum::<usize>() + structured;
    if bytes > LONG_BYTES {
        out.reserve(bytes);
    }
    content(out, &result.content);
    if let Some(structured) = &result.structured {
        let is_object = structured.get().starts_with('{');
        if revision.has_free_structured_content()
            || (revision.has_structured_content() && is_object)
        {
            member(out, "structuredContent", structured);
        }
    }
    if result.is_error {
        member(out, "isError", &true);
    }
}

/// Appends `"content":[…],`. Texts, which most results are and which may be long, are written here; other blocks by serde.
fn content(out: &mut Vec<u8>, blocks: &[Content]) {
    out.extend_from_slice(b"\"content\":[");
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match block {
            Content::Text { text, annotations: None, meta } if meta.is_empty() => {
                out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
                write_string(out, text);
                out.push(b'}');
            }
            other => value(out, other),
        }
    }
    out.extend_from_slice(b"],");
}

fn hint(out: &mut Vec<u8>, revision: Revision, cache: Option<crate::cache::CacheHint>) {
    if let Some(cache) = cache.filter(|_| revision.is_modern()) {
        cache.write(out);
        out.push(b',');
    }
}
