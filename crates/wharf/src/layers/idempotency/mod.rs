//! The same key twice is the same call: the second gets the first one's outcome, also while the first still runs and,
//! with a durable store, after a restart.
//!
//! A key is a parameter of the tool ([`idempotent_by`](crate::ToolBuilder::idempotent_by)) or comes with the request, as
//! `_meta["dev.wharf/idempotencyKey"]`. It belongs to its caller and tool. What the layer refuses to do is guess: with
//! other arguments the key is a CONFLICT, and so is a call whose end nobody saw, because repeating a side effect is worse than
//! saying so.

mod key;
mod record;
mod reservation;
#[cfg(test)]
mod tests;

use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, Either};
use tower::{Layer, Service};

use self::{
    key::Key,
    reservation::{Entered, Reservation},
};
use crate::{
    call::{Call, Outcome, Reply},
    error::Error,
    meta::Meta,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct IdempotencyLayer;

impl<S> Layer<S> for IdempotencyLayer {
    type Service = Idempotency<S>;

    fn layer(&self, inner: S) -> Idempotency<S> {
        Idempotency { inner }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Idempotency<S> {
    inner: S,
}

impl<S> Service<Call> for Idempotency<S>
where
    S: Service<Call, Response = Outcome, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Outcome;
    type Error = Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Outcome, Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        match Key::of(&call) {
            Ok(None) => Either::Left(self.inner.call(call)),
            Ok(Some(key)) => {
                let inner = self.inner.clone();
                Either::Right(Box::pin(once(inner, call, key)))
            }
            Err(error) => Either::Right(Box::pin(std::future::ready(Err(error)))),
        }
    }
}

/// Runs the call unless it has run.
async fn once<S>(mut inner: S, call: Call, key: Key) -> Result<Outcome, Error>
where
    S: Service<Call, Response = Outcome, Error = Error>,
{
    let core = call.context.core.clone();
    let continues = call.context.continues();
    let reservation = Reservation::new(&core, key);
    match reservation.enter(continues).await? {
        Entered::Known(outcome) => outcome.map(replayed),
        Entered::Held(held) => {
            let result = held.while_running(inner.call(call)).await;
            held.settle(&result).await;
            result
        }
    }
}

/// Says that nothing was done for this answer.
fn replayed(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Complete(Reply::Tool(mut result)) => {
            result.meta = result.meta.with(format!("{}replayed", Meta::PREFIX), true);
            Outcome::Complete(Reply::Tool(result))
        }
        other => other,
    }
}
