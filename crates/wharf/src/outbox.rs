//! What a running call says before its answer: progress, log messages, and requests to a legacy client.
//!
//! One bounded queue per call, read by the transport in the same task that drives the handler, so an answer without
//! messages costs neither a channel nor a task. A full queue makes the handler wait: a client that stops reading slows its
//! own call down and nobody else's.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    task::Waker,
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

/// What leaves a call before its answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Outgoing {
    /// A whole JSON-RPC message.
    Message(Bytes),
    /// The handler lets the client go and come back for the answer (2025-11-25, SEP-1699).
    Release,
}

/// The queue of one call.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<VecDeque<Outgoing>>,
    reader: AtomicWaker,
    space: Notify,
    /// Whether the transport can deliver anything before the answer.
    open: bool,
}

impl Outbox {
    /// Messages that wait for the transport before the handler has to.
    pub(crate) const CAPACITY: usize = 64;

    pub(crate) fn new(open: bool) -> Self {
        Self { queue: Mutex::default(), reader: AtomicWaker::new(), space: Notify::new(), open }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Queues `message`, waiting while the queue is full. Cancel-safe: a dropped future has queued nothing.
    pub(crate) async fn send(&self, message: Outgoing) {
        if !self.open {
            return;
        }
        let mut message = Some(message);
        loop {
            let freed = self.space.notified();
            {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                if queue.len() < Self::CAPACITY {
                    queue.extend(message.take());
                }
            }
            if message.is_none() {
                self.reader.wake();
                return;
            }
            freed.await;
        }
    }

    /// Whether a message would be queued at once.
    pub(crate) fn has_room(&self) -> bool {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).len() < Self::CAPACITY
    }

    /// Takes the oldest message.
    pub(crate) fn pop(&self) -> Option<Outgoing> {
        if !self.open {
            return None;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let message = queue.pop_front();
        drop(queue);
        if message.is_some() {
            self.space.notify_one();
        }
        message
    }

    /// Says who to wake when a message arrives.
    pub(crate) fn register(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    /// Wakes the transport, to look again.
    pub(crate) fn wake(&self) {
        self.reader.wake();
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.open || self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(n: usize) -> Outgoing {
        Outgoing::Message(Bytes::from(n.to_string()))
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_sender_wait_and_loses_nothing() {
        let outbox = std::sync::Arc::new(Outbox::new(true));
        let sender = tokio::spawn({
            let outbox = outbox.clone();
            async move {
                for n in 0..Outbox::CAPACITY * 3 {
                    outbox.send(message(n)).await;
                }
            }
        });
        while outbox.has_room() {
            tokio::task::yield_now().await;
        }
        assert!(!sender.is_finished());
        let mut next = 0;
        while next < Outbox::CAPACITY * 3 {
            match outbox.pop() {
                Some(got) => {
                    assert_eq!(got, message(next));
                    next += 1;
                }
                None => tokio::task::yield_now().await,
            }
        }
        sender.await.unwrap();
    }

    #[tokio::test]
    async fn a_closed_outbox_swallows_messages_without_waiting() {
        let outbox = Outbox::new(false);
        for n in 0..Outbox::CAPACITY * 2 {
            outbox.send(message(n)).await;
        }
        assert_eq!(outbox.pop(), None);
    }
}
