//! Who decides about a change that is ready: the task that commits it, or the caller who has given it up. Never both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const UNDECIDED: u8 = 0;
const COMMITTING: u8 = 1;
const GIVEN_UP: u8 = 2;
/// The transaction is never committed, whoever asks.
const NO_COMMIT: u8 = 3;

/// The decision about one transaction. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Turn {
    state: Arc<AtomicU8>,
}

impl Turn {
    /// For work that reads or that rolls back what it did.
    pub(super) fn that_never_commits() -> Self {
        Self { state: Arc::new(AtomicU8::new(NO_COMMIT)) }
    }

    /// Whether there is something to commit.
    pub(super) fn commits(&self) -> bool {
        self.state.load(Ordering::SeqCst) != NO_COMMIT
    }

    /// Takes the decision to commit; false when it was given up before.
    pub(super) fn begin_commit(&self) -> bool {
        self.decide(COMMITTING)
    }

    /// Takes the decision not to commit; false when a commit has begun, whose end must be waited for.
    pub(super) fn give_up(&self) -> bool {
        self.decide(GIVEN_UP) || !self.is_committing()
    }

    pub(super) fn is_committing(&self) -> bool {
        self.state.load(Ordering::SeqCst) == COMMITTING
    }

    /// Gives up when it is dropped, unless a commit has begun.
    pub(super) fn given_up_on_drop(self) -> GivenUpOnDrop {
        GivenUpOnDrop(self)
    }

    fn decide(&self, decision: u8) -> bool {
        self.state.compare_exchange(UNDECIDED, decision, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// See [`Turn::given_up_on_drop`].
#[derive(Debug)]
pub(super) struct GivenUpOnDrop(Turn);

impl Drop for GivenUpOnDrop {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_side_decides() {
        let turn = Turn::default();
        assert!(turn.commits() && turn.begin_commit());
        assert!(!turn.give_up() && turn.is_committing());
        let turn = Turn::default();
        drop(turn.clone().given_up_on_drop());
        assert!(!turn.begin_commit() && turn.give_up());
        let never = Turn::that_never_commits();
        assert!(!never.commits() && !never.begin_commit() && never.give_up());
    }
}
