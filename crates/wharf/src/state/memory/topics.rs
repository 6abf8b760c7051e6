//! Topics: each listener has a mailbox of bounded size; a full one loses its oldest message and says so.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::{
    MemoryLimits,
    budget::NoRoom,
    shards::{Shards, lock},
};
use crate::state::{Delivery, Messages};

/// Whoever listens, by topic.
type Mailboxes = HashMap<Box<[u8]>, Vec<Arc<Mailbox>>>;

#[derive(Debug)]
pub(super) struct Topics {
    topics: Shards<Mailboxes>,
    listeners: AtomicUsize,
    max_listeners: usize,
    backlog: usize,
    backlog_bytes: usize,
}

#[derive(Debug, Default)]
struct Mailbox {
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Bytes>,
    bytes: usize,
    lagged: bool,
}

impl Queue {
    fn push(&mut self, message: Bytes, topics: &Topics) {
        self.bytes += message.len();
        self.messages.push_back(message);
        while self.messages.len() > topics.backlog
            || (self.bytes > topics.backlog_bytes && self.messages.len() > 1)
        {
            let lost = self.messages.pop_front();
            self.bytes -= lost.map_or(0, |lost| lost.len());
            self.lagged = true;
        }
    }

    fn pop(&mut self) -> Option<Delivery> {
        if std::mem::take(&mut self.lagged) {
            return Some(Delivery::Lagged);
        }
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        Some(Delivery::Message(message))
    }
}

impl Topics {
    pub(super) fn new(limits: &MemoryLimits) -> Self {
        Self {
            topics: Shards::default(),
            listeners: AtomicUsize::new(0),
            max_listeners: limits.listeners,
            backlog: limits.backlog.max(1),
            backlog_bytes: limits.backlog_bytes,
        }
    }

    pub(super) fn publish(&self, topic: &[u8], message: &[u8]) {
        // Held only for as long as handing out takes: a listener's own lock is never held across an await.
        let topics = self.topics.lock(topic);
        let Some(mailboxes) = topics.get(topic) else { return };
        let message = Bytes::copy_from_slice(message);
        for mailbox in mailboxes {
            lock(&mailbox.queue).push(message.clone(), self);
            mailbox.arrived.notify_one();
        }
    }

    pub(super) fn subscribe(self: &Arc<Self>, topic: &[u8]) -> Result<Listener, NoRoom> {
        let more = |now: usize| (now < self.max_listeners).then_some(now + 1);
        if self.listeners.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            return Err(NoRoom("listeners"));
        }
        let mailbox = Arc::<Mailbox>::default();
        self.topics.lock(topic).entry(topic.into()).or_default().push(Arc::clone(&mailbox));
        Ok(Listener { topics: Arc::clone(self), topic: topic.into(), mailbox })
    }
}

/// One listener's place.
pub(super) struct Listener {
    topics: Arc<Topics>,
    topic: Box<[u8]>,
    mailbox: Arc<Mailbox>,
}

impl Messages for Listener {
    fn next(&mut self) -> BoxFuture<'_, Option<Delivery>> {
        Box::pin(async {
            loop {
                // A message that arrives after the look leaves its permit, so none is slept through.
                if let Some(delivery) = lock(&self.mailbox.queue).pop() {
                    return Some(delivery);
                }
                self.mailbox.arrived.notified().await;
            }
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut topics = self.topics.topics.lock(&self.topic);
        if let Some(mailboxes) = topics.get_mut(&self.topic) {
            mailboxes.retain(|mailbox| !Arc::ptr_eq(mailbox, &self.mailbox));
            if mailboxes.is_empty() {
                topics.remove(&self.topic);
            }
        }
        drop(topics);
        self.topics.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}
