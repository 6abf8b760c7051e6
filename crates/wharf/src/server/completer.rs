//! Completers: functions that suggest values for one argument (specification, server/utilities/completion).

use serde_json::{Map, Value};

use crate::{
    error::ToolError,
    handler::{BoxHandler, CompletionValues, FromCall, Invocation},
};

pub(crate) type Completer = BoxHandler<CompletionValues>;

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
