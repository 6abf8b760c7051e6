//! The server's secret: without it, the hashes in the key file can neither be tried nor made.
//!
//! It lies beside the key file, readable by its owner only, and is made on first use. It is not in the key file, because
//! that one is listed, copied and compared, and whoever gets hold of it alone must not get anything to try keys against.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::zeroize::Zeroizing;
use sha2::Sha256;
use subtle::ConstantTimeEq;

pub(super) const PEPPER_BYTES: usize = 32;

/// What is stored of a key: HMAC-SHA256 (RFC 2104) of it. It may be compared as it is to find an entry, because nobody
/// without the pepper can choose what it will be.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct KeyHash([u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

impl KeyHash {
    /// A hash that belongs to no key.
    pub(super) const NOBODY: Self = Self([0; 32]);

    pub(super) fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// In constant time.
    pub(super) fn is(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

/// The secret, ready to hash with.
#[derive(Clone)]
pub(super) struct Pepper {
    /// With the secret taken in already, which saves two of five rounds of SHA-256 for every key.
    keyed: Hmac<Sha256>,
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

impl Pepper {
    pub(super) fn new(secret: &[u8; PEPPER_BYTES]) -> Self {
        // HMAC takes keys of any length, so this can't fail; a default would be a hash without a secret.
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let keyed = Hmac::new_from_slice(secret).expect("HMAC takes keys of any length");
        Self { keyed }
    }

    /// A secret, and nothing that is left of it when it goes.
    pub(super) fn random_bytes() -> Result<Zeroizing<[u8; PEPPER_BYTES]>, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; PEPPER_BYTES]);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(bytes)
    }

    /// The hash of a key.
    pub(super) fn hash(&self, key: &str) -> KeyHash {
        KeyHash(self.hash_parts(&[key.as_bytes()]))
    }

    /// An id for a key that has none, which gives nothing of the key away.
    pub(super) fn id_of(&self, key: &str) -> String {
        // No key has a zero byte in it, so this is the hash of no other one.
        URL_SAFE_NO_PAD.encode(&self.hash_parts(&[b"id\0", key.as_bytes()])[..9])
    }

    /// Tells whether a key file belongs to this secret.
    pub(super) fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.hash_parts(&[b"pepper\0"])[..9])
    }

    fn hash_parts(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.keyed.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_hmac_sha256() {
        // RFC 4231 section 4.2 is for a 20-byte key; this one was made with: openssl dgst -sha256 -mac HMAC.
        let pepper = Pepper::new(&[0x0b; 32]);
        let hex: String =
            pepper.hash("Hi There").0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
        assert_eq!(KeyHash::from_text(&pepper.hash("a").to_text()), Some(pepper.hash("a")));
        assert_ne!(Pepper::new(&[1; 32]).hash("a"), Pepper::new(&[2; 32]).hash("a"));
        assert_ne!(Pepper::new(&[1; 32]).id(), Pepper::new(&[2; 32]).id());
        for bad in ["", "AAAA", "!", &"A".repeat(44)] {
            assert_eq!(KeyHash::from_text(bad), None);
        }
    }

    #[test]
    fn nothing_shows_in_debug() {
        let pepper = Pepper::new(&[7; 32]);
        assert_eq!(format!("{pepper:?} {:?}", pepper.hash("a")), "Pepper(..) KeyHash(..)");
    }
}
