//! What handlers may give back, and how it becomes the protocol's results.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::extract::{Direction, Invocation, derive_schema};
use crate::{
    content::{Content, ResourceContents},
    error::ToolError,
    meta::Meta,
};

/// The result of a tool: content for the model, structured content for programs, or a failure that the model may repair.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ToolResult {
    /// Blocks in the order in which they are read.
    pub content: Vec<Content>,
    /// Structured content as JSON.
    pub structured: Option<Box<RawValue>>,
    /// Whether the call failed.
    pub is_error: bool,
    /// Metadata for the client.
    pub meta: Meta,
}

impl ToolResult {
    /// An empty success.
    pub fn new() -> Self {
        Self::default()
    }

    /// One block of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().with(Content::text(text))
    }

    /// A failure in words, without a code: prefer returning a [`ToolError`].
    pub fn failure(text: impl Into<String>) -> Self {
        let mut result = Self::text(text);
        result.is_error = true;
        result
    }

    /// Structured content, mirrored as text for clients that only read text (specification, server/tools).
    ///
    /// # Errors
    /// When `value` can't be represented in JSON.
    pub fn structured<T: Serialize + ?Sized>(value: &T) -> Result<Self, ToolError> {
        let raw = serde_json::value::to_raw_value(value)?;
        let mut result = Self::text(raw.get());
        result.structured = Some(raw);
        Ok(result)
    }

    /// Adds a block.
    #[must_use]
    pub fn with(mut self, content: impl Into<Content>) -> Self {
        self.content.push(content.into());
        self
    }

    /// Adds metadata for the client.
    #[must_use]
    pub fn meta(mut self, meta: Meta) -> Self {
        self.meta = meta;
        self
    }
}

/// A value that becomes structured content, with its JSON Schema as the tool's output schema.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// What a tool's handler may give back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the result of a tool",
    note = "give back text (`String`), `Json<T>`, `Content`, `ToolResult`, `()`, or a `Result` of these with `ToolError`"
)]
pub trait IntoToolResult {
    /// The result.
    ///
    /// # Errors
    /// The handler's own failure, or a value that can't be represented.
    fn into_tool_result(self) -> Result<ToolResult, ToolError>;

    /// The JSON Schema of the structured content, if there always is some.
    fn output_schema() -> Option<Value> {
        None
    }
}

impl IntoToolResult for ToolResult {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(self)
    }
}

impl IntoToolResult for () {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::new())
    }
}

impl IntoToolResult for String {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::text(self))
    }
}

impl IntoToolResult for &'static str {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::text(self))
    }
}

impl IntoToolResult for Content {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::new().with(self))
    }
}

impl IntoToolResult for Vec<Content> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult { content: self, ..ToolResult::default() })
    }
}

impl<T: Serialize + JsonSchema> IntoToolResult for Json<T> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        ToolResult::structured(&self.0)
    }

    fn output_schema() -> Option<Value> {
        Some(derive_schema::<T>(Direction::Output))
    }
}

impl<T: IntoToolResult, E: Into<ToolError>> IntoToolResult for Result<T, E> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        self.map_err(Into::into)?.into_tool_result()
    }

    fn output_schema() -> Option<Value> {
        T::output_schema()
    }
}

/// What a resource's handler may give back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the contents of a resource",
    note = "give back text (`String`), bytes (`Vec<u8>`, `Bytes`), `Json<T>`, `ResourceContents`, or a `Result` of these"
)]
pub trait IntoResource {
    /// The contents. `uri` and `mime_type` are those of the registered resource.
    ///
    /// # Errors
    /// The handler's own failure.
    fn into_resource(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, ToolError>;
}

fn typed(contents: ResourceContents, mime_type: Option<&str>) -> Vec<ResourceContents> {
    vec![match mime_type {
        Some(mime_type) => contents.mime_type(mime_type),
        None => contents,
    }]
}

impl IntoResource for String {
    fn into_resource(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, ToolError> {
        Ok(typed(ResourceContents::text(uri, self), Some(mime_type.unwrap_or("text/plain"))))
    }
}

impl IntoResource for &'static str {
    fn into_resource(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, ToolError> {
        self.to_owned().into_resource(uri, mime_type)
    }
}

impl IntoResource for Bytes {
    fn into_resource(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, ToolError> {
        Ok(typed(
            ResourceContents::blob(uri, self),
            Some(mime_type.unwrap_or("application/octet-stream")),
        ))
    }
}

impl IntoResource for Vec<u8> {
    fn into_resource(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, ToolError> {
        Bytes::from(self).into_resource(uri, mime_type)
    }
}

impl<T: Serialize> IntoResource for Json<T> {
    fn into_resource(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, ToolError> {
        let text = serde_json::to_string(&self.0)?;
        Ok(typed(ResourceContents::text(uri, text), Some(mime_type.unwrap_or("application/json"))))
    }
}

impl IntoResource for ResourceContents {
    fn into_resource(self, _: &str, _: Option<&str>) -> Result<Vec<ResourceContents>, ToolError> {
        Ok(vec![self])
    }
}

impl IntoResource for Vec<ResourceContents> {
    fn into_resource(self, _: &str, _: Option<&str>) -> Result<Vec<ResourceContents>, ToolError> {
        Ok(self)
    }
}

impl<T: IntoResource, E: Into<ToolError>> IntoResource for Result<T, E> {
    fn into_resource(
        self,
        uri: &str,
        mime_type: Option<&str>,
    ) -> Result<Vec<ResourceContents>, ToolError> {
        self.map_err(Into::into)?.into_resource(uri, mime_type)
    }
}

pub(crate) fn tool_result<T: IntoToolResult>(
    response: T,
    _: &Invocation,
) -> Result<ToolResult, ToolError> {
    response.into_tool_result()
}

pub(crate) fn resource_result<T: IntoResource>(
    response: T,
    invocation: &Invocation,
) -> Result<Vec<ResourceContents>, ToolError> {
    response.into_resource(invocation.uri(), invocation.mime_type.as_deref())
}
