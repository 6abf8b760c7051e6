//! Where a listing goes on: after the last name of the page before.
//!
//! A cursor is the base64 of a checksum of the directory and its last name. It is opaque so that nobody builds on its form,
//! and it is not sealed because it grants nothing: whoever forges one chooses where in a directory, which they may list
//! anyway, a page begins. It never names what is opened. The checksum catches the honest mistake of using it with another
//! directory or another `include_hidden`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::error::FilesError;

/// The longest name, the checksum, and base64's four thirds.
const MAX_CURSOR_BYTES: usize = 360;
const CHECKSUM_BYTES: usize = 8;

/// The cursor after `name` in the listing of `directory`.
pub(crate) fn encode(directory: &str, include_hidden: bool, name: &[u8]) -> String {
    let mut bytes = checksum(directory, include_hidden).to_vec();
    bytes.extend_from_slice(name);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The name after which the listing of `directory` goes on.
pub(crate) fn decode(
    directory: &str,
    include_hidden: bool,
    cursor: &str,
) -> Result<Vec<u8>, FilesError> {
    let bytes = Some(cursor)
        .filter(|cursor| cursor.len() <= MAX_CURSOR_BYTES)
        .and_then(|cursor| URL_SAFE_NO_PAD.decode(cursor).ok());
    match bytes.as_deref().and_then(<[u8]>::split_first_chunk::<CHECKSUM_BYTES>) {
        Some((checksum_found, name)) if *checksum_found == checksum(directory, include_hidden) => {
            Ok(name.to_vec())
        }
        _ => Err(FilesError::invalid(
            "cursor",
            "is not one of this listing; pass next_cursor of the page before, with the same path and include_hidden, or none \
             to start again",
        )),
    }
}

/// FNV-1a: it guards against mistakes, not against intent.
fn checksum(directory: &str, include_hidden: bool) -> [u8; CHECKSUM_BYTES] {
    let bytes = directory.bytes().chain([0, u8::from(include_hidden)]);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_returns_to_its_own_listing_only() {
        let cursor = encode("docs/a", false, b"name\xff");
        assert_eq!(decode("docs/a", false, &cursor).unwrap(), b"name\xff");
        assert!(decode("docs/b", false, &cursor).is_err());
        assert!(decode("docs/a", true, &cursor).is_err());
        for bad in ["", "AAAA", "not base64!", &"A".repeat(100_000)] {
            assert!(decode("docs/a", false, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_longest_name_fits() {
        let cursor = encode("docs", true, &[b'n'; 255]);
        assert_eq!(decode("docs", true, &cursor).unwrap().len(), 255);
    }

    proptest::proptest! {
        #[test]
        fn no_cursor_makes_decoding_panic(cursor: String) {
            let _ = decode("docs", false, &cursor);
        }
    }
}
