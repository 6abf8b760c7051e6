//! Bounded concurrency: a call that runs a handler waits in line for a permit. A full line is SERVICE_UNAVAILABLE.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::future::BoxFuture;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::{
    call::{Call, Outcome},
    context::Context as CallContext,
    error::Error,
    gate::Gate,
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
        let state = match context.as_ref().map(|context| self.gate.try_admit(context)) {
            None | Some(Ok(true)) => State::Running { inner: self.inner.call(call) },
            Some(Err(error)) => State::Refused { error: Some(error) },
            Some(Ok(false)) => {
                let (gate, context) = (Arc::clone(&self.gate), Arc::clone(&call.context));
                let line: BoxFuture<'static, _> =
                    Box::pin(async move { gate.admit(&context).await });
                State::Waiting { line, next: Some((self.inner.clone(), call)) }
            }
        };
        ConcurrencyFuture { state, held: Held(context) }
    }
}

/// Gives the permit back when the call ends or is dropped.
struct Held(Option<CallContext>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(context) = &self.0 {
            context.release();
        }
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Call>> {
        Running { #[pin] inner: S::Future },
        Waiting { line: BoxFuture<'static, Result<(), Error>>, next: Option<(S, Call)> },
        Refused { error: Option<Error> },
    }
}

pin_project! {
    pub(crate) struct ConcurrencyFuture<S: Service<Call>> {
        #[pin]
        state: State<S>,
        held: Held,
    }
}

impl<S: Service<Call, Response = Outcome, Error = Error>> Future for ConcurrencyFuture<S> {
    type Output = Result<Outcome, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Running { inner } => return inner.poll(cx),
                StateProjection::Refused { error } => {
                    return Poll::Ready(Err(error.take().unwrap_or_else(crate::gate::overloaded)));
                }
                StateProjection::Waiting { line, next } => {
                    let admitted = ready!(line.as_mut().poll(cx));
                    let next = match (admitted, next.take()) {
                        (Ok(()), Some((mut service, call))) => {
                            State::Running { inner: service.call(call) }
                        }
                        (Err(error), _) => State::Refused { error: Some(error) },
                        (Ok(()), None) => State::Refused { error: None },
                    };
                    this.state.set(next);
                }
            }
        }
    }
}
