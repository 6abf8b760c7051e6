//! Slow clients lose: a connection may take so long to send a request's headers, be silent so long between requests, and
//! take nothing of a response for so long.
//!
//! hyper's own header timer is armed and disarmed for each request; one coarse timer per connection that looks at the clock
//! when it fires does the same for less.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

/// What a connection is doing, and since when.
#[derive(Debug)]
pub(super) struct Phase {
    state: AtomicU8,
    started: Instant,
    since_ms: AtomicU64,
}

impl Phase {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(IDLE),
            started: Instant::now(),
            since_ms: AtomicU64::new(0),
        })
    }

    fn enter(&self, state: u8) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since_ms.store(now, Ordering::Relaxed);
        self.state.store(state, Ordering::Relaxed);
    }

    /// A request has been read; the clock stops until its response is gone.
    pub(super) fn busy(self: &Arc<Self>) -> Arc<Busy> {
        self.state.store(BUSY, Ordering::Relaxed);
        Arc::new(Busy(Arc::clone(self)))
    }

    /// How much longer the present phase may last; `None` without a bound.
    fn remaining(&self, head: Duration, idle: Duration) -> Option<Duration> {
        let limit = match self.state.load(Ordering::Relaxed) {
            IDLE => idle,
            HEAD => head,
            _ => return None,
        };
        let since = Duration::from_millis(self.since_ms.load(Ordering::Relaxed));
        Some((since + limit).saturating_sub(self.started.elapsed()))
    }
}

/// A request is being served.
#[derive(Debug)]
pub(super) struct Busy(Arc<Phase>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.enter(IDLE);
    }
}

/// A connection whose reads and writes fail once its client is too slow.
pub(super) struct Timed<IO> {
    io: IO,
    phase: Arc<Phase>,
    head: Duration,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    /// Runs while the client takes nothing of what is written.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<IO> Timed<IO> {
    pub(super) fn new(io: IO, phase: Arc<Phase>, head: Duration, idle: Duration) -> Self {
        // The first request's headers are due at once: a connection that says nothing is as slow as one that dribbles.
        phase.enter(HEAD);
        Self { io, phase, head, idle, timer: Box::pin(sleep(head)), stalled: None }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Timed<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Poll::Ready(result) = Pin::new(&mut this.io).poll_read(cx, buffer) {
            if this.phase.state.load(Ordering::Relaxed) == IDLE {
                this.phase.enter(HEAD);
            }
            return Poll::Ready(result);
        }
        while this.timer.as_mut().poll(cx).is_ready() {
            let next = match this.phase.remaining(this.head, this.idle) {
                Some(Duration::ZERO) => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Some(remaining) => remaining,
                // Busy: look again when a head could have become overdue.
                None => this.head.min(this.idle),
            };
            this.timer.as_mut().reset(Instant::now() + next.max(Duration::from_millis(1)));
        }
        Poll::Pending
    }
}

impl<IO> Timed<IO> {
    /// A client that takes nothing for as long as it may be silent is gone, whatever its socket says: its call would hold
    /// its place for ever.
    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let idle = self.idle;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(idle)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Timed<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.unless_stalled(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.unless_stalled(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
