//! Sealing what clients carry for the server: pagination cursors and request state.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with a random 24-byte nonce: clients can neither read nor change what they
//! hold, and random nonces never need a counter. The purpose and what the text is bound to are authenticated with it, so a
//! cursor can't be passed off as request state, nor one caller's state as another's.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
/// What stands before the sealed bytes: the version, the key's id and the nonce.
pub(crate) const HEAD_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;
/// Longest sealed text that is looked at.
const MAX_TEXT_BYTES: usize = 128 * 1024;

/// A 256-bit key. Its bytes appear nowhere: not in `Debug`, not in logs.
#[derive(Clone)]
pub struct SealingKey {
    id: [u8; KEY_ID_BYTES],
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").finish_non_exhaustive()
    }
}

/// A key has another length than 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealing key has 32 bytes; make one with: openssl rand -base64 32")]
pub struct KeyLength;

impl SealingKey {
    /// A key from 32 secret, random bytes.
    ///
    /// # Errors
    /// When there are not 32 of them.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyLength> {
        let cipher = XChaCha20Poly1305::new_from_slice(bytes).map_err(|_| KeyLength)?;
        // The id tells keys apart after a rotation. It is a hash, so it gives nothing of the key away.
        let digest =
            Sha256::new().chain_update(b"wharf sealing key id").chain_update(bytes).finalize();
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest[..KEY_ID_BYTES]);
        Ok(Self { id, cipher })
    }
}

/// Why a sealed text can't be opened. Callers of the server get one message for all of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealError {
    /// Too long, not base64, or too short.
    Malformed,
    /// Sealed with a key that is not, or no longer, here.
    UnknownKey,
    /// Changed, or bound to something else.
    Tampered,
}

/// Seals with its first key and opens with each.
#[derive(Debug, Clone)]
pub(crate) struct Sealer {
    keys: Vec<SealingKey>,
}

impl Sealer {
    /// A sealer for these keys; without any, one with a random key.
    pub(crate) fn new(keys: Vec<SealingKey>) -> Self {
        if keys.is_empty() { Self::random() } else { Self { keys } }
    }

    /// A sealer whose texts end with the process.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 32];
        fill(&mut bytes);
        Self { keys: SealingKey::new(&bytes).into_iter().collect() }
    }

    pub(crate) fn seal(&self, purpose: &'static str, bound_to: &[u8], plain: &[u8]) -> String {
        let Some(key) = self.keys.first() else { return String::new() };
        let mut nonce = [0; NONCE_BYTES];
        fill(&mut nonce);
        let aad = authenticated(purpose, bound_to);
        // Fails only for texts of more than 256 GiB.
        let sealed = key
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
            .unwrap_or_default();
        let mut out = Vec::with_capacity(HEAD_BYTES + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&key.id);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        URL_SAFE_NO_PAD.encode(out)
    }

    /// # Errors
    /// See [`SealError`].
    pub(crate) fn open(
        &self,
        purpose: &'static str,
        bound_to: &[u8],
        text: &str,
    ) -> Result<Vec<u8>, SealError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(SealError::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Malformed)?;
        let (head, sealed) = bytes.split_at_checked(HEAD_BYTES).ok_or(SealError::Malformed)?;
        if head[0] != VERSION {
            return Err(SealError::Malformed);
        }
        let (id, nonce) = head[1..].split_at(KEY_ID_BYTES);
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| SealError::Malformed)?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
        let aad = authenticated(purpose, bound_to);
        let payload = Payload { msg: sealed, aad: &aad };
        key.cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Tampered)
    }
}

/// Length-prefixed, so that no two pairs give the same bytes.
fn authenticated(purpose: &str, bound_to: &[u8]) -> Vec<u8> {
    let mut out = vec![VERSION];
    for part in [purpose.as_bytes(), bound_to] {
        out.extend_from_slice(&(part.len() as u64).to_le_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// Random bytes for what must not be guessed.
#[expect(
    clippy::expect_used,
    reason = "without entropy nothing can be sealed safely; better no server than a guessable one"
)]
pub(crate) fn fill(bytes: &mut [u8]) {
    // The kernel's generator fails only on systems that lack it altogether.
    getrandom::fill(bytes).expect("the system has a random number generator");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; 32]).unwrap()
    }

    #[test]
    fn nothing_but_the_sealed_text_itself_opens() {
        let sealer = Sealer::new(vec![key(1)]);
        let text = sealer.seal("cursor", b"alice", b"page 2");
        assert_eq!(sealer.open("cursor", b"alice", &text).unwrap(), b"page 2");
        assert_eq!(sealer.open("state", b"alice", &text), Err(SealError::Tampered));
        assert_eq!(sealer.open("cursor", b"bob", &text), Err(SealError::Tampered));
        let raw = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for index in 0..raw.len() {
            let mut changed = raw.clone();
            changed[index] ^= 1;
            assert!(
                sealer.open("cursor", b"alice", &URL_SAFE_NO_PAD.encode(changed)).is_err(),
                "byte {index}"
            );
        }
        for length in 0..raw.len() {
            assert!(
                sealer.open("cursor", b"alice", &URL_SAFE_NO_PAD.encode(&raw[..length])).is_err()
            );
        }
        assert!(sealer.open("cursor", b"alice", &format!("{text}AA")).is_err());
        assert_eq!(
            sealer.open("cursor", b"alice", &"A".repeat(1 << 20)),
            Err(SealError::Malformed)
        );
    }

    #[test]
    fn keys_rotate() {
        let old = Sealer::new(vec![key(1)]).seal("cursor", b"", b"x");
        let both = Sealer::new(vec![key(2), key(1)]);
        assert_eq!(both.open("cursor", b"", &old).unwrap(), b"x");
        let new = both.seal("cursor", b"", b"y");
        assert_eq!(Sealer::new(vec![key(2)]).open("cursor", b"", &new).unwrap(), b"y");
        assert_eq!(Sealer::new(vec![key(2)]).open("cursor", b"", &old), Err(SealError::UnknownKey));
        assert!(SealingKey::new(&[1; 31]).is_err());
    }

    #[test]
    fn keys_do_not_show_in_debug() {
        assert_eq!(format!("{:?}", key(7)), "SealingKey { .. }");
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(plain: Vec<u8>, bound: Vec<u8>) {
            let sealer = Sealer::random();
            prop_assert_eq!(sealer.open("p", &bound, &sealer.seal("p", &bound, &plain)).unwrap(), plain);
        }

        #[test]
        fn foreign_text_never_opens(text: String) {
            prop_assert!(Sealer::random().open("p", b"", &text).is_err());
        }
    }
}
