//! A call in progress, driven by whichever transport it came through.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tower::Service;

use super::encode;
use crate::{
    call::{Call, Outcome},
    context::Context as CallContext,
    error::{Error, ErrorKind},
    layers::caught,
    listen::Subscription,
    outbox::Outgoing,
    protocol::Id,
    server::core::{Core, Listener},
    session::{InFlight, Session},
    shared::Held,
};

/// What a running call does next.
pub(crate) enum Step {
    /// It says something before its answer, or lets the client go.
    Outgoing(Outgoing),
    /// It is over.
    Finished(Finished),
}

/// How a call is over.
pub(crate) enum Finished {
    /// With this message; the status matters to HTTP only.
    Reply {
        body: Vec<u8>,
        status: u16,
        /// The value of `WWW-Authenticate`.
        challenge: Option<String>,
    },
    /// With a stream of notifications.
    Listen { subscription: Subscription, place: Listener },
    /// The client withdrew it: nothing more may be sent.
    Silent,
}

/// A call in progress. Dropping it cancels the call.
pub(crate) struct Running {
    context: CallContext,
    future: Option<BoxFuture<'static, Result<Outcome, Error>>>,
    finished: Option<Finished>,
    /// Made when the call first has to wait.
    abort: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Where `notifications/cancelled` finds it.
    registered: Option<Arc<InFlight>>,
    /// What `initialize` agrees on.
    pub(crate) new_session: Option<Arc<Session>>,
}

impl Running {
    pub(crate) fn new(
        call: Call,
        registered: Option<Arc<InFlight>>,
        new_session: Option<Arc<Session>>,
    ) -> Self {
        let context = Arc::clone(&call.context);
        // A panic in a layer's `call` must not take the connection down with it.
        let future: BoxFuture<'static, _> = match catch_unwind(AssertUnwindSafe(|| {
            context.core.stack.with(|stack| stack.call(call))
        })) {
            Ok(future) => future,
            Err(panic) => Box::pin(std::future::ready(Err(caught(&*panic)))),
        };
        Self { context, future: Some(future), finished: None, abort: None, registered, new_session }
    }

    pub(crate) fn context(&self) -> &CallContext {
        &self.context
    }

    pub(crate) fn core(&self) -> &Held<Core> {
        &self.context.core
    }

    pub(crate) fn id(&self) -> &Id {
        &self.context.id
    }

    /// What happens next.
    pub(crate) async fn next(&mut self) -> Step {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if self.context.is_cancelled_by_client() {
            self.stop();
            return Poll::Ready(Step::Finished(Finished::Silent));
        }
        if let Some(message) = self.context.outbox.pop() {
            return Poll::Ready(Step::Outgoing(message));
        }
        if let Some(finished) = self.finished.take() {
            return Poll::Ready(Step::Finished(finished));
        }
        if self.future.is_some() && self.context.is_revoked() {
            self.stop();
            self.finished = Some(self.finish(Err(revoked())));
            return self.poll_next(cx);
        }
        let Some(future) = &mut self.future else {
            return Poll::Ready(Step::Finished(Finished::Silent));
        };
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)))
            .unwrap_or_else(|panic| Poll::Ready(Err(caught(&*panic))));
        let polled = match polled {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending if self.aborted(cx) => {
                // What the handler left running elsewhere learns of it too.
                self.context.cancel.cancel();
                Poll::Ready(Err(Error::failed(
                    ErrorKind::ServiceUnavailable,
                    "the server is shutting down; call again in a moment",
                )))
            }
            Poll::Pending => Poll::Pending,
        };
        if let Poll::Ready(result) = polled {
            // The handler's own state goes first: its guards may still say something.
            self.stop();
            self.finished = Some(self.finish(result));
            // What the handler said last still comes before its answer.
            return self.poll_next(cx);
        }
        self.context.outbox.register(cx.waker());
        // Something may have arrived between the last look and the registration.
        let ended = self.context.is_cancelled_by_client() || self.context.is_revoked();
        if ended || !self.context.outbox.is_empty() {
            return self.poll_next(cx);
        }
        Poll::Pending
    }

    /// Drops the handler. A guard of its that panics meanwhile must not take the answer with it.
    fn stop(&mut self) {
        let future = self.future.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
            let error = caught(&*panic);
            tracing::error!(request_id = %self.context.request_id, ?error, "a handler panicked while it was stopped");
        }
    }

    fn aborted(&mut self, cx: &mut Context<'_>) -> bool {
        let core = &self.context.core;
        let abort =
            self.abort.get_or_insert_with(|| Box::pin(core.abort.clone().cancelled_owned()));
        abort.as_mut().poll(cx).is_ready()
    }

    fn finish(&self, result: Result<Outcome, Error>) -> Finished {
        let result = match result {
            Ok(Outcome::Listen(subscription)) => match self.context.core.listener() {
                Some(place) => return Finished::Listen { subscription, place },
                None => Err(crate::gate::overloaded()),
            },
            other => other,
        };
        let encode::Answer { body, status, challenge } = encode::answer(&self.context, result);
        Finished::Reply { body, status, challenge }
    }
}

/// What a call is answered with whose caller is no longer recognised.
pub(super) fn revoked() -> Error {
    Error::failed(
        ErrorKind::AuthenticationFailed,
        "the credential was withdrawn or has expired while this went on; what was done by then stands. Get another one before you call again",
    )
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.future.is_some() {
            // Nobody waits any more: blocking work that watches `Cancel` stops.
            self.context.cancel.cancel();
            self.stop();
        }
        if let Some(in_flight) = &self.registered {
            in_flight.end(&self.context.id);
        }
    }
}
