//! The seam through which changes reach listening clients.
//!
//! The default bus serves one process. A fleet puts a shared one behind the same trait, so that a change made by one replica
//! reaches the clients of all.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

/// Something that clients may want to hear of (specification, patterns/subscriptions).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The list of tools changed.
    ToolsChanged,
    /// The list of prompts changed.
    PromptsChanged,
    /// The list of resources or templates changed.
    ResourcesChanged,
    /// The contents of a resource changed.
    ResourceUpdated {
        /// Which one.
        uri: Arc<str>,
    },
    /// Events were lost because a listener was too slow: anything may have changed.
    Lagged,
}

/// One listener's place in the stream of events.
pub trait EventStream: Send + 'static {
    /// The next event; `None` once the bus is gone. Cancel-safe: an event is lost only together with the listener.
    fn next(&mut self) -> BoxFuture<'_, Option<Event>>;
}

/// Carries events from whoever causes them to every listener.
pub trait EventBus: Send + Sync + 'static {
    /// Sends `event` to every listener. Never waits.
    fn publish(&self, event: Event);

    /// Starts listening: every event published from now on.
    fn subscribe(&self) -> Box<dyn EventStream>;
}

/// The bus of one process: bounded; a listener that falls behind gets [`Event::Lagged`] in place of what it missed.
#[derive(Debug)]
pub struct LocalBus(broadcast::Sender<Event>);

impl LocalBus {
    /// Events that a listener may fall behind before it misses some.
    pub const CAPACITY: usize = 1024;
}

impl Default for LocalBus {
    fn default() -> Self {
        Self(broadcast::Sender::new(Self::CAPACITY))
    }
}

impl EventBus for LocalBus {
    fn publish(&self, event: Event) {
        // Without listeners there is nobody to tell.
        drop(self.0.send(event));
    }

    fn subscribe(&self) -> Box<dyn EventStream> {
        Box::new(LocalStream(self.0.subscribe()))
    }
}

struct LocalStream(broadcast::Receiver<Event>);

impl EventStream for LocalStream {
    fn next(&mut self) -> BoxFuture<'_, Option<Event>> {
        Box::pin(async {
            match self.0.recv().await {
                Ok(event) => Some(event),
                Err(broadcast::error::RecvError::Lagged(_)) => Some(Event::Lagged),
                Err(broadcast::error::RecvError::Closed) => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_listener_learns_that_it_missed_something() {
        let bus = LocalBus::default();
        let mut stream = bus.subscribe();
        for _ in 0..=LocalBus::CAPACITY {
            bus.publish(Event::ToolsChanged);
        }
        assert_eq!(stream.next().await, Some(Event::Lagged));
        assert_eq!(stream.next().await, Some(Event::ToolsChanged));
    }
}
