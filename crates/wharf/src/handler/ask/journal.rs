//! Where it is recorded that a side effect began and what came of it.
//!
//! On 2026-07-28 a flow goes on in another request, perhaps on another replica, so the record is in the state store. A
//! legacy call goes on in place and nobody can come back to it, so its record is in the call itself and ends with it.
//!
//! Before a flow's first record in a round, the run must win that round: the store remembers the last round that was won,
//! and by which run. Whoever brings an older state, or the same one a second time, finds it won and is refused. A run that
//! records nothing needs to win nothing, because repeating it is harmless.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::state::{AskState, Flow, as_ms, now_unix_ms};
use crate::{
    context::CallContext,
    error::ToolError,
    state::{StateStore, Swap},
};

/// Records are kept for this long after the last state that could ask for them has ended, so that replicas whose clocks
/// differ agree on what was done.
const SLACK: Duration = Duration::from_secs(10 * 60);
/// Most effects of one legacy call.
const MAX_EFFECTS: usize = 1024;

/// The effect has begun, and nobody knows what came of it.
const STARTED: &[u8] = b"s";
/// The effect is done; its result follows.
const DONE: u8 = b'd';
/// The effect is done; its result was not kept.
const UNKEPT: &[u8] = b"u";

/// One effect's record.
pub(super) struct Journal<'a> {
    context: &'a CallContext,
    name: &'a str,
    place: Place,
}

enum Place {
    Call,
    Store { flow: Flow, prefix: String },
}

/// What became of the attempt to begin.
pub(super) enum Begun {
    /// It is this run's to do.
    Now,
    /// It was done before, with this result.
    Before(Bytes),
}

