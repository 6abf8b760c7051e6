//! Registered items, compiled: what a call looks up.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    BuildError, completer::Completer, policy::Policy, prompt::Prompt, resource::Resource,
    tool::Tool,
};
use crate::{
    cache::CacheHint,
    content::ResourceContents,
    handler::{BoxHandler, PromptResult, ToolResult},
    protocol::{HeaderView, RpcError, UriTemplate},
    schema::InputSchema,
};

/// A tool.
pub(crate) struct ToolEntry {
    pub(crate) name: Arc<str>,
    pub(crate) definition: Bytes,
    /// For legacy clients, where it differs.
    pub(crate) legacy_definition: Option<Bytes>,
    pub(crate) input: InputSchema,
    pub(crate) headers: Vec<HeaderParameter>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) policy: Policy,
    pub(crate) output_schema: Option<Value>,
    pub(crate) handler: BoxHandler<ToolResult>,
}

/// A parameter that clients repeat in a header.
#[derive(Debug, PartialEq)]
pub(crate) struct HeaderParameter {
    pointer: String,
    header: String,
}

impl HeaderParameter {
    /// Compares the header with the raw, uncoerced arguments (streamable-http, custom headers).
    pub(crate) fn check(&self, headers: HeaderView<'_>, arguments: &Value) -> Result<(), RpcError> {
        let sent = headers.value(&self.header)?;
        let value = arguments.pointer(&self.pointer).filter(|value| !value.is_null());
        let name = &self.header;
        match (value, sent) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(RpcError::header_mismatch(format!(
                "the header {name} is there, its parameter is not"
            ))),
            (Some(_), None) => {
                Err(RpcError::header_mismatch(format!("the header {name} is missing")))
            }
            (Some(value), Some(sent)) => {
                let same = match value {
                    Value::String(text) => *text == sent,
                    Value::Bool(flag) => sent == if *flag { "true" } else { "false" },
                    // Integers compare as numbers: 7 and 7.0 are the same.
                    Value::Number(number) => {
                        number.to_string() == sent
                            || sent.parse::<f64>().is_ok_and(|sent| number.as_f64() == Some(sent))
                    }
                    _ => false,
                };
                if same {
                    Ok(())
                } else {
                    Err(RpcError::header_mismatch(format!(
                        "the header {name} differs from the body"
                    )))
                }
            }
        }
    }
}

fn is_tool_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl ToolEntry {
    pub(crate) fn compile(tool: Tool) -> Result<Self, BuildError> {
        let Tool { mut spec, handler } = tool;
        let what = format!("tool {:?}", spec.name);
        if !is_tool_name(&spec.name) {
            return Err(BuildError::Name { what, rule: "use 1 to 64 of A-Z a-z 0-9 _ . - /" });
        }
        let schema = spec.input_schema.get_or_insert_with(
            || json!({"type": "object", "properties": {}, "additionalProperties": false}),
        );
        for (pointer, header) in &spec.header_parameters {
            let property = pointer.replace('/', "/properties/");
            match schema.pointer_mut(&property).and_then(Value::as_object_mut) {
                Some(property) => {
                    drop(property.insert("x-mcp-header".into(), header.clone().into()))
                }
                None => {
                    return Err(BuildError::Header {
                        what,
                        error: format!("no parameter at {pointer:?}"),
                    });
                }
            }
        }
        let mut headers = Vec::new();
        collect_headers(schema, String::new(), &mut headers)
            .map_err(|error| BuildError::Header { what: what.clone(), error })?;
        let input = InputSchema::compile(schema)
            .map_err(|error| BuildError::Schema { what: what.clone(), error: error.to_string() })?;
        let definition = |free_output| Bytes::from(spec.definition(free_output).to_string());
        Ok(Self {
            definition: definition(true),
            legacy_definition: (!spec.has_object_output()).then(|| definition(false)),
            name: spec.name,
            input,
            headers,
            timeout: spec.timeout,
            policy: spec.policy,
            output_schema: spec.output_schema,
            handler,
        })
    }
}

/// Finds `x-mcp-header` on properties, and refuses what the specification forbids (server/tools).
fn collect_headers(
    schema: &Value,
    pointer: String,
    found: &mut Vec<HeaderParameter>,
) -> Result<(), String> {
    let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
    for (name, property) in properties {
        let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        if let Some(header) = property.get("x-mcp-header") {
            let header = header.as_str().filter(|header| is_token(header)).ok_or_else(|| {
                format!("x-mcp-header at {pointer:?} must be a header name (RFC 9110 token)")
            })?;
            if !matches!(property["type"].as_str(), Some("string" | "integer" | "boolean")) {
                return Err(format!(
                    "x-mcp-header at {pointer:?} needs a string, integer or boolean parameter"
                ));
            }
            let header = format!("Mcp-Param-{header}");
            if found.iter().any(|other| other.header.eq_ignore_ascii_case(&header)) {
                return Err(format!("two parameters use the header {header}"));
            }
            found.push(HeaderParameter { pointer: pointer.clone(), header });
        }
        collect_headers(property, pointer, found)?;
    }
    Ok(())
}

