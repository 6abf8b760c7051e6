//! The parameters of a request, read once and kept as raw JSON until a method needs them.

use std::borrow::Cow;

use serde_json::Value;

use crate::protocol::{FieldsError, Inside, MetaFields, PARAMETERS, RpcError, fields, string};

/// The methods whose parameters have the names below.
pub(super) const CORE_METHODS: [&str; 15] = [
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
];

/// Every parameter that the core's methods know ([`PARAMETERS`]), as raw JSON.
#[derive(Default)]
pub(super) struct Params<'a> {
    pub(super) meta: Option<&'a str>,
    /// Its members, if they were read before.
    pub(super) meta_fields: Option<MetaFields<'a>>,
    pub(super) name: Option<&'a str>,
    pub(super) arguments: Option<&'a str>,
    /// The same as a tree, if it was read before; taken by whoever needs it.
    pub(super) tree: Option<Value>,
    pub(super) uri: Option<&'a str>,
    pub(super) cursor: Option<&'a str>,
    pub(super) reference: Option<&'a str>,
    pub(super) argument: Option<&'a str>,
    pub(super) context: Option<&'a str>,
    pub(super) level: Option<&'a str>,
    pub(super) notifications: Option<&'a str>,
    pub(super) responses: Option<&'a str>,
    pub(super) state: Option<&'a str>,
    pub(super) protocol_version: Option<&'a str>,
    pub(super) capabilities: Option<&'a str>,
    pub(super) client_info: Option<&'a str>,
}

impl<'a> Params<'a> {
    /// Reads the parameters of `method`, as far as they were not read before. Names of the core mean nothing to a method of
    /// an extension, which may have a `URI` or `Name` of its own: there only `_meta` is read.
    pub(super) fn parse(
        method: &str,
        raw: Option<&'a str>,
        inside: Inside<'a>,
    ) -> Result<Self, RpcError> {
        let Some(raw) = raw else { return Ok(Self::default()) };
        let meta_fields = inside.meta;
        if !CORE_METHODS.contains(&method) {
            let [meta] = fields(raw, &["_meta"]).map_err(malformed)?;
            return Ok(Self { meta, meta_fields, ..Self::default() });
        }
        let parameters = inside.parameters.map_or_else(|| fields(raw, &PARAMETERS), Ok);
        let [meta, name, arguments, uri, cursor, reference, argument, context, level, rest @ ..] =
            parameters.map_err(malformed)?;
        let [notifications, responses, state, protocol_version, capabilities, client_info] = rest;
        Ok(Self {
            meta,
            meta_fields,
            name,
            arguments,
            tree: inside.arguments,
            uri,
            cursor,
            reference,
            argument,
            context,
            level,
            notifications,
            responses,
            state,
            protocol_version,
            capabilities,
            client_info,
        })
    }

    pub(super) fn text(&self, raw: Option<&'a str>, name: &str) -> Result<Cow<'a, str>, RpcError> {
        raw.and_then(string)
            .ok_or_else(|| RpcError::invalid_params(format!("\"{name}\" must be a string")))
    }

    pub(super) fn optional(
        &self,
        raw: Option<&'a str>,
        name: &str,
    ) -> Result<Option<Cow<'a, str>>, RpcError> {
        raw.filter(|raw| *raw != "null").map(|raw| self.text(Some(raw), name)).transpose()
    }
}

pub(super) fn malformed(error: FieldsError) -> RpcError {
    RpcError::invalid_params(format!("\"params\" is malformed: {error}"))
}
