//! Completers: functions that suggest values for one argument (specification, server/utilities/completion).

use serde_json::{Map, Value};

use crate::{
    error::ToolError,
    handler::{
        BoxHandler, CompletionValues, FromCall, Handler, IntoCompletion, Invocation, Requirements,
        boxed, completion_result, requirements_of,
    },
};

/// Suggests values for one argument or variable.
#[derive(Clone)]
pub(crate) struct Completer {
    pub(crate) handler: BoxHandler<CompletionValues>,
    pub(crate) requirements: Requirements,
}

impl Completer {
    pub(crate) fn new<M, H>(handler: H) -> Self
    where
        H: Handler<M>,
        H::Response: IntoCompletion,
    {
        let requirements = requirements_of::<M, H>(&handler);
        Self { handler: boxed(handler, completion_result), requirements }
    }
}

/// What a completer is asked.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CompletionQuery {
    /// What the person has typed so far.
    pub value: String,
    /// Arguments that are already settled.
    pub settled: Map<String, Value>,
}

impl FromCall for CompletionQuery {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        let mut arguments = invocation.arguments.take();
        Ok(Self {
            value: arguments["value"].as_str().unwrap_or_default().to_owned(),
            settled: match arguments["settled"].take() {
                Value::Object(settled) => settled,
                _ => Map::new(),
            },
        })
    }
}
