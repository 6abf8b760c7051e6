//! Objects that are still to be judged, by OID, each with every way in which it is reached.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How something is reached, for messages: empty when the statement names it itself.
pub(super) type Via = Arc<str>;

/// Objects of one kind by OID: those still to be judged with every way in which they are reached, and all that were met.
pub(super) struct Pending<T> {
    pub(super) todo: Todo<T>,
    pub(super) met: BTreeSet<(u32, T)>,
}

pub(super) type Todo<T> = BTreeMap<u32, Vec<(Via, T)>>;

impl<T: Copy + Ord> Pending<T> {
    pub(super) fn new() -> Self {
        Self { todo: BTreeMap::new(), met: BTreeSet::new() }
    }

    pub(super) fn push(&mut self, oid: u32, via: &Via, extra: T) {
        if oid != 0 && self.met.insert((oid, extra)) {
            self.todo.entry(oid).or_default().push((Arc::clone(via), extra));
        }
    }

    pub(super) fn take(&mut self) -> (Todo<T>, Vec<u32>) {
        let todo = std::mem::take(&mut self.todo);
        let oids = todo.keys().copied().collect();
        (todo, oids)
    }

    pub(super) fn oids(&self) -> Vec<u32> {
        let mut oids: Vec<u32> = self.met.iter().map(|(oid, _)| *oid).collect();
        oids.dedup();
        oids
    }
}
