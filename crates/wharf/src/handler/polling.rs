//! Letting a client go while the work goes on (2025-11-25, SEP-1699).

use super::extract::{FromCall, Invocation};
use crate::{context::Context, error::ToolError, outbox::Outgoing};

/// Closes the client's stream in the middle of a long call, so that it comes back later for the answer. Does nothing where
/// the client could not come back: another revision, another transport, or no session.
#[derive(Debug)]
pub struct Polling(Context);

impl Polling {
    /// Lets the client go. The handler goes on; the client may fetch the answer until the resume window is over.
    pub async fn release(&self) {
        self.0.outbox.send(Outgoing::Release).await;
    }
}

impl FromCall for Polling {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self(Context::clone(&invocation.context)))
    }
}
