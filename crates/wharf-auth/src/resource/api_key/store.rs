//! The key file and what is done to it.
//!
//! One JSON file: it is small, read whole, and an operator can look at it, keep it under version control and compare it;
//! a database would add nothing but a way to be locked. A change is written beside it and renamed into place under a file
//! lock, so that readers see the old or the new file and two writers lose nothing of each other.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use wharf::{Grants, PatternError};

use super::{
    clock,
    files::{self, Access, Identity},
    pepper::{PEPPER_BYTES, Pepper},
    record::{KeyFile, KeyInfo, MAX_KEYS, MAX_SECRETS, Record, Secret, VERSION},
    token::{ApiKey, random_id},
};

/// Largest key file, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// Longest name of a key, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Why the store can't be used or changed. No message has a key in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file of the store can't be read or written.
    #[error("can't {what} {}: {error}", .path.display())]
    File {
        /// What was to be done.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others than its owner can read or write a file of the store.
    #[error("{} can be {by} by others; run: chmod 600 {}", .path.display(), .path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// How.
        by: &'static str,
    },
    /// The key file is damaged, or of another program.
    #[error("{} is no key file of this version of Wharf: {reason}", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The secret that the hashes were made with is not there.
    #[error(
        "the keys in {} were made with another secret than {}; restore it from a backup, or remove both files and make new keys",
        .keys.display(), .pepper.display()
    )]
    OtherPepper {
        /// The key file.
        keys: PathBuf,
        /// The file with the secret.
        pepper: PathBuf,
    },
    /// No key has this name or id.
    #[error("there is no key {0:?}; `wharf keys list` shows all")]
    NotFound(String),
    /// A name is taken, or none.
    #[error("{0}")]
    Name(String),
    /// A pattern of the permissions is none.
    #[error("{0}")]
    Pattern(#[from] PatternError),
    /// Something would be too much.
    #[error("{0}")]
    Limit(String),
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl StoreError {
    /// Whether what was asked for makes no sense, rather than the store being broken.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::Name(_) | Self::Pattern(_) | Self::Limit(_))
    }
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// For people; no other key may have it.
    pub name: String,
    /// What it may use, as patterns of [`Grants`].
    pub allow: Vec<String>,
    /// For how long it is valid; for ever without it.
    pub expires_in: Option<Duration>,
}

/// A key that was just made. It can't be shown again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Issued {
    /// The key.
    pub key: ApiKey,
    /// What is known about it.
    pub info: KeyInfo,
}

/// A key file and the secret beside it. Every operation opens them anew.
#[derive(Debug, Clone)]
pub struct KeyStore {
    keys: PathBuf,
    pepper: PathBuf,
    lock: PathBuf,
}

/// What a server needs of a store.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) pepper: Pepper,
    pub(super) keys: Vec<(Record, Grants)>,
}

impl KeyStore {
    /// The store in this file; it need not exist yet. The secret is in a file of the same name with `.pepper` after it.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let keys = path.into();
        let beside = |suffix: &str| {
            let mut name = keys.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { pepper: beside(".pepper"), lock: beside(".lock"), keys }
    }

    /// The key file.
    pub fn path(&self) -> &Path {
        &self.keys
    }

