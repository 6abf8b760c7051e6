//! One limit on how many run at once: permits, and a line of bounded length that is served first come, first served.
//!
//! Where nobody waits, a permit is taken and given back by one atomic step each: no lock is shared between calls that have
//! room. Whoever has to wait stands in the line of a semaphore, which locks.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tokio::sync::Semaphore;

/// Permits and the line before them.
#[derive(Debug)]
pub(crate) struct Line {
    /// How many permits there are in all.
    permits: usize,
    /// Permits that nobody holds and nobody in the line is about to get.
    free: AtomicUsize,
    /// Calls in the line. While there are any, permits go through `turns`.
    queued: AtomicUsize,
    /// Hands permits to the line, in order. It has none while the line is empty, but for one that came too late for whoever
    /// left the line.
    turns: Semaphore,
    /// Calls that have a place, in this line or in a narrower one.
    waiting: AtomicUsize,
}

/// How much of a line is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) permits: usize,
    pub(crate) held: usize,
    pub(crate) waiting: usize,
}

/// Leave to run. Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Line>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl Line {
    /// At most `concurrency` at once, and at least one.
    pub(crate) fn new(concurrency: usize) -> Arc<Self> {
        let permits = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            permits,
            free: AtomicUsize::new(permits),
            queued: AtomicUsize::new(0),
            turns: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
        })
    }

    /// How many permits there are, how many are held, and how many calls have a place in the line.
    pub(super) fn load(&self) -> Load {
        let left = self.free.load(SeqCst) + self.turns.available_permits();
        Load {
            permits: self.permits,
            held: self.permits.saturating_sub(left),
            waiting: self.waiting.load(SeqCst),
        }
    }

    /// A permit, if there is one and nobody waits for it.
    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Permit> {
        let entered = self.queued.load(SeqCst) == 0 && (self.take_free() || self.take_left_over());
        entered.then(|| Permit(Arc::clone(self)))
    }

    fn take_free(&self) -> bool {
        self.free.fetch_update(SeqCst, SeqCst, |free| free.checked_sub(1)).is_ok()
    }

    /// A permit that was handed to the line when the last one had just left it.
    fn take_left_over(&self) -> bool {
        let Ok(turn) = self.turns.try_acquire() else { return false };
        turn.forget();
        // Somebody may have joined the line meanwhile and counted on it.
        self.serve_line();
        true
    }

    fn give_back(&self) {
        self.free.fetch_add(1, SeqCst);
        self.serve_line();
    }

    /// Hands free permits to the line while somebody stands in it. Whoever joins the line does this after joining, and whoever
    /// gives a permit back after giving it: of two that meet, at least the later one sees the other.
    fn serve_line(&self) {
        while self.queued.load(SeqCst) > self.turns.available_permits() && self.take_free() {
            self.turns.add_permits(1);
        }
    }

    /// A place in the line, unless `max` stand there.
    pub(super) fn stand(&self, max: usize) -> Option<Place<'_>> {
        let place = Place(&self.waiting);
        (self.waiting.fetch_add(1, SeqCst) < max).then_some(place)
    }

    /// A permit when it is one's turn. Cancel-safe: a dropped future has left the line. `None` once the line is closed,
    /// which it never is.
    pub(super) async fn enter(self: &Arc<Self>) -> Option<Permit> {
        self.queued.fetch_add(1, SeqCst);
        let queued = Queued(self);
        self.serve_line();
        self.turns.acquire().await.ok()?.forget();
        let permit = Permit(Arc::clone(self));
        drop(queued);
        Some(permit)
    }
}

/// A call in the line.
struct Queued<'a>(&'a Line);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, SeqCst);
    }
}

/// Given back when it is dropped.
pub(super) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
