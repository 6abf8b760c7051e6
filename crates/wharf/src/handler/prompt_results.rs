//! What the handlers of prompts and completions may give back, and how it becomes the protocol's results.

use serde::Serialize;

use super::extract::Invocation;
use crate::{
    content::{Content, Role},
    error::ToolError,
    meta::Meta,
};

/// One message of a prompt.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PromptMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content,
}

impl PromptMessage {
    /// The person speaks.
    pub fn user(content: impl Into<Content>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// The model speaks.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// The messages of a prompt.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PromptResult {
    /// What the prompt is for; the registered description when absent.
    pub description: Option<String>,
    /// The messages in order.
    pub messages: Vec<PromptMessage>,
    /// Metadata for the client.
    pub meta: Meta,
}

impl PromptResult {
    /// No messages yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message.
    #[must_use]
    pub fn with(mut self, message: PromptMessage) -> Self {
        self.messages.push(message);
        self
    }
}

/// What a prompt's handler may give back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the messages of a prompt",
    note = "give back text (`String`, one message of the person), `PromptMessage`, a `Vec` of them, or a `Result` of these"
)]
pub trait IntoPrompt {
    /// The messages.
    ///
    /// # Errors
    /// The handler's own failure.
    fn into_prompt(self) -> Result<PromptResult, ToolError>;
}

impl IntoPrompt for PromptResult {
    fn into_prompt(self) -> Result<PromptResult, ToolError> {
        Ok(self)
    }
}

impl IntoPrompt for PromptMessage {
    fn into_prompt(self) -> Result<PromptResult, ToolError> {
        Ok(PromptResult::new().with(self))
    }
}

impl IntoPrompt for Vec<PromptMessage> {
    fn into_prompt(self) -> Result<PromptResult, ToolError> {
        Ok(PromptResult { messages: self, ..PromptResult::default() })
    }
}

impl IntoPrompt for String {
    fn into_prompt(self) -> Result<PromptResult, ToolError> {
        PromptMessage::user(self).into_prompt()
    }
}

impl IntoPrompt for &'static str {
    fn into_prompt(self) -> Result<PromptResult, ToolError> {
        PromptMessage::user(self).into_prompt()
    }
}

impl<T: IntoPrompt, E: Into<ToolError>> IntoPrompt for Result<T, E> {
    fn into_prompt(self) -> Result<PromptResult, ToolError> {
        self.map_err(Into::into)?.into_prompt()
    }
}

/// Suggestions for one argument. At most [`CompletionValues::MAX`] are sent; the rest is announced as `hasMore`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CompletionValues {
    /// The suggestions, best first.
    pub values: Vec<String>,
    /// How many there are in all, if known.
    pub total: Option<usize>,
}

impl CompletionValues {
    /// The specification's bound (server/utilities/completion).
    pub const MAX: usize = 100;
}

/// What a completer may give back.
pub trait IntoCompletion {
    /// The suggestions.
    ///
    /// # Errors
    /// The handler's own failure.
    fn into_completion(self) -> Result<CompletionValues, ToolError>;
}

impl IntoCompletion for CompletionValues {
    fn into_completion(self) -> Result<CompletionValues, ToolError> {
        Ok(self)
    }
}

impl<T: Into<String>> IntoCompletion for Vec<T> {
    fn into_completion(self) -> Result<CompletionValues, ToolError> {
        let total = Some(self.len());
        Ok(CompletionValues { values: self.into_iter().map(Into::into).collect(), total })
    }
}

impl<T: IntoCompletion, E: Into<ToolError>> IntoCompletion for Result<T, E> {
    fn into_completion(self) -> Result<CompletionValues, ToolError> {
        self.map_err(Into::into)?.into_completion()
    }
}

pub(crate) fn prompt_result<T: IntoPrompt>(
    response: T,
    _: &Invocation,
) -> Result<PromptResult, ToolError> {
    response.into_prompt()
}

pub(crate) fn completion_result<T: IntoCompletion>(
    response: T,
    _: &Invocation,
) -> Result<CompletionValues, ToolError> {
    response.into_completion()
}
