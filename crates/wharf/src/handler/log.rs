//! Log messages for the client, scoped to one request (specification, server/utilities/logging; deprecated since
//! 2026-07-28 and served because clients still use it).

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::extract::{FromCall, Invocation};
use crate::{context::Context, error::ToolError, outbox::Outgoing, peer::Peer, protocol::LogLevel};

/// Sends log messages to the client that made this call, if it wants them at that level.
#[derive(Debug)]
pub struct Log(Context);

impl Log {
    /// Whether a message of `level` would be sent.
    pub fn is_wanted(&self, level: LogLevel) -> bool {
        let threshold = match &self.0.peer {
            // 2026-07-28: silence unless this very request asks.
            Peer::Modern { .. } => self.0.meta.log_level,
            Peer::Legacy(session) => Some(session.log_level()),
            Peer::Sessionless => Some(LogLevel::Info),
        };
        self.0.outbox.is_open() && threshold.is_some_and(|threshold| level >= threshold)
    }

    /// Sends `data` at `level`. Waits while the client does not read; the call's deadline bounds the wait.
    pub async fn send(&self, level: LogLevel, data: impl Serialize) {
        if !self.is_wanted(level) {
            return;
        }
        let data = serde_json::to_value(data).unwrap_or_default();
        let params = json!({"level": level.as_str(), "logger": self.0.core.name(), "data": data});
        let text = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params})
            .to_string();
        self.0.outbox.send(Outgoing::Message(Bytes::from(text))).await;
    }

    /// Sends `data` at level `info`.
    pub async fn info(&self, data: impl Serialize) {
        self.send(LogLevel::Info, data).await;
    }

    /// Sends `data` at level `debug`.
    pub async fn debug(&self, data: impl Serialize) {
        self.send(LogLevel::Debug, data).await;
    }

    /// Sends `data` at level `warning`.
    pub async fn warning(&self, data: impl Serialize) {
        self.send(LogLevel::Warning, data).await;
    }
}

impl FromCall for Log {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self(Context::clone(&invocation.context)))
    }
}
