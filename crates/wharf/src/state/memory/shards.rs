//! Many locks in place of one: which one guards a key is decided by a keyed hash, so that no caller can choose keys that
//! all meet behind the same lock.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Enough that a few dozen threads rarely meet; a power of two, so that choosing one is a mask.
const SHARDS: usize = 32;

#[derive(Debug)]
pub(super) struct Shards<T> {
    shards: [Mutex<T>; SHARDS],
    hasher: RandomState,
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl<T> Shards<T> {
    /// The shard that `key` belongs to.
    pub(super) fn lock(&self, key: &[u8]) -> MutexGuard<'_, T> {
        let index = self.hasher.hash_one(key) as usize & (SHARDS - 1);
        lock(&self.shards[index])
    }

    /// Every shard, locked one after the other, never two at once.
    pub(super) fn each(&self, mut act: impl FnMut(&mut T)) {
        for shard in &self.shards {
            act(&mut lock(shard));
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What runs under these locks never panics half-way, so a poisoned one still guards consistent data.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
