//! Bounded concurrency: a call that runs a handler waits in line for its permits. A full line is SERVICE_UNAVAILABLE, or
//! RATE_LIMITED where only the caller itself stands in it.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::{
    call::{Call, Outcome},
    context::Context as CallContext,
    error::Error,
    gate::Gate,
    layers::gated::Gated,
};

#[derive(Debug, Clone)]
pub(crate) struct ConcurrencyLayer(Arc<Gate>);

impl ConcurrencyLayer {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self(gate)
    }
}

impl<S> Layer<S> for ConcurrencyLayer {
    type Service = Concurrency<S>;

    fn layer(&self, inner: S) -> Concurrency<S> {
        Concurrency { inner, gate: Arc::clone(&self.0) }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Concurrency<S> {
    inner: S,
    gate: Arc<Gate>,
}

impl<S> Service<Call> for Concurrency<S>
where
    S: Service<Call, Response = Outcome, Error = Error> + Clone,
{
    type Response = Outcome;
    type Error = Error;
    type Future = ConcurrencyFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let context = call.runs_handler().then(|| Arc::clone(&call.context));
        let admitted = context.as_ref().map(|context| self.gate.try_admit(context, call.line()));
        let inner = match admitted {
            None | Some(true) => Gated::open(&mut self.inner, call),
            Some(false) => {
                let (gate, context) = (Arc::clone(&self.gate), Arc::clone(&call.context));
                let line = Box::pin(async move { gate.admit(&context).await });
                Gated::waiting(line, self.inner.clone(), call)
            }
        };
        ConcurrencyFuture { inner, held: Held(context) }
    }
}

/// Gives the permits back when the call ends or is dropped.
struct Held(Option<CallContext>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(context) = &self.0 {
            context.leave();
        }
    }
}

pin_project! {
    pub(crate) struct ConcurrencyFuture<S: Service<Call>> {
        #[pin]
        inner: Gated<S>,
        held: Held,
    }
}

impl<S: Service<Call, Response = Outcome, Error = Error>> Future for ConcurrencyFuture<S> {
    type Output = Result<Outcome, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx)
    }
}
