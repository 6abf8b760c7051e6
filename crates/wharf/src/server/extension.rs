//! Extensions of the protocol: a capability, methods, and where their routing header comes from.
//!
//! The seam that tasks, apps, skills and a proxy use. A method answers only clients that declared the extension in the same
//! request (specification, basic/index: negotiation); everyone else gets -32021.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    error::ToolError,
    handler::{
        BoxHandler, Handler, Invocation, Json, Requirements, boxed, input_schema_of,
        requirements_of,
    },
    schema::InputSchema,
    server::BuildError,
};

/// One extension.
#[derive(Clone)]
#[non_exhaustive]
pub struct Extension {
    pub(crate) id: Arc<str>,
    pub(crate) capability: Map<String, Value>,
    pub(super) methods: Vec<Method>,
}

#[derive(Clone)]
pub(super) struct Method {
    pub(super) name: Arc<str>,
    name_parameter: Option<Arc<str>>,
    schema: Option<Value>,
    pub(super) handler: BoxHandler<Value>,
    pub(super) requirements: Requirements,
}

impl std::fmt::Debug for Extension {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extension").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What an extension's method may give back.
pub trait IntoExtensionResult {
    /// The result object.
    ///
    /// # Errors
    /// The handler's own failure, or a result that is not a JSON object.
    fn into_extension_result(self) -> Result<Value, ToolError>;
}

impl<T: Serialize> IntoExtensionResult for Json<T> {
    fn into_extension_result(self) -> Result<Value, ToolError> {
        let value = serde_json::to_value(self.0)?;
        if value.is_object() {
            Ok(value)
        } else {
            Err(ToolError::internal("an extension's result must be an object"))
        }
    }
}

impl<T: IntoExtensionResult, E: Into<ToolError>> IntoExtensionResult for Result<T, E> {
    fn into_extension_result(self) -> Result<Value, ToolError> {
        self.map_err(Into::into)?.into_extension_result()
    }
}

fn convert<T: IntoExtensionResult>(response: T, _: &Invocation) -> Result<Value, ToolError> {
    response.into_extension_result()
}

impl Extension {
    /// An extension called `id`, such as `com.example/audit`.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self { id: id.into(), capability: Map::new(), methods: Vec::new() }
    }

    /// A setting in the capability object that clients read.
    #[must_use]
    pub fn setting(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.capability.insert(key.into(), value.into());
        self
    }

    /// Serves `method`. Its `params` are the handler's arguments.
    #[must_use]
    pub fn method<M, H>(mut self, method: impl Into<Arc<str>>, handler: H) -> Self
    where
        H: Handler<M>,
        H::Response: IntoExtensionResult,
    {
        let schema = input_schema_of::<M, H>(&handler);
        let requirements = requirements_of::<M, H>(&handler);
        let handler = boxed(handler, convert::<H::Response>);
        let (name, name_parameter) = (method.into(), None);
        self.methods.push(Method { name, name_parameter, schema, handler, requirements });
        self
    }

    /// The last added method repeats its parameter `parameter` in the header `Mcp-Name`.
    #[must_use]
    pub fn named_by(mut self, parameter: impl Into<Arc<str>>) -> Self {
        if let Some(method) = self.methods.last_mut() {
            method.name_parameter = Some(parameter.into());
        }
        self
    }

    pub(crate) fn entries(&self) -> Result<Vec<ExtensionMethod>, BuildError> {
        let compile = |method: &Method| {
            let schema = match &method.schema {
                Some(schema) => {
                    Some(InputSchema::compile(schema).map_err(|error| BuildError::Schema {
                        what: format!("method {}", method.name),
                        error: error.to_string(),
                    })?)
                }
                None => None,
            };
            Ok(ExtensionMethod {
                name: Arc::clone(&method.name),
                extension: Arc::clone(&self.id),
                name_parameter: method.name_parameter.clone(),
                schema,
                handler: Arc::clone(&method.handler),
            })
        };
        self.methods.iter().map(compile).collect()
    }
}

/// A compiled method.
pub(crate) struct ExtensionMethod {
    pub(crate) name: Arc<str>,
    pub(crate) extension: Arc<str>,
    pub(crate) name_parameter: Option<Arc<str>>,
    pub(crate) schema: Option<InputSchema>,
    pub(crate) handler: BoxHandler<Value>,
}
