//! Who belongs to a key, in memory.
//!
//! A key is hashed with the pepper and looked up by its hash: one hash, one look-up and one comparison for whatever was
//! sent, so that the time says nothing about which keys exist. That is also fast enough to need no cache besides, and what
//! is not cached need not be withdrawn when a key is revoked.

use std::{collections::HashMap, sync::Arc};

use secrecy::ExposeSecret;
use subtle::Choice;
use wharf::Caller;

use super::{
    environment::EnvironmentKey,
    pepper::{KeyHash, Pepper},
    store::Loaded,
};

/// All keys of one moment. It is replaced as a whole.
#[derive(Debug)]
pub(super) struct Keyring {
    pepper: Pepper,
    entries: HashMap<KeyHash, Entry>,
    /// Who the keys belong to, by id.
    callers: HashMap<Arc<str>, Known>,
    /// Stands in for a key that is not there.
    nobody: Entry,
    /// Whether the keys of the store are missing, because it can't be read.
    pub(super) lacks_store: bool,
}

#[derive(Debug)]
struct Entry {
    hash: KeyHash,
    caller: Arc<Caller>,
    expires_at: Option<u64>,
}

/// A caller, and until when one of its keys is valid; for ever without an end.
#[derive(Debug)]
struct Known {
    caller: Arc<Caller>,
    expires_at: Option<u64>,
}

fn is_live(expires_at: Option<u64>, now: u64) -> bool {
    expires_at.is_none_or(|end| now < end)
}

impl Keyring {
    /// Without keys yet.
    pub(super) fn new(pepper: Pepper) -> Self {
        let caller = Arc::new(Caller::authenticated("nobody", "nobody"));
        let nobody = Entry { hash: KeyHash::NOBODY, caller, expires_at: Some(0) };
        let (entries, callers) = Default::default();
        Self { pepper, entries, callers, nobody, lacks_store: false }
    }

