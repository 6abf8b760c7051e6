//! The calls and streams of one endpoint that go on, so that they can be ended when their caller is no longer recognised.
//!
//! Calls that are over at the first look, as most are, never come here. It holds nothing alive: what has ended is forgotten
//! at the next review, or when what is left is a small part of what is held.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::{caller::Caller, context::CallContext};

/// Fewer than this are not worth cleaning up in between.
const MIN_HELD: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    calls: Vec<Weak<CallContext>>,
    /// How many of them went on at the last look.
    alive: usize,
}

impl Held {
    fn forget_ended(&mut self) {
        self.calls.retain(|call| call.strong_count() > 0);
        self.alive = self.calls.len();
    }
}

impl UnderWay {
    /// Looks after a call from now on.
    pub(super) fn add(&self, call: &Arc<CallContext>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.calls.len() >= MIN_HELD.max(2 * held.alive) {
            held.forget_ended();
        }
        held.calls.push(Arc::downgrade(call));
    }

    /// Ends the calls of callers who are not recognised, and counts them.
    pub(super) fn review(&self, recognises: impl Fn(&Caller) -> bool) -> usize {
        let going_on: Vec<Arc<CallContext>> = {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            held.forget_ended();
            held.calls.iter().filter_map(Weak::upgrade).collect()
        };
        // Outside the lock: an authenticator may take its time, and ending a call wakes its task.
        let ended = going_on.iter().filter(|call| !recognises(&call.caller));
        ended.map(|call| call.revoke()).count()
    }
}
