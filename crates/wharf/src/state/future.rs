//! The future that a store's methods return: ready at once where the store is memory, boxed where it waits for an engine.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;

use super::StateError;

/// What a [`StateStore`](super::StateStore) answers with, in the end. A store that knows the answer allocates nothing to
/// give it; one that has to wait boxes its future.
#[must_use = "a store may do nothing until its future is awaited"]
pub struct StateFuture<'a, T>(Inner<'a, T>);

enum Inner<'a, T> {
    Ready(Option<Result<T, StateError>>),
    Waiting(BoxFuture<'a, Result<T, StateError>>),
}

impl<'a, T> StateFuture<'a, T> {
    /// The answer is known.
    pub fn ready(result: Result<T, StateError>) -> Self {
        Self(Inner::Ready(Some(result)))
    }

    /// The answer comes later.
    pub fn boxed(future: impl Future<Output = Result<T, StateError>> + Send + 'a) -> Self {
        Self(Inner::Waiting(Box::pin(future)))
    }
}

// Nothing inside is pinned in place: the answer is moved out, and the box is its own pin.
impl<T> Unpin for StateFuture<'_, T> {}

impl<T> Future for StateFuture<'_, T> {
    type Output = Result<T, StateError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            // A future that is polled again after its answer has none.
            Inner::Ready(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Inner::Waiting(future) => future.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for StateFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_ready = matches!(self.0, Inner::Ready(_));
        f.debug_struct("StateFuture").field("is_ready", &is_ready).finish_non_exhaustive()
    }
}