impl<'a> Journal<'a> {
    pub(super) fn new(context: &'a CallContext, name: &'a str) -> Self {
        let place = if context.revision.is_modern() {
            let flow = context.ask().flow.get_or_insert_with(Flow::begin).clone();
            // The flow's name is sealed and bound to its caller; that it says so here too keeps callers apart in a store
            // that is looked into.
            let caller = Sha256::digest(context.caller.id.as_bytes());
            let caller: String = caller[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            let prefix = format!("wharf/ask/{caller}/{}", flow.id);
            Place::Store { flow, prefix }
        } else {
            Place::Call
        };
        Self { context, name, place }
    }

    fn store(&self) -> &dyn StateStore {
        &*self.context.core.state
    }

    /// Marks the effect as begun, unless it was begun before.
    ///
    /// # Errors
    /// CONFLICT when the round is not this run's, or nobody knows what came of the effect; SERVICE_UNAVAILABLE when the store
    /// can't record it. Nothing was done then.
    pub(super) async fn begin(&self) -> Result<Begun, ToolError> {
        let found = match &self.place {
            Place::Call => self.begin_in_call(&mut self.context.ask())?,
            Place::Store { flow, prefix } => {
                self.win_round(flow, prefix).await?;
                let (key, ttl) = (self.effect_key(prefix), self.ttl(flow));
                let mark = self.store().compare_and_swap(key.as_bytes(), None, STARTED, Some(ttl));
                match mark.await? {
                    Swap::Done => None,
                    Swap::Differs(found) => Some(found.unwrap_or_default()),
                }
            }
        };
        match found {
            None => Ok(Begun::Now),
            Some(record) if record.first() == Some(&DONE) => Ok(Begun::Before(record.slice(1..))),
            Some(record) if record == UNKEPT => Err(ToolError::conflict(format!(
                "{:?} was done, but its result could not be kept; check what it did before you begin anew",
                self.name
            ))),
            Some(_) => Err(self.unknown()),
        }
    }

    fn begin_in_call(&self, state: &mut AskState) -> Result<Option<Bytes>, ToolError> {
        if let Some(record) = state.effects.get(self.name) {
            return Ok(Some(Bytes::copy_from_slice(record)));
        }
        if state.effects.len() >= MAX_EFFECTS {
            let text = format!("a call records more than {MAX_EFFECTS} effects; do several as one");
            return Err(ToolError::internal(text));
        }
        state.effects.insert(self.name.to_owned(), STARTED.to_owned());
        Ok(None)
    }

    /// Wins the round for this run, once.
    async fn win_round(&self, flow: &Flow, prefix: &str) -> Result<(), ToolError> {
        if flow.consumed {
            return Ok(());
        }
        let key = format!("{prefix}/round");
        let mine = won(flow);
        let mut known: Option<Bytes> = None;
        // Each turn that does not return has found a later round than the one before, all of them older than this one.
        for _ in 0..=flow.round {
            let ttl = Some(self.ttl(flow));
            let expected = known.as_deref();
            let swap = self.store().compare_and_swap(key.as_bytes(), expected, &mine, ttl).await?;
            known = match swap {
                // The record may also be this run's own, where it does two things at once.
                Swap::Differs(found) if found.as_ref().is_none_or(|found| *found != mine) => found,
                _ => {
                    if let Some(flow) = &mut self.context.ask().flow {
                        flow.consumed = true;
                    }
                    return Ok(());
                }
            };
            if known.as_deref().is_some_and(|found| round_of(found) >= flow.round) {
                break;
            }
        }
        Err(self.used(prefix).await?)
    }

    /// What a run is told that comes second.
    async fn used(&self, prefix: &str) -> Result<ToolError, ToolError> {
        let effect = self.store().get(self.effect_key(prefix).as_bytes()).await?;
        if effect.is_some_and(|effect| effect == STARTED) {
            return Ok(self.unknown());
        }
        Ok(ToolError::conflict(
            "these answers were used already; what followed from them is not done again. Call again without \
             \"requestState\" to begin anew",
        ))
    }

    fn unknown(&self) -> ToolError {
        ToolError::conflict(format!(
            "the outcome of {:?} is unknown: it was begun and did not finish; check what it did before you begin anew",
            self.name
        ))
    }

    /// Records the result. An effect that is done is not undone by a store that fails: the call goes on, and whoever asks for
    /// the result later is told that there is none.
    pub(super) async fn finish(&self, result: Option<&[u8]>) {
        let record = result.map(|result| [&[DONE], result].concat());
        match &self.place {
            Place::Call => {
                let record = record.unwrap_or_else(|| UNKEPT.to_owned());
                self.context.ask().effects.insert(self.name.to_owned(), record);
            }
            Place::Store { flow, prefix } => {
                let kept = match &record {
                    Some(record) => self.replace(flow, prefix, record).await,
                    None => false,
                };
                if !kept {
                    self.replace(flow, prefix, UNKEPT).await;
                }
            }
        }
    }

    /// The effect failed, and so did not happen: it may be tried again.
    pub(super) async fn forget(&self) {
        match &self.place {
            Place::Call => drop(self.context.ask().effects.remove(self.name)),
            Place::Store { prefix, .. } => {
                let key = self.effect_key(prefix);
                let now = Some(Duration::ZERO);
                let removed =
                    self.store().compare_and_swap(key.as_bytes(), Some(STARTED), b"", now).await;
                if let Err(error) = removed {
                    self.warn(&error);
                }
            }
        }
    }

    async fn replace(&self, flow: &Flow, prefix: &str, record: &[u8]) -> bool {
        let (key, ttl) = (self.effect_key(prefix), Some(self.ttl(flow)));
        match self.store().compare_and_swap(key.as_bytes(), Some(STARTED), record, ttl).await {
            Ok(swap) => swap == Swap::Done,
            Err(error) => {
                self.warn(&error);
                false
            }
        }
    }

    fn warn(&self, error: &(dyn std::error::Error + 'static)) {
        tracing::warn!(
            request_id = %self.context.request_id,
            effect = self.name,
            error,
            "what became of an effect could not be recorded"
        );
    }

    fn effect_key(&self, prefix: &str) -> String {
        format!("{prefix}/effect/{}", self.name)
    }

    fn ttl(&self, flow: &Flow) -> Duration {
        let ends_ms = flow.ends_ms(self.context.core.limits.flow_lifetime);
        Duration::from_millis(ends_ms.saturating_sub(now_unix_ms()).saturating_add(as_ms(SLACK)))
    }
}

/// The record of a round that a run has won.
fn won(flow: &Flow) -> Vec<u8> {
    [&flow.round.to_be_bytes()[..], &flow.run].concat()
}

/// The round of such a record. One that can't be read counts as the last there can be: it is never won over.
fn round_of(record: &[u8]) -> u32 {
    record.first_chunk().map_or(u32::MAX, |bytes| u32::from_be_bytes(*bytes))
}
