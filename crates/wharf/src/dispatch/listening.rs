//! An open listen stream (2026-07-28, patterns/subscriptions): acknowledgement, notifications, and the answer that ends it.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    encode,
    running::{Running, revoked},
};
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
                    if !context.is_revoked() {
                        return None;
                    }
                    let answer = encode::answer(context, Err(revoked()));
                    self.ready.push_back(answer.body.into());
                    continue;
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
        let mut out = b"{\"jsonrpc\":\"2.0\",\"id\":".to_vec();
        self.running.id().write(&mut out);
        out.extend_from_slice(b",\"result\":{\"resultType\":\"complete\",\"_meta\":{");
        out.extend_from_slice(&self.running.core().server_info_member);
        out.extend_from_slice(format!(",\"{}\":", keys::SUBSCRIPTION_ID).as_bytes());
        self.running.id().write(&mut out);
        out.extend_from_slice(b"}}}");
        Bytes::from(out)
    }
}