    /// Makes a key. Running servers know it at once.
    ///
    /// # Errors
    /// When the name or a pattern is none, or the store can't be changed.
    pub fn create(&self, new: &NewKey, now: SystemTime) -> Result<Issued, StoreError> {
        Grants::parse(&new.allow)?;
        if new.allow.is_empty() {
            return Err(StoreError::Limit(
                "a key that may use nothing is of no use; allow something".into(),
            ));
        }
        check_name(&new.name)?;
        let now = clock::seconds(now);
        self.change(|pepper, keys| {
            if keys.iter().any(|record| record.name == new.name || record.id == new.name) {
                return Err(StoreError::Name(format!(
                    "there is a key {:?} already; rotate it, or take another name",
                    new.name
                )));
            }
            if keys.len() >= MAX_KEYS {
                return Err(StoreError::Limit(format!(
                    "there are {MAX_KEYS} keys already; revoke some"
                )));
            }
            let id = random_id()?;
            let key = ApiKey::generate(&id)?;
            let expires_at = new.expires_in.map(|period| now.saturating_add(period.as_secs()));
            let secret = Secret { hash: pepper.hash(key.expose()), created_at: now, expires_at };
            let record = Record {
                id,
                name: new.name.clone(),
                allow: new.allow.clone(),
                secrets: vec![secret],
            };
            let info = record.info();
            keys.push(record);
            Ok(Issued { key, info })
        })
    }

