//! A connected client: what surrounds every request, and what was said on the side.

use std::{sync::Arc, time::Duration};

use rmcp::{
    model::ErrorData,
    service::{ClientCacheConfig, RoleClient, RunningService, ServiceError},
};
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};
use wharf::{LogLevel, Revision, transport::Shutdown};

use super::{
    handler::Handler,
    journal::{Journal, Notification},
    script::Script,
};
use crate::process::Complaints;

pub(super) type Running = RunningService<RoleClient, Handler>;
/// The task that serves a connection in memory, and what ends it.
pub(super) type Served = (Shutdown, JoinHandle<std::io::Result<()>>);

/// A client, connected to a server under test. Made by [`Client::memory`], [`Client::command`] and [`Client::http`].
///
/// Requests may be made at the same time. Dropping the future of a request cancels it, as a client's user would;
/// dropping the client ends the connection, and the process if it started one.
///
/// ```
/// # use serde_json::json;
/// # use wharf::{Revision, Server, Tool};
/// # use wharf_testkit::Client;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = Server::new("demo", "1.0.0").tool(Tool::new("hello").handler(|| async { "hi" }));
/// let client = Client::memory(server).revision(Revision::V2025_06_18).await;
/// assert_eq!(client.tool_names().await, ["hello"]);
/// assert_eq!(client.call("hello", json!({})).await.text(), "hi");
/// # }
/// ```
pub struct Client {
    pub(super) running: Running,
    pub(super) revision: Revision,
    pub(super) script: Arc<Script>,
    pub(super) streams: tokio::sync::Mutex<JoinSet<()>>,
    pub(super) log_level: Option<LogLevel>,
    journal: Arc<Journal>,
    complaints: Option<Complaints>,
    served: Option<Served>,
    patience: Duration,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl Client {
    #[expect(clippy::too_many_arguments, reason = "the parts that the builder has made, each once")]
    pub(super) async fn new(
        running: Running,
        revision: Revision,
        script: Arc<Script>,
        journal: Arc<Journal>,
        complaints: Option<Complaints>,
        served: Option<Served>,
        patience: Duration,
        log_level: Option<LogLevel>,
    ) -> Self {
        // A test asks the server, not a cache.
        running.set_response_cache_config(ClientCacheConfig::disabled()).await;
        let streams = tokio::sync::Mutex::new(JoinSet::new());
        let client = Self {
            running,
            revision,
            script,
            streams,
            log_level,
            journal,
            complaints,
            served,
            patience,
        };
        client.set_legacy_log_level().await;
        client
    }

    /// The revision that is spoken.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What the server said about itself when the connection began: its name, capabilities and instructions.
    pub fn server_info(&self) -> Value {
        let info = self.running.peer_info();
        info.and_then(|info| serde_json::to_value(&*info).ok()).unwrap_or_default()
    }

    /// Everything that the server said without being asked, in order.
    pub fn notifications(&self) -> Vec<Notification> {
        self.journal.all()
    }

    /// The parameters of every progress notification, in order.
    pub fn progress(&self) -> Vec<Value> {
        self.said("notifications/progress")
    }

    /// The parameters of every log message, in order. None come unless [`ClientBuilder::log_level`] asks for them
    /// (2026-07-28).
    ///
    /// [`ClientBuilder::log_level`]: crate::ClientBuilder::log_level
    pub fn logs(&self) -> Vec<Value> {
        self.said("notifications/message")
    }

    /// The methods of the changes that were told (`…/list_changed`, `…/updated`), in order.
    pub fn changes(&self) -> Vec<String> {
        let all = self.notifications().into_iter().map(|notification| notification.method);
        all.filter(|method| method.ends_with("/list_changed") || method.ends_with("/updated"))
            .collect()
    }

    fn said(&self, method: &str) -> Vec<Value> {
        let all = self.notifications().into_iter();
        all.filter(|notification| notification.method == method).map(|said| said.params).collect()
    }

    /// The first notification of `method`, as soon as it is there. What was said before counts, unless
    /// [`Client::forget`] was called.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn notified(&self, method: &str) -> Notification {
        let wanted = self.journal.wait(|notification| notification.method == method);
        match tokio::time::timeout(self.patience, wanted).await {
            Ok(notification) => notification,
            Err(_) => panic!("{method} did not come; what came: {:#?}", self.notifications()),
        }
    }

    /// Forgets the notifications so far.
    pub fn forget(&self) {
        self.journal.clear();
    }

    /// Adds an answer to the script: see [`ClientBuilder::answer`](crate::ClientBuilder::answer).
    pub fn answer(&self, question: impl Into<String>, content: Value) {
        self.script.answer(question.into(), content);
    }

    /// Asserts that every scripted answer was asked for.
    ///
    /// # Panics
    /// When one is left.
    #[track_caller]
    pub fn assert_all_asked(&self) {
        let unused = self.script.unused();
        assert!(unused.is_empty(), "the server never asked for {unused:?}");
    }

    /// Ends the connection in good order and waits for the end: a process gets the time to leave that the
    /// specification gives it.
    pub async fn close(mut self) {
        self.streams.lock().await.shutdown().await;
        drop(self.running.close().await);
        if let Some((_, task)) = self.served.take() {
            drop(task.await);
        }
    }

    /// Waits for what a request gives, at most as long as the test's patience, and not at all for a question that
    /// nobody will answer.
    ///
    /// # Panics
    /// When the server asks what is not scripted, does not answer, or is gone.
    pub(super) async fn ask<T>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ErrorData> {
        let request = Box::pin(tokio::time::timeout(self.patience, request));
        let ended = tokio::select! {
            // First, so that the message names the question and not what came of it.
            biased;
            question = self.script.unanswered() => panic!("{what}: {question}"),
            refusal = self.journal.unread() => panic!("{what}: {refusal}"),
            ended = request => ended,
        };
        match ended {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(ServiceError::McpError(error))) => Err(error),
            Ok(Err(error)) => panic!("{what}: {error}{}", self.complaints().await),
            Err(_) => {
                panic!("{what}: no answer within {:?}{}", self.patience, self.complaints().await)
            }
        }
    }

    async fn complaints(&self) -> String {
        match &self.complaints {
            Some(complaints) => complaints.told().await,
            None => String::new(),
        }
    }
}
