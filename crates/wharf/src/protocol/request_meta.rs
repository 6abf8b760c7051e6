//! A request's `_meta`: what the specification puts there, read once.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    fields::{fields, string},
    headers::HeaderView,
    json::slice,
    rpc_error::RpcError,
};
use crate::meta::Meta;

/// The keys that the specification defines in `_meta`.
pub mod keys {
    /// The revision that a 2026-07-28 request speaks.
    pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    /// What the client can do, on every 2026-07-28 request.
    pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
    /// Which client it is.
    pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
    /// From which level on this request wants log messages.
    pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
    /// Which server answered.
    pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
    /// Which listen stream a notification belongs to.
    pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
}

/// The key under which a client may send an idempotency key for any tool.
const IDEMPOTENCY_KEY: &str = "dev.wharf/idempotencyKey";

/// The keys of `_meta` that the runtime acts on.
pub(super) const META: [&str; 7] = [
    keys::PROTOCOL_VERSION,
    keys::CLIENT_CAPABILITIES,
    keys::CLIENT_INFO,
    keys::LOG_LEVEL,
    "progressToken",
    "traceparent",
    IDEMPOTENCY_KEY,
];

/// Their raw JSON, in the same order.
pub(crate) type MetaFields<'a> = [Option<&'a str>; META.len()];

/// The severity of a log message (RFC 5424 section 6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum LogLevel {
    /// For debugging.
    Debug,
    /// Normal operation.
    Info,
    /// Normal, but worth a look.
    Notice,
    /// Something may be wrong.
    Warning,
    /// Something is wrong.
    Error,
    /// A part does not work.
    Critical,
    /// Someone must act now.
    Alert,
    /// Nothing works.
    Emergency,
}

impl LogLevel {
    const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, RpcError> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| {
            RpcError::invalid_params(
                "unknown log level; one of debug, info, notice, warning, error, critical, alert, emergency",
            )
        })
    }

    pub(crate) fn from_u8(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Emergency)
    }
}

/// The parts of `_meta` that the runtime acts on; the rest stays raw until a handler asks for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestMeta {
    /// The whole object as JSON; empty when the request has none.
    pub(crate) raw: Bytes,
    pub(crate) client_capabilities: Option<Bytes>,
    pub(crate) client_info: Option<Bytes>,
    pub(crate) log_level: Option<LogLevel>,
    /// The token as JSON (a string or a number), repeated in every progress notification.
    pub(crate) progress_token: Option<Bytes>,
    /// W3C trace context.
    pub(crate) traceparent: Option<Box<str>>,
    /// As JSON; whether it is a text is for those to ask who use it.
    pub(crate) idempotency_key: Option<Bytes>,
}

impl RequestMeta {
    /// Continues the trace that the HTTP headers name (W3C Trace Context section 3.2), unless the message names its own:
    /// what the client wrote is nearer to it than what a proxy added.
    pub(crate) fn continue_trace(&mut self, headers: HeaderView<'_>) {
        /// `00-{32 hex}-{16 hex}-{2 hex}`; later versions may be longer.
        const MAX_BYTES: usize = 128;
        if self.traceparent.is_some() {
            return;
        }
        const TRACEPARENT: http::HeaderName = http::HeaderName::from_static("traceparent");
        let header = headers.0.get(TRACEPARENT).and_then(|value| value.to_str().ok());
        self.traceparent = header.filter(|text| text.len() <= MAX_BYTES).map(Into::into);
    }

    /// Reads `raw`, which is a part of `body` and may have been read into `known` already. Gives the revision that it names
    /// beside it, since that matters only until the call begins.
    pub(crate) fn parse<'a>(
        body: &Bytes,
        raw: Option<&'a str>,
        known: Option<MetaFields<'a>>,
    ) -> Result<(Self, Option<Cow<'a, str>>), RpcError> {
        let Some(raw) = raw.filter(|raw| *raw != "null") else {
            return Ok((Self::default(), None));
        };
        let known = known.map_or_else(|| fields(raw, &META), Ok);
        let [version, capabilities, info, level, token, traceparent, idempotency_key] = known
            .map_err(|error| {
                RpcError::malformed_meta(format!("\"_meta\" is malformed: {error}"))
            })?;
        let text = |raw: Option<&str>| raw.and_then(string).map(Box::<str>::from);
        let named = version.and_then(string);
        if version.is_some() && named.is_none() {
            return Err(RpcError::malformed_meta(
                "the protocolVersion in \"_meta\" must be a string",
            ));
        }
        if capabilities.is_some_and(|raw| !raw.starts_with('{')) {
            return Err(RpcError::malformed_meta(
                "the clientCapabilities in \"_meta\" must be an object",
            ));
        }
        if token.is_some_and(|raw| {
            !raw.starts_with(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        }) {
            return Err(RpcError::malformed_meta(
                "the progressToken must be a string or an integer",
            ));
        }
        let log_level = match level {
            None => None,
            Some(raw) => Some(LogLevel::parse(string(raw).as_deref().unwrap_or_default())?),
        };
        let meta = Self {
            raw: slice(body, raw),
            client_capabilities: capabilities.map(|raw| slice(body, raw)),
            client_info: info.map(|raw| slice(body, raw)),
            log_level,
            progress_token: token.map(|raw| slice(body, raw)),
            traceparent: text(traceparent),
            idempotency_key: idempotency_key.map(|raw| slice(body, raw)),
        };
        Ok((meta, named))
    }

    /// The whole object, for a handler.
    pub(crate) fn to_meta(&self) -> Meta {
        serde_json::from_slice(&self.raw).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Result<(RequestMeta, Option<Cow<'static, str>>), RpcError> {
        let body = Bytes::from_static(text.as_bytes());
        RequestMeta::parse(&body, Some(text), None)
    }

    #[test]
    fn known_keys_are_read_and_the_rest_is_kept() {
        let (meta, version) = parse(
            r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":7,"mine/x":[1],
                "io.modelcontextprotocol/clientCapabilities":{"roots":{}},"io.modelcontextprotocol/logLevel":"info"}"#,
        )
        .unwrap();
        assert_eq!(version.as_deref(), Some("2026-07-28"));
        assert_eq!(meta.progress_token.as_deref(), Some(&b"7"[..]));
        assert_eq!(meta.log_level, Some(LogLevel::Info));
        assert_eq!(meta.to_meta().get("mine/x"), Some(&serde_json::json!([1])));
    }

    #[test]
    fn malformed_metadata_is_refused() {
        for text in [
            "[]",
            r#"{"io.modelcontextprotocol/protocolVersion":7}"#,
            r#"{"io.modelcontextprotocol/clientCapabilities":null}"#,
            r#"{"io.modelcontextprotocol/logLevel":"loud"}"#,
            r#"{"progressToken":{}}"#,
            r#"{"progressToken":1,"progressToken":2}"#,
        ] {
            assert_eq!(parse(text).unwrap_err().code, -32602, "{text}");
        }
    }

    #[test]
    fn the_trace_of_the_headers_is_continued_unless_the_message_has_its_own() {
        const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        #[track_caller]
        fn check(meta: &'static str, header: &str, expected: Option<&str>) {
            let mut headers = http::HeaderMap::new();
            headers.insert("traceparent", header.parse().unwrap());
            let (mut meta, _) = parse(meta).unwrap();
            meta.continue_trace(HeaderView(&headers));
            assert_eq!(meta.traceparent.as_deref(), expected);
        }
        check("{}", PARENT, Some(PARENT));
        check(r#"{"traceparent":"own"}"#, PARENT, Some("own"));
        check("{}", &"0".repeat(129), None);
    }
}