    /// All keys, in the order in which they were made; none when there is no file yet.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn list(&self) -> Result<Vec<KeyInfo>, StoreError> {
        let (_, file) = match self.read() {
            Err(error) if is_absent(&error, &self.keys) => return Ok(Vec::new()),
            read => read?,
        };
        Ok(file.keys.iter().map(Record::info).collect())
    }

    /// Removes a key, by its name or id. Running servers refuse it at once.
    ///
    /// # Errors
    /// When there is no such key, or the store can't be changed.
    pub fn revoke(&self, which: &str) -> Result<KeyInfo, StoreError> {
        self.change(|_, keys| {
            let at = position(keys, which)?;
            Ok(keys.remove(at).info())
        })
    }

    /// Gives a key, by its name or id, a new secret. The ones before stay valid for `overlap`, or as long as they would
    /// have been if that is shorter. The new one is valid for `expires_in`; without that, for as long as the last one was.
    ///
    /// # Errors
    /// When there is no such key, or the store can't be changed.
    pub fn rotate(
        &self,
        which: &str,
        overlap: Duration,
        expires_in: Option<Duration>,
        now: SystemTime,
    ) -> Result<Issued, StoreError> {
        let now = clock::seconds(now);
        let end = now.saturating_add(overlap.as_secs());
        self.change(|pepper, keys| {
            let at = position(keys, which)?;
            let record = &mut keys[at];
            let last = record.secrets.last();
            let period = last.and_then(|last| last.expires_at.map(|end| end.saturating_sub(last.created_at)));
            let period = expires_in.map(|period| period.as_secs()).or(period);
            for secret in &mut record.secrets {
                secret.expires_at = Some(secret.expires_at.map_or(end, |earlier| earlier.min(end)));
            }
            record.secrets.retain(|secret| secret.is_live(now));
            if record.secrets.len() >= MAX_SECRETS {
                return Err(StoreError::Limit(format!(
                    "{MAX_SECRETS} secrets of this key are still valid; wait, or rotate with a shorter overlap"
                )));
            }
            let key = ApiKey::generate(&record.id)?;
            let expires_at = period.map(|period| now.saturating_add(period));
            record.secrets.push(Secret { hash: pepper.hash(key.expose()), created_at: now, expires_at });
            Ok(Issued { key, info: record.info() })
        })
    }

    /// Tells whether the files are still those that were read.
    pub(super) fn identities(&self) -> [Option<Identity>; 2] {
        [Identity::of(&self.keys), Identity::of(&self.pepper)]
    }

    /// Everything, checked.
    pub(super) fn load(&self) -> Result<Loaded, StoreError> {
        let (pepper, file) = self.read()?;
        let mut keys = Vec::with_capacity(file.keys.len());
        for record in file.keys {
            let grants = Grants::parse(&record.allow).map_err(|error| {
                self.malformed(format!("the permissions of the key {}: {error}", record.id))
            })?;
            keys.push((record, grants));
        }
        Ok(Loaded { pepper, keys })
    }

    /// The pepper and the file, as they belong together.
    fn read(&self) -> Result<(Pepper, KeyFile), StoreError> {
        let bytes = files::read(&self.keys, MAX_FILE_BYTES, Access::NotWritten)?;
        // The place of a mistake is told, and never the text there: it may be a key that somebody pasted.
        let file: KeyFile = serde_json::from_slice(&bytes).map_err(|error| {
            self.malformed(format!("line {}, column {}", error.line(), error.column()))
        })?;
        if file.version != VERSION {
            return Err(
                self.malformed(format!("its version is {} and not {VERSION}", file.version))
            );
        }
        if file.keys.len() > MAX_KEYS {
            return Err(self.malformed(format!("it has more than {MAX_KEYS} keys")));
        }
        let mut ids = HashSet::new();
        if !file.keys.iter().all(|record| ids.insert(record.id.as_str())) {
            return Err(self.malformed("two keys have the same id".into()));
        }
        let pepper = self.read_pepper()?;
        if pepper.id() != file.pepper {
            return Err(StoreError::OtherPepper {
                keys: self.keys.clone(),
                pepper: self.pepper.clone(),
            });
        }
        Ok((pepper, file))
    }

    fn read_pepper(&self) -> Result<Pepper, StoreError> {
        let bytes = files::read(&self.pepper, PEPPER_BYTES as u64 + 1, Access::Private)?;
        match bytes.as_slice().try_into() {
            Ok(secret) => Ok(Pepper::new(secret)),
            Err(_) => Err(StoreError::OtherPepper {
                keys: self.keys.clone(),
                pepper: self.pepper.clone(),
            }),
        }
    }

    /// Reads, changes and writes the file while nobody else does.
    fn change<T>(
        &self,
        change: impl FnOnce(&Pepper, &mut Vec<Record>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _lock = files::lock(&self.lock)?;
        let (pepper, mut file) = match self.read() {
            Err(error) if is_absent(&error, &self.keys) => {
                let pepper = self.first_pepper()?;
                let id = pepper.id();
                (pepper, KeyFile { version: VERSION, pepper: id, keys: Vec::new() })
            }
            read => read?,
        };
        let outcome = change(&pepper, &mut file.keys)?;
        let mut bytes =
            serde_json::to_vec_pretty(&file).map_err(|error| self.malformed(error.to_string()))?;
        bytes.push(b'\n');
        files::replace(&self.keys, &bytes)?;
        Ok(outcome)
    }

    /// The pepper of a store without keys: the one that is there, or a new one.
    fn first_pepper(&self) -> Result<Pepper, StoreError> {
        match self.read_pepper() {
            Err(error) if is_absent(&error, &self.pepper) => {
                let secret = Pepper::random_bytes()?;
                files::replace(&self.pepper, secret.as_slice())?;
                Ok(Pepper::new(&secret))
            }
            read => read,
        }
    }

    fn malformed(&self, reason: String) -> StoreError {
        StoreError::Malformed { path: self.keys.clone(), reason }
    }
}

fn position(keys: &[Record], which: &str) -> Result<usize, StoreError> {
    // An id before a name: a name that somebody chose must not stand in for another key.
    let by_id = keys.iter().position(|record| record.id == which);
    by_id
        .or_else(|| keys.iter().position(|record| record.name == which))
        .ok_or_else(|| StoreError::NotFound(which.chars().take(MAX_NAME_CHARS).collect()))
}

fn is_absent(error: &StoreError, wanted: &Path) -> bool {
    matches!(error, StoreError::File { path, error, .. }
        if path == wanted && error.kind() == io::ErrorKind::NotFound)
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let good = (1..=MAX_NAME_CHARS).contains(&name.chars().count())
        && name.trim() == name
        && !name.chars().any(char::is_control);
    if good && !ApiKey::has_prefix(name) {
        return Ok(());
    }
    Err(StoreError::Name(format!(
        "a name has 1 to {MAX_NAME_CHARS} characters, no control characters, no space at its ends, and does not begin like a key"
    )))
}
