//! One resumable stream of a legacy session: a bounded buffer between whoever produces events and whichever connection
//! reads them at the moment (2025-11-25, resumability and redelivery).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

use super::stream::{Frames, event};

#[derive(Debug, Default)]
struct State {
    /// Sequence number and message.
    events: VecDeque<(u64, Bytes)>,
    next: u64,
    /// Nothing more will come.
    done: bool,
    /// Bumped to send the present reader away.
    generation: u64,
    readers: usize,
    /// When the last reader left.
    left: Option<Instant>,
    /// The last sequence number that the present reader has taken.
    seen: u64,
}

/// The buffer of one stream.
#[derive(Debug)]
pub(super) struct Replay {
    number: u64,
    capacity: usize,
    state: Mutex<State>,
    changed: Notify,
}

impl Replay {
    pub(super) fn new(number: u64, capacity: usize) -> Arc<Self> {
        // Sequence 0 is the priming event.
        let state = State { next: 1, ..State::default() };
        Arc::new(Self {
            number,
            capacity: capacity.max(1),
            state: Mutex::new(state),
            changed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn event_id(&self, sequence: u64) -> String {
        format!("{}-{sequence}", self.number)
    }

    /// Appends an event. While someone reads, it waits for room, so that a connected client misses nothing; while nobody
    /// does, the oldest event goes when the buffer is full. Cancel-safe: a dropped future has appended nothing.
    pub(super) async fn push(&self, message: Bytes) {
        loop {
            // Made before the look, so that nothing is missed in between.
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                let unread = (state.next - 1).saturating_sub(state.seen);
                if state.readers == 0 || state.done || unread < self.capacity as u64 {
                    let sequence = state.next;
                    state.next += 1;
                    if state.events.len() >= self.capacity {
                        state.events.pop_front();
                    }
                    state.events.push_back((sequence, message));
                    break;
                }
            }
            changed.await;
        }
        self.changed.notify_waiters();
    }

    /// Nothing more will come.
    pub(super) fn finish(&self) {
        self.lock().done = true;
        self.changed.notify_waiters();
    }

    /// Sends the present reader away; it may come back with the id of the last event that it saw.
    pub(super) fn release(&self) {
        self.lock().generation += 1;
        self.changed.notify_waiters();
    }

    pub(super) fn has_reader(&self) -> bool {
        self.lock().readers > 0
    }

    /// When a reader left last.
    pub(super) fn left(&self) -> Option<Instant> {
        self.lock().left
    }

    pub(super) fn is_done(&self) -> bool {
        self.lock().done
    }

    /// Resolves when a reader comes or goes, or something is said, from now on. Cancel-safe.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Reads what follows `after`, replacing an earlier reader.
    pub(super) fn read(self: &Arc<Self>, after: u64, first: Option<Bytes>) -> Reader {
        let mut state = self.lock();
        state.generation += 1;
        state.readers += 1;
        state.seen = after;
        let generation = state.generation;
        drop(state);
        self.changed.notify_waiters();
        Reader { replay: Arc::clone(self), seen: after, generation, first }
    }
}

/// One connection that reads a stream.
pub(super) struct Reader {
    replay: Arc<Replay>,
    seen: u64,
    generation: u64,
    first: Option<Bytes>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.replay.lock();
        state.readers -= 1;
        state.left = Some(Instant::now());
        drop(state);
        self.replay.changed.notify_waiters();
    }
}

impl Frames for Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let changed = self.replay.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that nothing is missed in between.
            changed.as_mut().enable();
            {
                let mut state = self.replay.lock();
                if state.generation != self.generation {
                    return None;
                }
                let found = state.events.iter().find(|(sequence, _)| *sequence > self.seen);
                if let Some((sequence, message)) = found.cloned() {
                    self.seen = sequence;
                    state.seen = sequence;
                    drop(state);
                    // Whoever waits for room looks again.
                    self.replay.changed.notify_waiters();
                    return Some(event(&message, Some(&self.replay.event_id(sequence))));
                }
                if state.done {
                    return None;
                }
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: Option<Bytes>) -> Option<String> {
        frame.map(|frame| String::from_utf8(frame.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_reader_that_comes_back_gets_what_it_missed() {
        let replay = Replay::new(7, 8);
        let mut first = replay.read(0, None);
        replay.push("a".into()).await;
        assert!(text(first.next().await).unwrap().starts_with("id: 7-1\n"));
        replay.release();
        assert_eq!(first.next().await, None);
        drop(first);
        assert!(!replay.has_reader());
        replay.push("b".into()).await;
        replay.finish();
        let mut second = replay.read(1, None);
        assert!(text(second.next().await).unwrap().contains("data: b\n"));
        assert_eq!(second.next().await, None);
    }

    #[tokio::test]
    async fn the_buffer_is_bounded() {
        let replay = Replay::new(1, 2);
        for message in ["a", "b", "c"] {
            replay.push(message.into()).await;
        }
        replay.finish();
        let mut reader = replay.read(0, None);
        assert!(text(reader.next().await).unwrap().starts_with("id: 1-2\n"));
    }
}
