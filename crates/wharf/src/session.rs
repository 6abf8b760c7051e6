//! A legacy client's session: what `initialize` agreed, and what must be found again by later messages.
//!
//! A stdio or in-memory connection holds one; over HTTP `transport/http` keeps a bounded map of them. 2026-07-28 has no
//! sessions and never touches this.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::{
    caller::Caller,
    context::CallContext,
    peer::ClientCapabilities,
    protocol::{Id, LogLevel, Revision, RpcError},
};

/// Most resources that one session may subscribe to.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 1024;
/// Most unanswered questions to one client.
const MAX_PENDING: usize = 256;

/// A client's answer to one of our requests: its result, or its error object.
pub(crate) type ClientAnswer = Result<Value, Value>;

/// What `initialize` agreed.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) revision: Revision,
    pub(crate) capabilities: ClientCapabilities,
    pub(crate) client_info: Bytes,
    pub(crate) caller: Arc<Caller>,
    log_level: AtomicU8,
    subscriptions: Mutex<HashSet<Box<str>>>,
    pub(crate) in_flight: Arc<InFlight>,
    pending: Mutex<HashMap<i64, oneshot::Sender<ClientAnswer>>>,
    next_request: AtomicI64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while these locks are held, so a poisoned one still guards consistent data.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The running calls of one connection or session, so that `notifications/cancelled` finds them.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashMap<Id, Weak<CallContext>>>);

impl InFlight {
    /// Registers a running call so that `notifications/cancelled` finds it. A second running call of the same id is
    /// refused: its answer could not be told from the first one's.
    pub(crate) fn begin(&self, id: &Id, call: &Arc<CallContext>) -> Result<(), RpcError> {
        let mut in_flight = lock(&self.0);
        if in_flight.get(id).is_some_and(|call| call.strong_count() > 0) {
            return Err(RpcError::invalid_request(
                "a request with this id is still running; use another id",
            ));
        }
        in_flight.insert(id.clone(), Arc::downgrade(call));
        Ok(())
    }

    pub(crate) fn end(&self, id: &Id) {
        lock(&self.0).remove(id);
    }

    /// Cancels the running call of that id; unknown ids are ignored, as the specification asks.
    pub(crate) fn cancel(&self, id: &Id) {
        let call = lock(&self.0).get(id).and_then(Weak::upgrade);
        if let Some(call) = call {
            call.cancel_by_client();
        }
    }

    /// Whether nothing runs.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Cancels everything: the session ended.
    pub(crate) fn cancel_all(&self) {
        let calls: Vec<_> = lock(&self.0).values().filter_map(Weak::upgrade).collect();
        for call in calls {
            call.cancel_by_client();
        }
    }
}

impl Session {
    pub(crate) fn new(
        revision: Revision,
        capabilities: ClientCapabilities,
        client_info: Bytes,
        caller: Arc<Caller>,
        in_flight: Arc<InFlight>,
    ) -> Self {
        Self {
            revision,
            capabilities,
            client_info,
            caller,
            // The specification leaves the level open until `logging/setLevel`; "info" is what people expect to see.
            log_level: AtomicU8::new(LogLevel::Info as u8),
            subscriptions: Mutex::default(),
            in_flight,
            pending: Mutex::default(),
            next_request: AtomicI64::new(1),
        }
    }

    pub(crate) fn log_level(&self) -> LogLevel {
        LogLevel::from_u8(self.log_level.load(Ordering::Relaxed))
    }

    pub(crate) fn set_log_level(&self, level: LogLevel) {
        self.log_level.store(level as u8, Ordering::Relaxed);
    }

    pub(crate) fn subscribe(&self, uri: &str) -> Result<(), RpcError> {
        let mut subscriptions = lock(&self.subscriptions);
        if subscriptions.len() >= MAX_SUBSCRIPTIONS && !subscriptions.contains(uri) {
            return Err(RpcError::invalid_params(format!(
                "this session is subscribed to {MAX_SUBSCRIPTIONS} resources, the most allowed; unsubscribe from some"
            )));
        }
        subscriptions.insert(uri.into());
        Ok(())
    }

    pub(crate) fn unsubscribe(&self, uri: &str) {
        lock(&self.subscriptions).remove(uri);
    }

    pub(crate) fn is_subscribed(&self, uri: &str) -> bool {
        lock(&self.subscriptions).contains(uri)
    }

    pub(crate) fn subscriptions(&self) -> Vec<Box<str>> {
        lock(&self.subscriptions).iter().cloned().collect()
    }

    /// Reserves an id for a request to the client. Dropping the guard forgets the question.
    pub(crate) fn ask(
        self: &Arc<Self>,
    ) -> Option<(PendingQuestion, oneshot::Receiver<ClientAnswer>)> {
        let id = self.next_request.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let mut pending = lock(&self.pending);
        if pending.len() >= MAX_PENDING {
            return None;
        }
        pending.insert(id, sender);
        Some((PendingQuestion { session: Arc::clone(self), id }, receiver))
    }

    /// The client has gone: whoever waits for an answer learns it.
    pub(crate) fn close(&self) {
        lock(&self.pending).clear();
    }

    /// Routes a client's answer to whoever asked; answers to unknown questions are ignored.
    pub(crate) fn answer(&self, id: &Id, answer: ClientAnswer) {
        let Id::Number(number) = id else { return };
        if let Some(sender) = lock(&self.pending).remove(number) {
            // The asker may have gone away meanwhile.
            drop(sender.send(answer));
        }
    }
}

/// A question that the client has not answered yet.
#[derive(Debug)]
pub(crate) struct PendingQuestion {
    session: Arc<Session>,
    pub(crate) id: i64,
}

impl Drop for PendingQuestion {
    fn drop(&mut self) {
        lock(&self.session.pending).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Arc<Session> {
        let caller = Arc::new(Caller::local());
        Arc::new(Session::new(
            Revision::V2025_11_25,
            ClientCapabilities::default(),
            Bytes::new(),
            caller,
            Arc::default(),
        ))
    }

    #[tokio::test]
    async fn answers_reach_the_one_who_asked() {
        let session = session();
        let (first, first_answer) = session.ask().unwrap();
        let (second, second_answer) = session.ask().unwrap();
        session.answer(&Id::Number(second.id), Ok(Value::from(2)));
        session.answer(&Id::Number(first.id), Err(Value::from(1)));
        session.answer(&Id::Number(99), Ok(Value::Null));
        session.answer(&Id::String("1".into()), Ok(Value::Null));
        assert_eq!(first_answer.await.unwrap(), Err(Value::from(1)));
        assert_eq!(second_answer.await.unwrap(), Ok(Value::from(2)));
    }

    #[test]
    fn questions_and_subscriptions_are_bounded() {
        let session = session();
        let open: Vec<_> = std::iter::from_fn(|| session.ask()).take(10_000).collect();
        assert_eq!(open.len(), MAX_PENDING);
        drop(open);
        assert!(session.ask().is_some());
        for n in 0..MAX_SUBSCRIPTIONS {
            session.subscribe(&format!("a://{n}")).unwrap();
        }
        assert!(session.subscribe("a://0").is_ok());
        assert_eq!(session.subscribe("b://").unwrap_err().code, -32602);
    }
}
