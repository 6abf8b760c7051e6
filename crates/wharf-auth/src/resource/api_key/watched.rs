//! The keyring that follows its store.
//!
//! A request looks at the key file when nobody has for a tenth of a second, and reads it again when it is another one: so
//! a revoked key is refused at once, without a task that has to be kept alive or a notification that may get lost. A
//! store that can't be read takes its keys away until it can, and says so in the log.

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

pub(super) struct Watched {
    store: Option<KeyStore>,
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
    error: Option<String>,
}

type Files = [Option<Identity>; 2];

impl Watched {
    /// # Errors
    /// When the store can't be read: at a start somebody is there to mend it.
    pub(super) fn new(
        store: Option<KeyStore>,
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
                let mut ring = Keyring::new(self.ring.load().pepper().clone());
                ring.lacks_store = true;
                self.ring.store(Arc::new(ring.with_environment(&self.environment)));
                let error = error.to_string();
                // Once for each reason, and not once for each look.
                if seen.error.as_ref() != Some(&error) {
                    tracing::error!(
                        %error,
                        "the API keys can't be read, so nobody is let in by one of them until they can"
                    );
                }
                seen.error = Some(error);
            }
        }
    }
}

fn read(store: &KeyStore) -> Result<Keyring, StoreError> {
    let loaded = store.load()?;
    Ok(Keyring::new(loaded.pepper.clone()).with_store(loaded))
}
