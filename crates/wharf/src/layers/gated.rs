//! The future of a layer that lets a call in, makes it wait, or refuses it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::future::BoxFuture;
use pin_project_lite::pin_project;
use tower::Service;

use crate::{
    call::{Call, Outcome},
    error::{Error, ErrorKind},
};

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Call>> {
        Running { #[pin] inner: S::Future },
        Waiting { line: BoxFuture<'static, Result<(), Error>>, next: Option<(S, Call)> },
        Refused { error: Option<Error> },
    }
}

pin_project! {
    /// Waits, then runs the inner service. Allocates nothing where there is no wait.
    pub(crate) struct Gated<S: Service<Call>> {
        #[pin]
        state: State<S>,
    }
}

impl<S: Service<Call>> Gated<S> {
    /// The call goes on at once.
    pub(crate) fn open(service: &mut S, call: Call) -> Self {
        Self { state: State::Running { inner: service.call(call) } }
    }

    /// The call goes on when `line` says so.
    pub(crate) fn waiting(
        line: BoxFuture<'static, Result<(), Error>>,
        service: S,
        call: Call,
    ) -> Self {
        Self { state: State::Waiting { line, next: Some((service, call)) } }
    }

    /// The call ends here.
    pub(crate) fn refused(error: Error) -> Self {
        Self { state: State::Refused { error: Some(error) } }
    }
}

impl<S: Service<Call, Response = Outcome, Error = Error>> Future for Gated<S> {
    type Output = Result<Outcome, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Running { inner } => return inner.poll(cx),
                StateProjection::Refused { error } => {
                    // Only a future that is polled again after its end has lost its error.
                    let error = error.take();
                    return Poll::Ready(Err(error
                        .unwrap_or_else(|| Error::failed(ErrorKind::Internal, "internal error"))));
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
