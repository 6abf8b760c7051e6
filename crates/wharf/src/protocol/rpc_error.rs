//! JSON-RPC errors: the codes that the specification assigns, and Wharf's own outside the reserved ranges.
//!
//! -32768…-32000 belong to JSON-RPC and MCP. Of -32020…-32099 only the three that 2026-07-28 defines are ever sent;
//! the taxonomy's entries without an assigned code use -31001…-31007 and repeat their name in `data.code`.

use std::{borrow::Cow, fmt};

use serde_json::{Value, json};

use super::{id::Id, revision::Revision};
use crate::{
    capability::Missing,
    error::{ErrorKind, Failure},
};

/// A failure of the protocol, or a handler's failure in a place that has no `isError` results.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RpcError {
    /// The JSON-RPC error code.
    pub code: i32,
    /// What the caller reads.
    pub message: Cow<'static, str>,
    /// Machine-readable particulars.
    pub data: Option<Value>,
    pub(crate) kind: ErrorKind,
    /// The HTTP status that carries it; other transports ignore it.
    pub(crate) status: u16,
}

impl RpcError {
    pub(crate) fn new(
        code: i32,
        status: u16,
        kind: ErrorKind,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, message: message.into(), data: None, kind, status }
    }

    pub(crate) fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// -32700: the bytes are not JSON.
    pub(crate) fn parse(detail: impl fmt::Display) -> Self {
        Self::new(-32700, 400, ErrorKind::InvalidInput, format!("not valid JSON: {detail}"))
    }

    /// -32600: JSON, but not a JSON-RPC 2.0 message.
    pub(crate) fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32600, 400, ErrorKind::InvalidInput, message)
    }

    /// -32601 with HTTP 404 (2026-07-28, streamable-http).
    pub(crate) fn method_not_found(method: &str) -> Self {
        let message = format!("this server has no method {}", Quoted(method));
        Self::new(-32601, 404, ErrorKind::ResourceNotFound, message)
    }

    /// -32602: the parameters do not fit the method.
    pub(crate) fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32602, 200, ErrorKind::InvalidInput, message)
    }

    /// -32602 with HTTP 400: what every 2026-07-28 request must carry is missing or malformed.
    pub(crate) fn malformed_meta(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32602, 400, ErrorKind::InvalidInput, message)
    }

    /// -32602: no tool of that name, or hidden from this caller.
    pub(crate) fn unknown_tool(name: &str, near: Option<&str>) -> Self {
        let hint = match near {
            Some(near) => format!("did you mean {}?", Quoted(near)),
            None => "call tools/list for the names".to_owned(),
        };
        Self::new(
            -32602,
            200,
            ErrorKind::ResourceNotFound,
            format!("unknown tool {}; {hint}", Quoted(name)),
        )
    }

    /// The code that the revision assigns: -32602 on 2026-07-28 (SEP-2164), -32002 before; `data.uri` names it.
    pub(crate) fn resource_not_found(revision: Revision, uri: &str) -> Self {
        let code = if revision.is_modern() { -32602 } else { -32002 };
        let message =
            format!("no resource at {}; call resources/list for what there is", Quoted(uri));
        // The error repeats a bounded part of the URI: it may be a megabyte long.
        let data = json!({"uri": uri.chars().take(2048).collect::<String>(), "code": "RESOURCE_NOT_FOUND"});
        Self::new(code, 200, ErrorKind::ResourceNotFound, message).with_data(data)
    }

    /// -32020: a header is missing, malformed or differs from the body.
    pub(crate) fn header_mismatch(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32020, 400, ErrorKind::InvalidInput, message)
    }

    /// -32021: the handler needs a client capability that the request did not declare.
    pub(crate) fn missing_capability(required: Value, what: &str) -> Self {
        let message =
            format!("this needs the client capability {what}, which the request does not declare");
        Self::new(-32021, 400, ErrorKind::InvalidInput, message)
            .with_data(json!({"requiredCapabilities": required}))
    }

    /// -32022: the revision is not served.
    pub(crate) fn unsupported_version(requested: &str) -> Self {
        let supported: Vec<_> = Revision::ALL.iter().map(|revision| revision.as_str()).collect();
        let requested: String = requested.chars().take(64).collect();
        Self::new(-32022, 400, ErrorKind::InvalidInput, "unsupported protocol version")
            .with_data(json!({"supported": supported, "requested": requested}))
    }

    /// -31007: no room for this at the moment, and nothing was begun.
    pub(crate) fn no_room(message: &'static str) -> Self {
        Self::new(-31007, 503, ErrorKind::ServiceUnavailable, message)
    }

    /// A taxonomy failure where results have no `isError`. Internal detail has been logged by now and is not in it.
    pub(crate) fn from_failure(failure: &Failure) -> Self {
        let code = match failure.kind {
            ErrorKind::InvalidInput | ErrorKind::ResourceNotFound => -32602,
            ErrorKind::Internal => -32603,
            ErrorKind::AuthenticationFailed => -31001,
            ErrorKind::PermissionDenied => -31002,
            ErrorKind::RateLimited => -31003,
            ErrorKind::Timeout => -31004,
            ErrorKind::Cancelled => -31005,
            ErrorKind::Conflict => -31006,
            ErrorKind::ServiceUnavailable => -31007,
        };
        let data = serde_json::to_value(failure).unwrap_or_default();
        Self::new(code, 200, failure.kind, failure.message.clone()).with_data(data)
    }

    pub(crate) fn from_capability(missing: &Missing, revision: Revision) -> Self {
        let (required, what) = (missing.capability.required(), missing.capability.describe());
        let mut error = if revision.is_modern() {
            Self::missing_capability(required, what)
        } else {
            Self::invalid_params(format!(
                "this needs the client capability {what}, which the client did not declare in initialize"
            ))
            .with_data(json!({"requiredCapabilities": required}))
        };
        if let Some(name) = &missing.or_argument {
            error.message = format!("{}; pass the argument {name:?} instead", error.message).into();
        }
        error
    }

    /// What was wrong with a message that never became a call, in one word for records.
    pub(crate) fn reason(&self) -> &'static str {
        match self.code {
            -32700 => "not_json",
            -32600 => "invalid_request",
            -32601 => "unknown_method",
            -32602 => "invalid_params",
            -32020 => "header_mismatch",
            -32022 => "unsupported_version",
            _ => "refused",
        }
    }

    /// The whole message.
    pub(crate) fn to_message(&self, id: Option<&Id>) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
        match id {
            Some(id) => id.write(&mut out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"error\":");
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        // Serialising a Value to a Vec can't fail.
        drop(serde_json::to_writer(&mut out, &error));
        out.push(b'}');
        out
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for RpcError {}

/// A foreign name in a message: quoted, control characters escaped, cut at 64 characters.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX: usize = 64;
        f.write_str("\"")?;
        for character in self.0.chars().take(MAX).flat_map(char::escape_debug) {
            write!(f, "{character}")?;
        }
        f.write_str(if self.0.chars().nth(MAX).is_some() { "…\"" } else { "\"" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_codes_stay_outside_the_reserved_ranges() {
        for kind in [
            ErrorKind::AuthenticationFailed,
            ErrorKind::PermissionDenied,
            ErrorKind::RateLimited,
            ErrorKind::Timeout,
            ErrorKind::Cancelled,
            ErrorKind::Conflict,
            ErrorKind::ServiceUnavailable,
        ] {
            let error = RpcError::from_failure(&Failure::new(kind, "x"));
            assert!(!(-32768..=-32000).contains(&error.code), "{kind}");
            assert_eq!(error.data.unwrap()["code"], kind.code());
        }
    }

    #[test]
    fn foreign_names_are_cut_and_escaped() {
        assert_eq!(Quoted("a\u{1b}\"b").to_string(), "\"a\\u{1b}\\\"b\"");
        assert_eq!(Quoted(&"x".repeat(1_000_000)).to_string().chars().count(), 67);
    }
}