    pub(super) fn pepper(&self) -> &Pepper {
        &self.pepper
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// With the keys of a store, whose pepper this is.
    pub(super) fn with_store(mut self, loaded: Loaded) -> Self {
        for (record, grants) in loaded.keys {
            let caller =
                Caller::authenticated(record.id, record.name).with_grants(Arc::new(grants));
            let caller = Arc::new(caller);
            for secret in record.secrets {
                self.add(secret.hash, &caller, secret.expires_at);
            }
        }
        self
    }

    /// With keys from the environment.
    pub(super) fn with_environment(mut self, keys: &[EnvironmentKey]) -> Self {
        for EnvironmentKey { key, name, grants } in keys {
            let key = key.expose_secret();
            // The line of a key is no id: after an edit it would belong to somebody else.
            let id = format!("env-{}", self.pepper.id_of(key));
            let caller = Caller::authenticated(id, name.as_str()).with_grants(Arc::clone(grants));
            self.add(self.pepper.hash(key), &Arc::new(caller), None);
        }
        self
    }

    fn add(&mut self, hash: KeyHash, caller: &Arc<Caller>, expires_at: Option<u64>) {
        let entry = Entry { hash, caller: Arc::clone(caller), expires_at };
        self.entries.insert(hash, entry);
        let known = self.callers.entry(Arc::clone(&caller.id)).or_insert_with(|| Known {
            caller: Arc::clone(caller),
            // Before any key: the first one prolongs it.
            expires_at: Some(0),
        });
        known.expires_at = known.expires_at.zip(expires_at).map(|(one, other)| one.max(other));
    }

    /// Whether this caller has a key that is valid in this second, and may still use what it came with.
    pub(super) fn knows(&self, caller: &Caller, now: u64) -> bool {
        self.callers.get(&caller.id).is_some_and(|known| {
            is_live(known.expires_at, now) && known.caller.grants == caller.grants
        })
    }

    /// The caller with this key, if it is valid in this second.
    pub(super) fn recognise(&self, key: &str, now: u64) -> Option<Arc<Caller>> {
        let hash = self.hash(key);
        let entry = self.entries.get(&hash).unwrap_or(&self.nobody);
        let is_live = u8::from(is_live(entry.expires_at, now));
        let is_good = self.compare(entry, &hash) & Choice::from(is_live);
        bool::from(is_good).then(|| Arc::clone(&entry.caller))
    }

    fn hash(&self, key: &str) -> KeyHash {
        #[cfg(test)]
        tests::count(|steps| steps.hashes += 1);
        self.pepper.hash(key)
    }

    fn compare(&self, entry: &Entry, hash: &KeyHash) -> Choice {
        #[cfg(test)]
        tests::count(|steps| steps.comparisons += 1);
        entry.hash.is(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::api_key::record::{Record, Secret};
    use secrecy::SecretString;
    use std::cell::Cell;
    use wharf::Grants;

    #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Steps {
        pub(super) hashes: usize,
        pub(super) comparisons: usize,
    }

    thread_local! {
        static STEPS: Cell<Steps> = Cell::default();
    }

    pub(super) fn count(change: impl FnOnce(&mut Steps)) {
        let mut steps = STEPS.get();
        change(&mut steps);
        STEPS.set(steps);
    }

    fn ring() -> Keyring {
        let pepper = Pepper::new(&[1; 32]);
        let secret =
            |key: &str, expires_at| Secret { hash: pepper.hash(key), created_at: 0, expires_at };
        let record = Record {
            id: "id".into(),
            name: "ci".into(),
            allow: vec!["tools".into()],
            secrets: vec![secret("old", Some(100)), secret("new", None)],
        };
        let keys = vec![(record, Grants::parse(["tools"]).unwrap())];
        let environment = EnvironmentKey {
            key: SecretString::from("chosen"),
            name: "MCP_API_KEY".into(),
            grants: Grants::all(),
        };
        Keyring::new(pepper.clone())
            .with_store(Loaded { pepper, keys })
            .with_environment(&[environment])
    }

    #[test]
    fn all_keys_that_were_sent_take_the_same_steps() {
        let ring = ring();
        for (key, expected) in [
            ("new", true),
            ("old", false),
            ("chosen", true),
            ("never", false),
            ("", false),
            (&"x".repeat(512), false),
        ] {
            STEPS.set(Steps::default());
            assert_eq!(ring.recognise(key, 100).is_some(), expected, "{key}");
            assert_eq!(STEPS.get(), Steps { hashes: 1, comparisons: 1 }, "{key}");
        }
    }

    #[test]
    fn keys_expire_to_the_second() {
        assert!(ring().recognise("old", 99).is_some());
        assert!(ring().recognise("old", 100).is_none());
    }

    #[test]
    fn a_caller_is_known_while_any_of_its_keys_is_valid() {
        let ring = ring();
        let caller = ring.recognise("old", 1).unwrap();
        assert!(
            ring.knows(&caller, 1) && ring.knows(&caller, 100) && ring.knows(&caller, u64::MAX)
        );
        let widened = Caller::clone(&caller).with_grants(Grants::all());
        assert!(!ring.knows(&widened, 1), "with other permissions it is another one");
        assert!(!ring.knows(&Caller::authenticated("other", "ci"), 1));
        assert!(!ring.knows(&ring.nobody.caller, 0));
        let pepper = Pepper::new(&[1; 32]);
        let mut rotated = Keyring::new(pepper.clone());
        rotated.add(pepper.hash("old"), &caller, Some(100));
        rotated.add(pepper.hash("new"), &caller, Some(200));
        rotated.add(pepper.hash("odd"), &caller, Some(150));
        assert!(rotated.knows(&caller, 199) && !rotated.knows(&caller, 200));
    }

    #[test]
    fn secrets_of_a_key_are_one_caller() {
        let ring = ring();
        let (old, new) = (ring.recognise("old", 1).unwrap(), ring.recognise("new", 1).unwrap());
        assert!(Arc::ptr_eq(&old, &new));
        assert_eq!(
            (&*old.id, &*old.name, old.kind),
            ("id", "ci", wharf::CallerKind::Authenticated)
        );
        let chosen = ring.recognise("chosen", 1).unwrap();
        assert!(chosen.id.starts_with("env-") && !chosen.id.contains("chosen"));
        assert_eq!(chosen.grants, Grants::all());
    }

    #[test]
    fn nobody_is_never_let_in() {
        let ring = ring();
        assert!(!bool::from(ring.nobody.hash.is(&ring.pepper.hash(""))));
        assert!(ring.recognise("", 0).is_none());
    }
}
