//! What a key looks like: `wharf_`, 12 characters of id, `_`, 43 characters of secret, 6 characters of checksum.
//!
//! The prefix and the checksum let secret scanners find keys that leaked, without asking anybody and nearly without false
//! alarms, and let tools tell a mistyped key from a revoked one. The server itself looks at neither: it must not answer
//! faster to what is no key.

use std::fmt;

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use sha2::{Digest, Sha256};

/// What every key begins with.
const PREFIX: &str = "wharf_";
/// Characters of the id: 71 bits, so that ids are never guessed to collide.
const ID_CHARS: usize = 12;
/// Characters of the secret: 62^43 is more than 2^256.
const SECRET_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key in the clear: shown once and kept nowhere.
pub struct ApiKey(SecretString);

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

impl ApiKey {
    /// A new key of this id.
    pub(super) fn generate(id: &str) -> Result<Self, getrandom::Error> {
        let secret = random_text(SECRET_CHARS)?;
        let length = PREFIX.len() + id.len() + 1 + SECRET_CHARS + CHECKSUM_CHARS;
        // Never grows, so that no copy of it is left behind.
        let mut text = Zeroizing::new(String::with_capacity(length));
        for part in [PREFIX, id, "_", &secret] {
            text.push_str(part);
        }
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Ok(Self(SecretString::from(std::mem::take(&mut *text))))
    }

    /// The key itself, for the one who asked for it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether a text has the form of a key and its checksum is right; one that has the prefix only was mistyped.
    pub fn is_well_formed(text: &str) -> bool {
        let length = PREFIX.len() + ID_CHARS + 1 + SECRET_CHARS + CHECKSUM_CHARS;
        let Some(rest) = text.strip_prefix(PREFIX).filter(|_| text.len() == length) else {
            return false;
        };
        let good = |byte: u8| ALPHABET.contains(&byte);
        let (id, secret) = rest.as_bytes().split_at(ID_CHARS);
        let is_written_well = id.iter().copied().all(good)
            && secret[0] == b'_'
            && secret[1..].iter().copied().all(good);
        is_written_well
            && text[length - CHECKSUM_CHARS..] == *checksum(&text[..length - CHECKSUM_CHARS])
    }

    /// Whether a text was meant to be a key that this crate made.
    pub fn has_prefix(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

/// An id for a new key.
pub(super) fn random_id() -> Result<String, getrandom::Error> {
    Ok(random_text(ID_CHARS)?.to_string())
}

/// Characters that are all equally likely.
fn random_text(length: usize) -> Result<Zeroizing<String>, getrandom::Error> {
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while text.len() < length {
        getrandom::fill(bytes.as_mut_slice())?;
        // 248 is four times 62: a byte above it would make some characters likelier.
        let fair = bytes.iter().filter(|byte| **byte < 248).take(length - text.len());
        text.extend(fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
    Ok(text)
}

/// Six characters that nearly every typo changes.
fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text);
    let mut value = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let mut out = [b'0'; CHECKSUM_CHARS];
    for place in out.iter_mut().rev() {
        *place = ALPHABET[(value % 62) as usize];
        value /= 62;
    }
    out.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_are_recognisable_long_and_distinct() {
        let id = random_id().unwrap();
        let key = ApiKey::generate(&id).unwrap();
        let text = key.expose();
        assert!(text.starts_with(&format!("wharf_{id}_")) && text.len() == 68, "{text}");
        assert!(ApiKey::is_well_formed(text));
        let many: HashSet<String> =
            (0..200).map(|_| ApiKey::generate(&id).unwrap().expose().to_owned()).collect();
        assert_eq!(many.len(), 200);
        assert!((SECRET_CHARS as f64) * 62_f64.log2() >= 256.0);
    }

    #[test]
    fn every_typo_in_one_place_is_seen() {
        let key = ApiKey::generate(&random_id().unwrap()).unwrap();
        let text = key.expose();
        for at in 0..text.len() {
            let mut typo = text.as_bytes().to_vec();
            typo[at] = if typo[at] == b'x' { b'y' } else { b'x' };
            assert!(!ApiKey::is_well_formed(std::str::from_utf8(&typo).unwrap()), "at {at}");
            assert!(!ApiKey::is_well_formed(&text[..at]));
        }
        for bad in ["", "wharf_", "wharf_é", &format!("{text}0"), &"é".repeat(34)] {
            assert!(!ApiKey::is_well_formed(bad));
        }
    }

    #[test]
    fn keys_do_not_show_in_debug() {
        let key = ApiKey::generate("abc").unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(..)");
    }

    #[test]
    fn all_characters_are_used() {
        let text = random_text(5_000).unwrap();
        assert_eq!(text.chars().collect::<HashSet<_>>().len(), 62);
    }
}
