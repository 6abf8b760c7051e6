//! Handlers: plain async functions whose parameters say what they need and whose result says what they give.
//!
//! One mechanism serves tools, resources, prompts, completions and extension methods: [`Handler`] is implemented for async
//! functions of up to eight [`FromCall`] parameters; what differs is only which results each place accepts.

pub(crate) mod ask;
mod extract;
mod function;
mod log;
mod polling;
mod progress;
mod prompt_results;
mod results;
mod state;
mod typed;

pub use ask::{Answer, Answers, Ask, Form, FormError, Question, Round};
pub use extract::{Args, Cancel, ClientInfo, Events, FromCall, Invocation, Uri};
pub use function::{BoxHandler, Handler};
pub(crate) use function::{boxed, input_schema_of, requirements_of};
pub use log::Log;
pub use polling::Polling;
pub use progress::Progress;
pub use prompt_results::{
    CompletionValues, IntoCompletion, IntoPrompt, PromptMessage, PromptResult,
};
pub(crate) use prompt_results::{completion_result, prompt_result};
pub use results::{IntoResource, IntoToolResult, Json, ToolResult};
pub(crate) use results::{resource_result, tool_result};
pub(crate) use state::States;
pub use state::{Requirements, State};
