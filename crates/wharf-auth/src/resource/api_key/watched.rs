//! The keyring that follows its store.
//!
//! A request looks at the key file when nobody has for a tenth of a second, and reads it again when it is another one: so
//! a revoked key is refused at once, without a task that has to be kept alive or a notification that may get lost. What
//! becomes of the keys of a store that can't be read is the operator's choice; either way the log says so until it can be.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use tokio::time::Instant;

use super::{
    environment::EnvironmentKey,
    files::Identity,
    keyring::Keyring,
    pepper::Pepper,
    store::{KeyStore, StoreError},
};

/// How often the file is looked at, at most.
const INTERVAL: Duration = Duration::from_millis(100);
/// How often the log repeats that it can't be read.
const REMINDER: Duration = Duration::from_secs(60);

/// What becomes of the keys in a file that can't be read any more while a server runs. A file that can't be read at the
/// start is an error there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum UnreadableStore {
    /// The keys that were read last go on; what was revoked since counts when the file can be read again.
    #[default]
    KeepKeys,
    /// Nobody is let in by them, and they are answered with 503.
    RefuseKeys,
}

pub(super) struct Watched {
    store: Option<KeyStore>,
    unreadable: UnreadableStore,
    environment: Vec<EnvironmentKey>,
    ring: ArcSwap<Keyring>,
    began: Instant,
    /// When the file is to be looked at again, in milliseconds since `began`.
    due_ms: AtomicU64,
    seen: Mutex<Seen>,
}

/// What was found at the last look.
#[derive(Debug)]
struct Seen {
    files: Files,
    /// Why it can't be read, and when that was last told.
    error: Option<(String, Instant)>,
}

type Files = [Option<Identity>; 2];

impl Watched {
    /// # Errors
    /// When the store can't be read: at a start somebody is there to mend it.
    pub(super) fn new(
        store: Option<KeyStore>,
        unreadable: UnreadableStore,
        environment: Vec<EnvironmentKey>,
    ) -> Result<Self, StoreError> {
        // Before the reading: a file that changes meanwhile is another one at the next look.
        let files = store.as_ref().map_or([None, None], KeyStore::identities);
        let ring = match &store {
            Some(store) => read(store)?,
            None => Keyring::new(Pepper::new(&*Pepper::random_bytes()?)),
        };
        Ok(Self {
            store,
            unreadable,
            ring: ArcSwap::from_pointee(ring.with_environment(&environment)),
            environment,
            began: Instant::now(),
            due_ms: AtomicU64::new(0),
            seen: Mutex::new(Seen { files, error: None }),
        })
    }

    /// The keys as they are now.
    pub(super) fn current(&self) -> Guard<Arc<Keyring>> {
        if let Some(store) = &self.store {
            let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let due = self.due_ms.load(Ordering::Relaxed);
            let next = now.saturating_add(INTERVAL.as_millis() as u64);
            let is_ours = now >= due
                && self
                    .due_ms
                    .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok();
            if is_ours {
                self.look(store);
            }
        }
        self.ring.load()
    }

    fn look(&self, store: &KeyStore) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let files = store.identities();
        if seen.files == files && seen.error.is_none() {
            return;
        }
        seen.files = files;
        match read(store) {
            Ok(ring) => {
                let keys = ring.len();
                self.ring.store(Arc::new(ring.with_environment(&self.environment)));
                tracing::info!(keys, path = %store.path().display(), "the API keys were read again");
                seen.error = None;
            }
            Err(error) => {
                if self.unreadable == UnreadableStore::RefuseKeys {
                    let mut ring = Keyring::new(self.ring.load().pepper().clone());
                    ring.lacks_store = true;
                    self.ring.store(Arc::new(ring.with_environment(&self.environment)));
                }
                let error = error.to_string();
                let told = seen.error.take().filter(|(told, at)| {
                    // Once for each reason and now and then, not once for each look.
                    *told == error && at.elapsed() < REMINDER
                });
                seen.error = Some(told.unwrap_or_else(|| {
                    self.say(&error);
                    (error, Instant::now())
                }));
            }
        }
    }

    fn say(&self, error: &str) {
        match self.unreadable {
            UnreadableStore::KeepKeys => tracing::error!(
                error,
                "the API keys can't be read, so those that were read last go on: REVOKED KEYS MAY BE AMONG THEM"
            ),
            UnreadableStore::RefuseKeys => tracing::error!(
                error,
                "the API keys can't be read, so nobody is let in by one of them until they can"
            ),
        }
    }

    /// Whether the store could not be read at the last look, and what becomes of its keys then.
    pub(super) fn trouble(&self) -> Option<UnreadableStore> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.error.as_ref().map(|_| self.unreadable)
    }
}

fn read(store: &KeyStore) -> Result<Keyring, StoreError> {
    let loaded = store.load()?;
    Ok(Keyring::new(loaded.pepper.clone()).with_store(loaded))
}
