//! What a call has been told, what it still wants to know, and which flow of rounds it belongs to.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::seal::fill;

/// Most bytes of answers that one call may carry in its sealed state.
pub(crate) const MAX_ANSWERS_BYTES: usize = 64 * 1024;
/// Most answers that one round may bring, and so most questions that one may ask.
pub(crate) const MAX_RESPONSES: usize = 64;

/// One question in the wire form that both eras share.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) params: Value,
}

/// What a call has been told and still wants to know.
#[derive(Debug, Default)]
pub(crate) struct AskState {
    /// Answers by question key: those sealed in the state, and this round's (2026-07-28).
    pub(crate) answers: BTreeMap<String, Value>,
    /// The keys that the handler has read: only these are carried on.
    pub(crate) used: Vec<String>,
    /// What to ask next.
    pub(crate) pending: BTreeMap<String, Request>,
    /// The chain of rounds that this call is one of (2026-07-28).
    pub(crate) flow: Option<Flow>,
    /// What [`Ask::once`](super::Ask::once) has recorded, where nobody can come back to this call: a legacy client.
    pub(super) effects: BTreeMap<String, Vec<u8>>,
}

/// A chain of rounds: one call in the eyes of the person, several requests on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    /// Random, sealed, and the same in each round.
    pub(crate) id: String,
    /// How often the client has come back.
    pub(crate) round: u32,
    /// When the first round was, in Unix milliseconds: all rounds together have one lifetime.
    pub(crate) began_ms: u64,
    /// Tells this run of the handler from another one of the same round.
    pub(super) run: [u8; 16],
    /// Whether this run has won its round, or needs not: nobody else can have the first one.
    pub(super) consumed: bool,
}

impl Flow {
    /// A flow that begins with this call.
    pub(crate) fn begin() -> Self {
        let flow = Self::resume(URL_SAFE_NO_PAD.encode(random()), 0, now_unix_ms());
        Self { consumed: true, ..flow }
    }

    /// A flow that a client has brought back.
    pub(crate) fn resume(id: String, round: u32, began_ms: u64) -> Self {
        Self { id, round, began_ms, run: random(), consumed: false }
    }

    /// When the last state of the flow ends, in Unix milliseconds.
    pub(crate) fn ends_ms(&self, lifetime: Duration) -> u64 {
        self.began_ms.saturating_add(as_ms(lifetime))
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    bytes
}

pub(crate) fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What clients carry has to hold across restarts, so its times are those of the wall clock.
pub(crate) fn now_unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, as_ms)
}