/// A resource, or a family behind a template.
pub(crate) struct ResourceEntry {
    /// The URI or the template.
    pub(crate) uri: Arc<str>,
    pub(crate) template: Option<UriTemplate>,
    pub(crate) definition: Bytes,
    pub(crate) mime_type: Option<Arc<str>>,
    pub(crate) cache: CacheHint,
    pub(crate) variables: Option<InputSchema>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) completers: std::collections::HashMap<String, Completer>,
    pub(crate) handler: BoxHandler<Vec<ResourceContents>>,
}

impl ResourceEntry {
    /// The variables with which its template makes `uri`.
    pub(crate) fn variables_of(&self, uri: &str) -> Option<Value> {
        let variables = self.template.as_ref()?.matches(uri)?;
        let variables =
            variables.into_iter().map(|(name, value)| (name.to_string(), Value::from(value)));
        Some(Value::Object(variables.collect()))
    }

    pub(crate) fn compile(resource: Resource) -> Result<Self, BuildError> {
        let Resource { spec, handler } = resource;
        let what = format!("resource {:?}", spec.uri);
        let template = match spec.is_template {
            true => Some(UriTemplate::parse(&spec.uri).map_err(|error| BuildError::Template {
                what: what.clone(),
                error: error.to_string(),
            })?),
            false if !spec.uri.contains(':') => {
                return Err(BuildError::Name {
                    what,
                    rule: "a URI has a scheme, such as greeting://",
                });
            }
            false => None,
        };
        let variables = spec.variables_schema.as_ref().map(InputSchema::compile).transpose();
        let variables = variables
            .map_err(|error| BuildError::Schema { what: what.clone(), error: error.to_string() })?;
        Ok(Self {
            definition: Bytes::from(spec.definition().to_string()),
            uri: spec.uri,
            template,
            mime_type: spec.mime_type,
            cache: spec.cache,
            variables,
            timeout: spec.timeout,
            completers: spec.completers,
            handler,
        })
    }
}

/// A prompt.
pub(crate) struct PromptEntry {
    pub(crate) name: Arc<str>,
    pub(crate) description: Option<String>,
    pub(crate) definition: Bytes,
    pub(crate) arguments: Option<InputSchema>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) completers: std::collections::HashMap<String, Completer>,
    pub(crate) handler: BoxHandler<PromptResult>,
}

impl PromptEntry {
    pub(crate) fn compile(prompt: Prompt) -> Result<Self, BuildError> {
        let Prompt { spec, handler } = prompt;
        let what = format!("prompt {:?}", spec.name);
        if spec.name.is_empty() || spec.name.len() > 128 {
            return Err(BuildError::Name { what, rule: "use 1 to 128 bytes" });
        }
        let arguments = spec.arguments_schema.as_ref().map(InputSchema::compile).transpose();
        let arguments = arguments
            .map_err(|error| BuildError::Schema { what: what.clone(), error: error.to_string() })?;
        Ok(Self {
            definition: Bytes::from(spec.definition().to_string()),
            name: spec.name,
            description: spec.description,
            arguments,
            timeout: spec.timeout,
            completers: spec.completers,
            handler,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_header_parameters_are_refused() {
        let check = |schema: Value, ok: bool| {
            let mut found = Vec::new();
            assert_eq!(collect_headers(&schema, String::new(), &mut found).is_ok(), ok, "{schema}");
        };
        let string = |header: &str| json!({"type": "string", "x-mcp-header": header});
        check(json!({"properties": {"a": string("Region")}}), true);
        check(json!({"properties": {"a": {"properties": {"b": string("Region")}}}}), true);
        check(json!({"properties": {"a": string("Re gion")}}), false);
        check(json!({"properties": {"a": string("")}}), false);
        check(json!({"properties": {"a": string("X"), "b": string("x")}}), false);
        check(json!({"properties": {"a": {"type": "number", "x-mcp-header": "N"}}}), false);
        check(json!({"properties": {"a": {"type": "object", "x-mcp-header": "N"}}}), false);
    }

    #[test]
    fn header_parameters_compare_with_the_raw_arguments() {
        let parameter = HeaderParameter { pointer: "/n".into(), header: "Mcp-Param-N".into() };
        let check = |sent: Option<&str>, arguments: Value, ok: bool| {
            let mut headers = http::HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert("mcp-param-n", sent.parse().unwrap());
            }
            assert_eq!(
                parameter.check(HeaderView(&headers), &arguments).is_ok(),
                ok,
                "{sent:?} {arguments}"
            );
        };
        check(Some("7"), json!({"n": 7}), true);
        check(Some("7.0"), json!({"n": 7}), true);
        check(Some("7"), json!({"n": "7"}), true);
        check(Some("8"), json!({"n": 7}), false);
        check(Some("true"), json!({"n": true}), true);
        check(Some("True"), json!({"n": true}), false);
        check(Some("=?base64?w6k=?="), json!({"n": "é"}), true);
        check(None, json!({"n": null}), true);
        check(None, json!({}), true);
        check(None, json!({"n": ""}), false);
        check(Some("x"), json!({}), false);
    }
}
