//! Bounded concurrency: how many calls run at once, of one caller, of one tool and in all, and how many may wait.
//!
//! A call gets its permits in one order, the narrowest first: a caller that has used up its own holds none of the others'
//! while it waits. Whoever waits, for whichever permit, has a place in the server's line, so that there is one bound on all.

mod callers;
mod line;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use self::callers::{Callers, Seat};
use self::line::Permit;
pub(crate) use self::line::{Line, Load};
use crate::{
    context::CallContext,
    error::{Error, ErrorKind, Failure},
    server::Limits,
};
use serde_json::json;

/// The limits of one server.
#[derive(Debug)]
pub(crate) struct Gate {
    server: Arc<Line>,
    queue: usize,
    callers: Option<Arc<Callers>>,
    queue_per_caller: usize,
    queue_per_tool: usize,
}

/// What one call has to do with the gate. Kept in its context: a call that asks a person gives its permits back, and gets
/// them again in the same lines.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    caller: Option<Seat>,
    tool: Option<Arc<Line>>,
    permits: [Option<Permit>; 3],
}

impl Admission {
    /// Gives the permits back, and says whether there were any.
    pub(crate) fn release(&mut self) -> bool {
        std::mem::take(&mut self.permits).iter().any(Option::is_some)
    }
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            server: Line::new(limits.concurrency),
            queue: limits.queue,
            callers: limits.concurrency_per_caller.map(Callers::new),
            queue_per_caller: limits.queue_per_caller,
            queue_per_tool: limits.queue_per_tool,
        }
    }

    /// Lets a call in at once if there is room everywhere and nobody waits. `tool` is the line of the tool that it calls.
    pub(crate) fn try_admit(&self, context: &CallContext, tool: Option<&Arc<Line>>) -> bool {
        let mut admission = context.admission();
        admission.caller = self.callers.as_ref().map(|callers| callers.seat(&context.caller.id));
        admission.tool = tool.cloned();
        self.try_permits(&mut admission)
    }

    /// Lets a call in, whose lines are known, when it is its turn. Cancel-safe: a dropped future has left the lines.
    ///
    /// # Errors
    /// When a line is full.
    pub(crate) async fn admit(&self, context: &CallContext) -> Result<(), Error> {
        let (caller, tool) = {
            let mut admission = context.admission();
            if self.try_permits(&mut admission) {
                return Ok(());
            }
            let caller = admission.caller.as_ref().map(|seat| Arc::clone(&seat.line));
            (caller, admission.tool.clone())
        };
        let _place = self.server.stand(self.queue).ok_or_else(overloaded)?;
        let mut permits = [None, None, None];
        if let Some(line) = caller {
            let _place = line.stand(self.queue_per_caller).ok_or_else(too_many_of_one_caller)?;
            permits[0] = line.enter().await;
        }
        if let Some(line) = tool {
            let _place = line.stand(self.queue_per_tool).ok_or_else(busy_tool)?;
            permits[1] = line.enter().await;
        }
        permits[2] = self.server.enter().await;
        context.admission().permits = permits;
        Ok(())
    }

    /// How many calls run in all and wait for whichever permit.
    pub(crate) fn load(&self) -> Load {
        self.server.load()
    }

    /// How many calls may wait.
    pub(crate) fn queue(&self) -> usize {
        self.queue
    }

    /// All permits, or none.
    fn try_permits(&self, admission: &mut Admission) -> bool {
        let caller = admission.caller.as_ref().map(|seat| &seat.line);
        let lines = [caller, admission.tool.as_ref(), Some(&self.server)];
        let mut permits = [None, None, None];
        for (line, permit) in lines.into_iter().zip(&mut permits) {
            if let Some(line) = line {
                *permit = line.try_enter();
                if permit.is_none() {
                    return false;
                }
            }
        }
        admission.permits = permits;
        true
    }
}

/// What a call is told that finds the server's line full.
pub(crate) fn overloaded() -> Error {
    full(ErrorKind::ServiceUnavailable, "the server is busy; try again shortly", None)
}

fn too_many_of_one_caller() -> Error {
    full(
        ErrorKind::RateLimited,
        "too many of your calls wait already; wait until some have ended, then call again",
        Some("concurrency_per_caller"),
    )
}

fn busy_tool() -> Error {
    full(
        ErrorKind::ServiceUnavailable,
        "this tool is busy; try again shortly",
        Some("tool_concurrency"),
    )
}

fn full(kind: ErrorKind, message: &'static str, limit: Option<&'static str>) -> Error {
    let mut failure = Failure::new(kind, message);
    failure.retry_after = Some(Duration::from_secs(1));
    failure.details = limit.map(|limit| json!({"limit": limit}));
    Error::Failed(failure)
}
