//! Progress of a running call (specification, patterns/progress).

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};

use super::extract::{FromCall, Invocation};
use crate::{context::Context, error::ToolError, outbox::Outgoing};

/// Tells the client how far the work is. Free when the client sent no token: nothing is built and nothing is queued.
///
/// Values must rise; one that does not is dropped, because the specification forbids it and a lagging figure helps nobody.
#[derive(Debug)]
pub struct Progress {
    context: Context,
    last: Mutex<Option<f64>>,
}

impl Progress {
    /// Whether the client wants to know.
    pub fn is_wanted(&self) -> bool {
        self.context.meta.progress_token.is_some() && self.context.outbox.is_open()
    }

    /// Reports `done` of an unknown total.
    pub async fn report(&self, done: f64) {
        self.send(done, None, None).await;
    }

    /// Reports `done` of `total` (any unit, the same in each report) and what is being done.
    ///
    /// Waits while the client does not read; a report that would wait is dropped when it is not the last one, so that a
    /// slow reader never slows the work down.
    pub async fn report_of(&self, done: f64, total: f64, message: impl Into<Option<&str>>) {
        self.send(done, Some(total), message.into()).await;
    }

    async fn send(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        let Some(token) = self.context.meta.progress_token.as_ref().filter(|_| self.is_wanted())
        else {
            return;
        };
        {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if !done.is_finite() || last.is_some_and(|last| done <= last) {
                return;
            }
            let is_last = total.is_some_and(|total| done >= total);
            if !is_last && !self.context.outbox.has_room() {
                return;
            }
            *last = Some(done);
        }
        let mut params = json!({"progress": number(done)});
        params["progressToken"] = serde_json::from_slice(token).unwrap_or(Value::Null);
        if let Some(total) = total.filter(|total| total.is_finite()) {
            params["total"] = number(total);
        }
        if let Some(message) = message {
            params["message"] = message.into();
        }
        let text = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
            .to_string();
        self.context.outbox.send(Outgoing::Message(Bytes::from(text))).await;
    }
}

/// Whole figures travel as integers: that is what people compare them with.
#[expect(clippy::cast_possible_truncation, reason = "guarded: the value is whole and below 2^53")]
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}

impl FromCall for Progress {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self { context: Context::clone(&invocation.context), last: Mutex::default() })
    }
}
