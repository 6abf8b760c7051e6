//! One shard's entries of one kind, with the order in which they expire.
//!
//! Each entry that can expire has exactly one mark in `deadlines`, at its deadline or earlier. An entry whose deadline
//! moves on keeps its mark, which is what makes a take from a quota free of allocation; the mark is corrected when its
//! time comes. So removing what has expired costs each entry a logarithm, however full the store is.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tokio::time::Instant;

use super::budget::{Budget, NoRoom};

/// Entries that one write removes at most beside its own work.
const TIDY: usize = 4;

type Mark = (Instant, u64);

#[derive(Debug)]
pub(super) struct Slot<V> {
    pub(super) value: V,
    /// What the budget counts for it.
    bytes: usize,
    pub(super) deadline: Option<Instant>,
    mark: Option<Mark>,
}

impl<V> Slot<V> {
    pub(super) fn is_live(&self, now: Instant) -> bool {
        self.deadline.is_none_or(|deadline| now < deadline)
    }
}

#[derive(Debug)]
pub(super) struct Table<V> {
    map: HashMap<Arc<[u8]>, Slot<V>>,
    deadlines: BTreeMap<Mark, Arc<[u8]>>,
    marks: u64,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { map: HashMap::new(), deadlines: BTreeMap::new(), marks: 0 }
    }
}

impl<V> Table<V> {
    /// The entry of `key`, if it has not expired.
    pub(super) fn live(&self, key: &[u8], now: Instant) -> Option<&V> {
        self.map.get(key).filter(|slot| slot.is_live(now)).map(|slot| &slot.value)
    }

    /// The entry of `key`, expired or not. Its deadline may be moved on in place, never back.
    pub(super) fn slot(&mut self, key: &[u8]) -> Option<&mut Slot<V>> {
        self.map.get_mut(key)
    }

    /// Sets the entry of `key`.
    pub(super) fn set(
        &mut self,
        budget: &Budget,
        key: &[u8],
        value: V,
        bytes: usize,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Result<(), NoRoom> {
        self.expire(budget, now, TIDY);
        let bytes = bytes.saturating_add(key.len());
        if let Some(slot) = self.map.get_mut(key) {
            budget.resize(slot.bytes, bytes)?;
            (slot.value, slot.bytes, slot.deadline) = (value, bytes, deadline);
            let (mark, deadline) = (slot.mark, slot.deadline);
            self.remark(key, mark, deadline);
            return Ok(());
        }
        budget.reserve(bytes)?;
        self.map.insert(key.into(), Slot { value, bytes, deadline, mark: None });
        self.remark(key, None, deadline);
        Ok(())
    }

    /// Counts the entry of `key`, which is there, as `bytes` beside its key.
    pub(super) fn resize(
        &mut self,
        budget: &Budget,
        key: &[u8],
        bytes: usize,
    ) -> Result<(), NoRoom> {
        let Some(slot) = self.map.get_mut(key) else { return Ok(()) };
        let bytes = bytes.saturating_add(key.len());
        budget.resize(slot.bytes, bytes)?;
        slot.bytes = bytes;
        Ok(())
    }

    /// The entry of `key`, if there is one, expires at `deadline` now.
    pub(super) fn set_deadline(&mut self, key: &[u8], deadline: Option<Instant>) {
        let Some(slot) = self.map.get_mut(key) else { return };
        slot.deadline = deadline;
        let mark = slot.mark;
        self.remark(key, mark, deadline);
    }

    /// Makes the mark no later than the deadline.
    fn remark(&mut self, key: &[u8], mark: Option<Mark>, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        if mark.is_some_and(|(at, _)| at <= deadline) {
            return;
        }
        let known = mark.and_then(|mark| self.deadlines.remove(&mark));
        let known = known.or_else(|| self.map.get_key_value(key).map(|(key, _)| Arc::clone(key)));
        let (Some(key), new) = (known, (deadline, self.marks)) else { return };
        self.marks += 1;
        if let Some(slot) = self.map.get_mut(&key) {
            slot.mark = Some(new);
        }
        self.deadlines.insert(new, key);
    }

    /// Removes the entry of `key`; gives it if it had not expired.
    pub(super) fn remove(&mut self, budget: &Budget, key: &[u8], now: Instant) -> Option<V> {
        let slot = self.map.remove(key)?;
        if let Some(mark) = slot.mark {
            self.deadlines.remove(&mark);
        }
        budget.release(slot.bytes);
        slot.is_live(now).then_some(slot.value)
    }

    /// Removes entries that have expired, after looking at no more than `most` marks.
    pub(super) fn expire(&mut self, budget: &Budget, now: Instant, most: usize) {
        for _ in 0..most {
            let Some(first) = self.deadlines.first_entry().filter(|first| first.key().0 <= now)
            else {
                return;
            };
            let key = first.remove();
            let Some(slot) = self.map.get_mut(&key) else { continue };
            if slot.is_live(now) {
                slot.mark = None;
                let deadline = slot.deadline;
                self.remark(&key, None, deadline);
            } else {
                budget.release(slot.bytes);
                self.map.remove(&key);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn marks(&self) -> usize {
        self.deadlines.len()
    }
}
