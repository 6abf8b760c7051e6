//! Messages from whoever publishes to whoever listens at that moment.

use bytes::Bytes;
use futures_util::future::BoxFuture;

/// What a listener gets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// A message.
    Message(Bytes),
    /// Messages were lost, because the listener was slow or the connection broke: look at the state itself.
    Lagged,
}

/// One listener's place. Dropping it ends the subscription.
pub trait Messages: Send + 'static {
    /// The next message; `None` once nothing will come any more. Cancel-safe: a dropped future has taken nothing.
    fn next(&mut self) -> BoxFuture<'_, Option<Delivery>>;
}
