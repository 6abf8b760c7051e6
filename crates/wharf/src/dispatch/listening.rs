//! An open listen stream (2026-07-28, patterns/subscriptions): acknowledgement, notifications, and the answer that ends it.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::json;

use super::running::Running;
use crate::{events::EventStream, listen::Subscription, protocol::keys, server::core::Listener};

/// An open stream. It holds the call it came from, so that `notifications/cancelled` ends it.
pub(crate) struct Listening {
    running: Box<Running>,
    subscription: Subscription,
    events: Option<Box<dyn EventStream>>,
    ready: VecDeque<Bytes>,
    _place: Listener,
}

impl Listening {
    pub(crate) fn new(running: Box<Running>, subscription: Subscription, place: Listener) -> Self {
        // Subscribed before the acknowledgement leaves: what happens after it is not missed.
        let events = Some(running.core().subscribe());
        let ready = VecDeque::from([subscription.acknowledgement(running.id())]);
        Self { running, subscription, events, ready, _place: place }
    }

    /// The next message; `None` once the stream is over. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            let events = self.events.as_mut()?;
            let context = self.running.context();
            let event = tokio::select! {
                biased;
                () = context.cancel.cancelled() => {
                    self.events = None;
                    return None;
                }
                () = context.core.closing.cancelled() => None,
                event = events.next() => event,
            };
            match event {
                Some(event) => {
                    self.ready.extend(self.subscription.messages(&event, self.running.id()))
                }
                None => {
                    self.events = None;
                    self.ready.push_back(self.answer());
                }
            }
        }
    }

    /// The answer to the listen request: the stream ended in good order.
    fn answer(&self) -> Bytes {
        let id = self.running.id();
        let result = json!({"resultType": "complete", "_meta": {keys::SUBSCRIPTION_ID: id}});
        Bytes::from(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
    }
}
