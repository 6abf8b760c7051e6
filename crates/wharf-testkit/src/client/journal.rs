//! Everything a server says without being asked, in the order in which it arrived.
//!
//! Messages are recorded where the transport hands them over, before the client's own tasks see them: a notification that
//! came before an answer is in the journal when the answer is.

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::{
    RoleClient,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use serde_json::Value;
use tokio::sync::{Notify, watch};

/// Most notifications that are kept; a server that sends more is what the test is about.
const MAX_NOTIFICATIONS: usize = 100_000;

/// A message that needs no answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Notification {
    /// Such as `notifications/progress`.
    pub method: String,
    /// Its parameters; null when it has none.
    pub params: Value,
}

/// What has arrived so far.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: Mutex<Vec<Notification>>,
    arrived: Notify,
    /// The first error that names no request: the server could not read what it got, and somebody waits for its answer.
    unread: watch::Sender<Option<String>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { entries: Mutex::default(), arrived: Notify::new(), unread: watch::Sender::new(None) }
    }
}

impl Journal {
    fn record(&self, message: &RxJsonRpcMessage<RoleClient>) {
        if let RxJsonRpcMessage::<RoleClient>::Error(error) = message
            && error.id.is_none()
        {
            let text = format!("the server could not read a message: {}", error.error);
            self.unread.send_replace(Some(text));
        }
        let RxJsonRpcMessage::<RoleClient>::Notification(notification) = message else { return };
        let Ok(mut value) = serde_json::to_value(&notification.notification) else { return };
        let method = value["method"].as_str().unwrap_or_default().to_owned();
        let params = value["params"].take();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() < MAX_NOTIFICATIONS {
            entries.push(Notification { method, params });
        }
        drop(entries);
        self.arrived.notify_waiters();
    }

    pub(crate) fn all(&self) -> Vec<Notification> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert!(
            entries.len() < MAX_NOTIFICATIONS,
            "the server sent {MAX_NOTIFICATIONS} notifications; the rest was not kept"
        );
        entries
    }

    /// The first notification that is wanted, as soon as it is there. Cancel-safe.
    pub(crate) async fn wait(&self, wanted: impl Fn(&Notification) -> bool) -> Notification {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            // Listening before looking: what arrives in between is not missed.
            arrived.as_mut().enable();
            if let Some(found) = self.all().into_iter().find(&wanted) {
                return found;
            }
            arrived.await;
        }
    }

    /// Resolves when the server could not read what it got. Cancel-safe.
    pub(crate) async fn unread(&self) -> String {
        let mut told = self.unread.subscribe();
        // It can't fail: the sender is `self`.
        drop(told.wait_for(Option::is_some).await);
        self.unread.borrow().clone().unwrap_or_default()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A transport that keeps a journal.
pub(crate) struct Recorded<T> {
    pub(crate) inner: T,
    pub(crate) journal: Arc<Journal>,
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Recorded<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        let message = self.inner.receive().await?;
        self.journal.record(&message);
        Some(message)
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
}
