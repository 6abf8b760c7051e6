//! What surrounds one call from the moment it is decoded until it is answered.
//!
//! Shared by the transport (which drains the outbox and cancels), the layers (deadline, permit) and the handler's
//! extractors. It belongs to exactly one request; its locks are never contended by another.

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::Notify, time::Instant};

use crate::{
    cache_policy::CacheStatus,
    caller::Caller,
    gate::Admission,
    handler::ask::AskState,
    outbox::Outbox,
    peer::Peer,
    protocol::{Id, RequestMeta, Revision},
    server::core::Core,
    shared::Held,
};

/// Names one request in logs and in what the caller is told about an internal error: unique within a process, and
/// unlikely to repeat across processes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl RequestId {
    pub(crate) fn next() -> Self {
        /// How many a thread takes at a time: threads that count on one counter hold each other up.
        const OWN_IDS: u64 = 1024;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        thread_local! { static OWN: Cell<(u64, u64)> = const { Cell::new((0, 0)) }; }
        static SEED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
        let seed = *SEED.get_or_init(|| {
            let mut bytes = [0; 8];
            // Without entropy ids still differ within the process, which is what correctness needs.
            let _ = getrandom::fill(&mut bytes);
            u64::from_le_bytes(bytes)
        });
        // A Weyl sequence: distinct for 2^64 requests, and not obviously a counter.
        let next = OWN.with(|own| {
            let (mut next, mut end) = own.get();
            if next == end {
                next = NEXT.fetch_add(OWN_IDS, Ordering::Relaxed);
                end = next + OWN_IDS;
            }
            own.set((next + 1, end));
            next
        });
        Self(seed.wrapping_add(next.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A flag that wakes who waits for it. Lives inside the call, so cancellation costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Cancellation {
    cancelled: AtomicBool,
    notify: Notify,
}

impl Cancellation {
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Resolves once cancelled. Cancel-safe.
    pub(crate) async fn cancelled(&self) {
        loop {
            let notified = self.notify.notified();
            if self.is_cancelled() {
                return;
            }
            notified.await;
        }
    }
}

/// How long the call's deadline stood still because a person was being asked.
#[derive(Debug, Default)]
struct Clock {
    paused_total: Duration,
    paused_since: Option<Instant>,
    /// Questions that are open at once.
    depth: u32,
}

/// Why somebody other than the handler ended a call.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Ended {
    Not,
    Withdrawn,
    Revoked,
}

/// One call's surroundings.
pub(crate) struct CallContext {
    pub(crate) core: Held<Core>,
    pub(crate) request_id: RequestId,
    pub(crate) id: Id,
    pub(crate) caller: Arc<Caller>,
    pub(crate) revision: Revision,
    pub(crate) peer: Peer,
    pub(crate) meta: RequestMeta,
    pub(crate) cancel: Cancellation,
    pub(crate) outbox: Outbox,
    pub(crate) ask: Mutex<AskState>,
    /// What the sealed state is bound to besides the caller: method, target and raw arguments.
    pub(crate) binding: Binding,
    /// Whether the client brings answers to questions of an earlier round.
    brings_answers: bool,
    /// Whether it also brings the sealed state of that round.
    continues: bool,
    cache: AtomicU8,
    ended: AtomicU8,
    admission: Mutex<Admission>,
    clock: Mutex<Clock>,
}

/// What a continuation must repeat exactly.
#[derive(Debug, Default, Clone)]
pub(crate) struct Binding {
    pub(crate) method: &'static str,
    pub(crate) target: Bytes,
    pub(crate) arguments: Bytes,
    /// Names the sealed state that this call brought, once that has been opened; every sealed state has another name.
    pub(crate) round: Option<Box<str>>,
}

impl CallContext {
    #[expect(
        clippy::too_many_arguments,
        reason = "built in one place, from what that place has just decoded"
    )]
    pub(crate) fn new(
        core: Held<Core>,
        id: Id,
        caller: Arc<Caller>,
        revision: Revision,
        peer: Peer,
        meta: RequestMeta,
        ask: AskState,
        binding: Binding,
        can_stream: bool,
    ) -> Self {
        let continues = ask.flow.is_some();
        Self {
            brings_answers: continues || !ask.answers.is_empty(),
            continues,
            cache: AtomicU8::new(0),
            core,
            request_id: RequestId::next(),
            id,
            caller,
            revision,
            peer,
            meta,
            cancel: Cancellation::default(),
            outbox: Outbox::new(can_stream),
            ask: Mutex::new(ask),
            binding,
            ended: AtomicU8::new(Ended::Not as u8),
            admission: Mutex::default(),
            clock: Mutex::default(),
        }
    }

    /// The client withdrew the call: it stops at its next await, and nothing more is sent.
    pub(crate) fn cancel_by_client(&self) {
        self.end(Ended::Withdrawn);
    }

    pub(crate) fn is_cancelled_by_client(&self) -> bool {
        self.ended.load(Ordering::SeqCst) == Ended::Withdrawn as u8
    }

    /// Its caller is no longer recognised: it stops at its next await, and is answered with that.
    pub(crate) fn revoke(&self) {
        self.end(Ended::Revoked);
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.ended.load(Ordering::SeqCst) == Ended::Revoked as u8
    }

    /// The first reason stays.
    fn end(&self, why: Ended) {
        let order = Ordering::SeqCst;
        let _ = self.ended.compare_exchange(Ended::Not as u8, why as u8, order, order);
        self.cancel.cancel();
        self.outbox.wake();
    }

    pub(crate) fn ask(&self) -> std::sync::MutexGuard<'_, AskState> {
        self.ask.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the client brings answers to questions of an earlier round: then no earlier result can be its answer.
    pub(crate) fn brings_answers(&self) -> bool {
        self.brings_answers
    }

    /// Whether this is a verified continuation of an earlier round of the same call.
    pub(crate) fn continues(&self) -> bool {
        self.continues
    }

    /// Remembers where the result came from, for whoever records the call.
    pub(crate) fn note_cache(&self, status: CacheStatus) {
        self.cache.store(status as u8 + 1, Ordering::Relaxed);
    }

    pub(crate) fn cache_status(&self) -> Option<CacheStatus> {
        [CacheStatus::Miss, CacheStatus::Hit, CacheStatus::Shared]
            .into_iter()
            .find(|status| *status as u8 + 1 == self.cache.load(Ordering::Relaxed))
    }

    /// Its permits, and where it gets them.
    pub(crate) fn admission(&self) -> std::sync::MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives its concurrency permits back while it waits for a person, and says whether it held any.
    pub(crate) fn release(&self) -> bool {
        self.admission().release()
    }

    /// Gives up its permits and its places for good.
    pub(crate) fn leave(&self) {
        let admission = std::mem::take(&mut *self.admission());
        drop(admission);
    }

    /// Stops the deadline's clock while a person is being asked; the guard starts it again.
    pub(crate) fn pause(&self) -> Paused<'_> {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.paused_since.get_or_insert_with(Instant::now);
        clock.depth += 1;
        drop(clock);
        Paused(self)
    }

    /// How long the clock has stood still, and whether it does now.
    pub(crate) fn paused(&self) -> (Duration, bool) {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let running = clock.paused_since.map_or(Duration::ZERO, |since| since.elapsed());
        (clock.paused_total + running, clock.paused_since.is_some())
    }
}

/// The deadline's clock stands still while this lives.
pub(crate) struct Paused<'a>(&'a CallContext);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        let mut clock = self.0.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.depth -= 1;
        if clock.depth == 0
            && let Some(since) = clock.paused_since.take()
        {
            clock.paused_total += since.elapsed();
        }
    }
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("request_id", &self.request_id)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A cheap handle on a call's surroundings.
pub(crate) type Context = Arc<CallContext>;
