//! Turns a panic into an INTERNAL_ERROR answer. The panic's text goes to the log with the request id.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::{
    call::{Call, Outcome},
    error::{Error, ErrorKind, Failure},
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic { inner }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct CatchPanic<S> {
    inner: S,
}

impl<S: Service<Call, Response = Outcome, Error = Error>> Service<Call> for CatchPanic<S> {
    type Response = Outcome;
    type Error = Error;
    type Future = CatchPanicFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(call))) {
            Ok(future) => CatchPanicFuture { inner: Some(future), panicked: None },
            Err(panic) => CatchPanicFuture { inner: None, panicked: Some(caught(&*panic)) },
        }
    }
}

pin_project! {
    pub(crate) struct CatchPanicFuture<F> {
        #[pin]
        inner: Option<F>,
        panicked: Option<Error>,
    }
}

impl<F: Future<Output = Result<Outcome, Error>>> Future for CatchPanicFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.inner.as_mut().as_pin_mut() else {
            let error = this.panicked.take();
            return Poll::Ready(Err(
                error.unwrap_or_else(|| Error::failed(ErrorKind::Internal, "internal error"))
            ));
        };
        // The future is never polled again after a panic: it is dropped with this one.
        catch_unwind(AssertUnwindSafe(|| future.poll(cx))).unwrap_or_else(|panic| {
            this.inner.set(None);
            Poll::Ready(Err(caught(&*panic)))
        })
    }
}

/// The failure that a panic becomes.
pub(crate) fn caught(panic: &(dyn Any + Send)) -> Error {
    let text = (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(not a text)");
    let mut failure = Failure::new(ErrorKind::Internal, "internal error");
    failure.source = Some(format!("panic: {text}").into());
    Error::Failed(failure)
}
