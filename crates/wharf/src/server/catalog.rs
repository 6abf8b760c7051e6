//! Everything that is registered, hidden or not, in order: what a snapshot is made of, and what changes apply to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    BuildError,
    entries::{PromptEntry, ResourceEntry, ToolEntry},
};
use crate::scope::Scope;

/// Something that has a place in the catalog.
pub(super) trait Entry {
    /// What it is called in errors.
    const KIND: &'static str;
    /// What to do when two merged servers have one of the same key.
    const REMEDY: &'static str;

    /// Its name or URI.
    fn key(&self) -> &Arc<str>;

    /// What its author demands of whoever uses it.
    fn scopes(&self) -> &[Scope];
}

impl Entry for ToolEntry {
    const KIND: &'static str = "tool";
    const REMEDY: &'static str = "merge one of the two with a prefix";

    fn key(&self) -> &Arc<str> {
        &self.name
    }

    fn scopes(&self) -> &[Scope] {
        &self.scopes
    }
}

impl Entry for ResourceEntry {
    const KIND: &'static str = "resource";
    const REMEDY: &'static str = "give one of the two another URI";

    fn key(&self) -> &Arc<str> {
        &self.uri
    }

    fn scopes(&self) -> &[Scope] {
        &self.scopes
    }
}

impl Entry for PromptEntry {
    const KIND: &'static str = "prompt";
    const REMEDY: &'static str = "merge one of the two with a prefix";

    fn key(&self) -> &Arc<str> {
        &self.name
    }

    fn scopes(&self) -> &[Scope] {
        &self.scopes
    }
}

/// One registered item.
pub(super) struct Slot<T> {
    pub(super) entry: Arc<T>,
    /// Tells registrations of the same key apart: 0 for what the server was built with, so that cursors outlive a restart
    /// and are understood by replicas; the place for what was added later.
    pub(super) registration: u64,
    hidden: bool,
    /// The server that it was registered with.
    server: Arc<str>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        let (entry, server) = (Arc::clone(&self.entry), Arc::clone(&self.server));
        Self { entry, server, registration: self.registration, hidden: self.hidden }
    }
}

/// Items of one kind, in registration order.
pub(super) struct Shelf<T> {
    slots: BTreeMap<u64, Slot<T>>,
    places: HashMap<Arc<str>, u64>,
    /// Never used again, also after a removal.
    next_place: u64,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        // Places begin at 1: 0 means "built with".
        Self { slots: BTreeMap::new(), places: HashMap::new(), next_place: 1 }
    }
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        let (slots, places) = (self.slots.clone(), self.places.clone());
        Self { slots, places, next_place: self.next_place }
    }
}

/// When an item was registered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    AtBuild,
    Later,
}

impl<T: Entry> Shelf<T> {
    /// # Errors
    /// When the key is taken, also by a hidden item.
    pub(super) fn add(
        &mut self,
        entry: Arc<T>,
        server: &Arc<str>,
        added: Added,
    ) -> Result<(), BuildError> {
        let key = Arc::clone(entry.key());
        if let Some(other) = self.places.get(&key).and_then(|place| self.slots.get(place)) {
            let what = format!("{} {key:?}", T::KIND);
            return Err(taken(what, &other.server, server, T::REMEDY));
        }
        let place = self.next_place;
        self.next_place += 1;
        let registration = if added == Added::Later { place } else { 0 };
        let server = Arc::clone(server);
        self.slots.insert(place, Slot { entry, registration, hidden: false, server });
        self.places.insert(key, place);
        Ok(())
    }

    /// # Errors
    /// When there is none.
    pub(super) fn remove(&mut self, key: &str) -> Result<(), BuildError> {
        let place = self.places.remove(key).ok_or_else(|| unknown::<T>(key))?;
        self.slots.remove(&place);
        Ok(())
    }

    /// # Errors
    /// When there is none.
    pub(super) fn set_hidden(&mut self, key: &str, hidden: bool) -> Result<(), BuildError> {
        let slot = self.places.get(key).and_then(|place| self.slots.get_mut(place));
        slot.ok_or_else(|| unknown::<T>(key))?.hidden = hidden;
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Hidden or not.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<T>> {
        self.slots.values().map(|slot| &slot.entry)
    }

    pub(super) fn visible(&self) -> impl Iterator<Item = &Slot<T>> {
        self.slots.values().filter(|slot| !slot.hidden)
    }

    pub(super) fn hidden(&self) -> impl Iterator<Item = &Arc<T>> {
        self.slots.values().filter(|slot| slot.hidden).map(|slot| &slot.entry)
    }
}

/// Two items of one key.
pub(super) fn taken(
    what: String,
    first: &Arc<str>,
    second: &Arc<str>,
    remedy: &'static str,
) -> BuildError {
    if first == second {
        return BuildError::Duplicate { what };
    }
    BuildError::Clash { what, first: first.to_string(), second: second.to_string(), remedy }
}

fn unknown<T: Entry>(key: &str) -> BuildError {
    BuildError::Unknown { what: format!("{} {key:?}", T::KIND) }
}

/// Everything that is registered.
#[derive(Default, Clone)]
pub(super) struct Catalog {
    pub(super) tools: Shelf<ToolEntry>,
    /// Templates too.
    pub(super) resources: Shelf<ResourceEntry>,
    pub(super) prompts: Shelf<PromptEntry>,
}

impl Catalog {
    /// # Errors
    /// When there are more items than `limit`.
    pub(super) fn check_size(&self, limit: usize) -> Result<(), BuildError> {
        let count = self.tools.len() + self.resources.len() + self.prompts.len();
        if count > limit { Err(BuildError::TooMany { count, limit }) } else { Ok(()) }
    }
}
