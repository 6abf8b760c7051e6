//! What the key file holds of a key, and what it tells about one.
//!
//! A key is an identity with one or more secrets: rotating adds a secret and lets the others expire, so that the caller
//! stays who it was for sessions, quotas and the audit trail.

use serde::{Deserialize, Serialize};

use super::pepper::KeyHash;

/// The form of the file; another number is a newer program's file.
pub(super) const VERSION: u32 = 1;
/// Most keys in a file.
pub(super) const MAX_KEYS: usize = 10_000;
/// Most secrets of a key that are valid at once.
pub(super) const MAX_SECRETS: usize = 4;

/// The key file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    pub(super) version: u32,
    /// Which pepper the hashes were made with.
    pub(super) pepper: String,
    pub(super) keys: Vec<Record>,
}

/// One key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) allow: Vec<String>,
    /// The newest comes last.
    pub(super) secrets: Vec<Secret>,
}

/// One secret of a key, hashed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    #[serde(with = "as_text")]
    pub(super) hash: KeyHash,
    /// Seconds since 1970, as every time here.
    pub(super) created_at: u64,
    /// The first second in which it is not valid any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<u64>,
}

impl Secret {
    pub(super) fn is_live(&self, now: u64) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What may be told about a key: everything but the key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The id of the caller, and part of the key.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it may use, as patterns of [`wharf::Grants`].
    pub allow: Vec<String>,
    /// When its newest secret was made, in seconds since 1970.
    pub created_at: u64,
    /// The first second in which its newest secret is not valid any more; none for one that does not expire.
    pub expires_at: Option<u64>,
    /// Until when the secret from before the last rotation is valid.
    pub previous_expires_at: Option<u64>,
}

impl Record {
    pub(super) fn info(&self) -> KeyInfo {
        let newest = self.secrets.last();
        KeyInfo {
            id: self.id.clone(),
            name: self.name.clone(),
            allow: self.allow.clone(),
            created_at: newest.map_or(0, |secret| secret.created_at),
            expires_at: newest.and_then(|secret| secret.expires_at),
            previous_expires_at: self
                .secrets
                .iter()
                .rev()
                .nth(1)
                .and_then(|secret| secret.expires_at),
        }
    }
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::KeyHash;

    pub(super) fn serialize<S: Serializer>(
        hash: &KeyHash,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hash.to_text())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<KeyHash, D::Error> {
        let text = String::deserialize(from)?;
        KeyHash::from_text(&text).ok_or_else(|| D::Error::custom("not the hash of a key"))
    }
}
