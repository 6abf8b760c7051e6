//! The deadline of a call. Its clock stands still while a legacy client's person is being asked.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::{Layer, Service};

use crate::{
    call::{Call, Operation, Outcome},
    context::Context as CallContext,
    error::{Error, ErrorKind},
    handler::Ask,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeoutLayer {
    default: Duration,
}

impl TimeoutLayer {
    pub(crate) fn new(default: Duration) -> Self {
        Self { default }
    }
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, inner: S) -> Timeout<S> {
        Timeout { inner, default: self.default }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Timeout<S> {
    inner: S,
    default: Duration,
}

impl<S: Service<Call, Response = Outcome, Error = Error>> Service<Call> for Timeout<S> {
    type Response = Outcome;
    type Error = Error;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let limit = call.timeout().unwrap_or(self.default);
        // A listen stream is answered at once; the stream that follows has no deadline.
        let bounded = !matches!(call.operation, Operation::Listen(_));
        let timer = bounded.then(|| Timer {
            started: Instant::now(),
            limit,
            context: call.context.clone(),
        });
        TimeoutFuture { inner: self.inner.call(call), timer, sleep: None, is_stretched: false }
    }
}

struct Timer {
    started: Instant,
    limit: Duration,
    context: CallContext,
}

impl Timer {
    /// When the call is over as things stand, and whether the clock runs.
    fn deadline(&self) -> (Instant, bool) {
        let (paused_total, paused) = self.context.paused();
        let limit = self.limit.saturating_add(paused_total);
        // The question's own limit ends a pause; looking again then is early enough.
        let extra = if paused { Ask::MAX_WAIT } else { Duration::ZERO };
        let far = self.started.checked_add(limit.saturating_add(extra));
        (far.unwrap_or_else(|| self.started + Duration::from_secs(86_400 * 365)), !paused)
    }
}

pin_project! {
    pub(crate) struct TimeoutFuture<F> {
        #[pin]
        inner: F,
        timer: Option<Timer>,
        // Made when the call first has to wait: most never do, and a timer costs a lock.
        sleep: Option<Pin<Box<Sleep>>>,
        // Whether the timer was set while a person was being asked, and so far too late for the time after.
        is_stretched: bool,
    }
}

impl<F: Future<Output = Result<Outcome, Error>>> Future for TimeoutFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(result) = this.inner.poll(cx) {
            return Poll::Ready(result);
        }
        let Some(timer) = this.timer else { return Poll::Pending };
        let sleep =
            this.sleep.get_or_insert_with(|| Box::pin(sleep_until(timer.started + timer.limit)));
        if *this.is_stretched {
            // The answer has woken this call, so it is also when the clock goes on.
            let (deadline, running) = timer.deadline();
            if running {
                *this.is_stretched = false;
                sleep.as_mut().reset(deadline);
            }
        }
        while sleep.as_mut().poll(cx).is_ready() {
            let (deadline, running) = timer.deadline();
            if running && Instant::now() >= deadline {
                // Work that does not await, such as a blocking thread, learns it this way.
                timer.context.cancel.cancel();
                let text = format!(
                    "the call took longer than its limit of {:?}; ask for less, or raise the limit in the configuration",
                    timer.limit
                );
                return Poll::Ready(Err(Error::failed(ErrorKind::Timeout, text)));
            }
            *this.is_stretched = !running;
            sleep.as_mut().reset(deadline.max(Instant::now() + Duration::from_millis(1)));
        }
        Poll::Pending
    }
}
