//! Registered items, compiled: what a call looks up.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    BuildError,
    completer::Completer,
    header_parameter::{HeaderParameter, collect_headers},
    output::OutputContract,
    policy::Policy,
    prompt::Prompt,
    provide::Stateful,
    resource::Resource,
    tool::Tool,
};
use crate::{
    cache::CacheHint,
    cache_policy::CachePolicy,
    content::ResourceContents,
    handler::{BoxHandler, CompletionValues, PromptResult, ToolResult},
    protocol::UriTemplate,
    schema::InputSchema,
    scope::Scope,
};

static NEXT_SERIAL: AtomicU64 = AtomicU64::new(0);

/// Completers by the name of what they complete.
type Completers = HashMap<String, BoxHandler<CompletionValues>>;

fn handlers(completers: HashMap<String, Completer>) -> Completers {
    completers.into_iter().map(|(name, completer)| (name, completer.handler)).collect()
}

/// A tool.
pub(crate) struct ToolEntry {
    pub(crate) name: Arc<str>,
    pub(crate) definition: Bytes,
    /// For legacy clients, where it differs.
    pub(crate) legacy_definition: Option<Bytes>,
    pub(crate) input: InputSchema,
    pub(crate) headers: Vec<HeaderParameter>,
    pub(crate) output: Option<OutputContract>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) scopes: Box<[Scope]>,
    /// Which parameter is the idempotency key.
    pub(crate) idempotent_by: Option<Arc<str>>,
    pub(crate) cache: Option<CachePolicy>,
    /// Tells entries apart that have the same name at different times.
    pub(crate) serial: u64,
    pub(crate) policy: Policy,
    pub(crate) output_schema: Option<Value>,
    pub(crate) handler: BoxHandler<ToolResult>,
}

fn is_tool_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
}

impl ToolEntry {
    /// `enforce` makes a result that does not fit the output schema a failure.
    pub(crate) fn compile(mut tool: Tool, enforce: bool) -> Result<Self, BuildError> {
        tool.bind()?;
        let Tool { mut spec, handler } = tool;
        let what = format!("tool {:?}", spec.name);
        if !is_tool_name(&spec.name) {
            return Err(BuildError::Name { what, rule: "use 1 to 64 of A-Z a-z 0-9 _ . - /" });
        }
        if let Some(error) = &spec.unfit_form {
            return Err(BuildError::Schema { what, error: error.to_string() });
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
        if let Some(parameter) = &spec.idempotent_by
            && schema["properties"].get(&**parameter).is_none()
        {
            let error = format!("idempotent_by names {parameter:?}, which is no parameter");
            return Err(BuildError::Schema { what, error });
        }
        let input = InputSchema::compile(schema)
            .map_err(|error| BuildError::Schema { what: what.clone(), error: error.to_string() })?;
        let output = spec.output_schema.as_ref();
        let output = output.map(|schema| OutputContract::compile(schema, enforce)).transpose();
        let output = output.map_err(|error| BuildError::Schema {
            what: format!("{what}, output schema"),
            error: error.to_string(),
        })?;
        let definition = |free_output| Bytes::from(spec.definition(free_output).to_string());
        Ok(Self {
            definition: definition(true),
            legacy_definition: (!spec.has_object_output()).then(|| definition(false)),
            name: spec.name,
            input,
            headers,
            output,
            timeout: spec.timeout,
            scopes: scopes(&what, &spec.scopes)?,
            idempotent_by: spec.idempotent_by,
            cache: spec.cache,
            serial: NEXT_SERIAL.fetch_add(1, Ordering::Relaxed),
            policy: spec.policy,
            output_schema: spec.output_schema,
            handler,
        })
    }
}

fn scopes(what: &str, texts: &[String]) -> Result<Box<[Scope]>, BuildError> {
    let parse = |text: &String| {
        Scope::new(text).map_err(|error| BuildError::Scope { what: what.to_owned(), error })
    };
    texts.iter().map(parse).collect()
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
    pub(crate) scopes: Box<[Scope]>,
    pub(crate) completers: Completers,
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

    pub(crate) fn compile(mut resource: Resource) -> Result<Self, BuildError> {
        resource.bind()?;
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
            scopes: scopes(&what, &spec.scopes)?,
            completers: handlers(spec.completers),
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
    pub(crate) scopes: Box<[Scope]>,
    pub(crate) completers: Completers,
    pub(crate) handler: BoxHandler<PromptResult>,
}

impl PromptEntry {
    pub(crate) fn compile(mut prompt: Prompt) -> Result<Self, BuildError> {
        prompt.bind()?;
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
            scopes: scopes(&what, &spec.scopes)?,
            completers: handlers(spec.completers),
            handler,
        })
    }
}
