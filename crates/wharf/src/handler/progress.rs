//! Progress of a running call (specification, patterns/progress).

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::extract::{FromCall, Invocation};
use crate::{context::Context, error::ToolError, outbox::Outgoing};

/// Tells the client how far the work is. Free when the client sent no token: nothing is built and nothing is queued.
///
/// Values must rise; one that does not is dropped, because the specification forbids it and a lagging figure helps nobody.
/// A loop may report each of its steps: [`Progress::BURST`] reports go out at once and [`Progress::PER_SECOND`] from then on;
/// what comes faster is dropped, except the report that reaches the total.
#[derive(Debug)]
pub struct Progress {
    context: Context,
    pace: Mutex<Pace>,
}

/// What was reported last, and how many more reports may go out now.
#[derive(Debug)]
struct Pace {
    last: Option<f64>,
    left: f64,
    since: Instant,
}

impl Pace {
    fn new() -> Self {
        Self { last: None, left: f64::from(Progress::BURST), since: Instant::now() }
    }

    /// Takes one report, if there is one to take.
    fn take(&mut self) -> bool {
        let now = Instant::now();
        let come = (now - self.since).as_secs_f64() * f64::from(Progress::PER_SECOND);
        self.left = (self.left + come).min(f64::from(Progress::BURST));
        self.since = now;
        let has_one = self.left >= 1.0;
        if has_one {
            self.left -= 1.0;
        }
        has_one
    }
}

impl Progress {
    /// Reports that go out as fast as they come.
    pub const BURST: u32 = 50;
    /// Reports in a second after that.
    pub const PER_SECOND: u32 = 20;

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
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            if !done.is_finite() || pace.last.is_some_and(|last| done <= last) {
                return;
            }
            let is_last = total.is_some_and(|total| done >= total);
            if !is_last && (!self.context.outbox.has_room() || !pace.take()) {
                return;
            }
            pace.last = Some(done);
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
        Ok(Self { context: Context::clone(&invocation.context), pace: Mutex::new(Pace::new()) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn reports_come_in_a_burst_and_then_at_a_steady_pace() {
        let mut pace = Pace::new();
        let mut taken = || (0..1_000).filter(|_| pace.take()).count();
        assert_eq!(taken(), 50);
        assert_eq!(taken(), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(taken(), 20);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(taken(), 50);
    }
}
