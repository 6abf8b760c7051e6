//! `[state]`: the keys that seal what clients carry for the server.

use secrecy::SecretBox;

use super::{
    field::{List, Section},
    kind::KEY,
    reader::Reader,
};

/// What outlives a request.
#[derive(Debug)]
pub(crate) struct State {
    /// The first seals, all open. Without any, the server makes one that ends with the process.
    pub(crate) keys: Vec<SecretBox<[u8; 32]>>,
}

pub(super) const SECTION: Section = Section {
    path: "state",
    kind: None,
    text: "Keys that seal what clients carry for the server: cursors and request state. Without any, a key is made at every start, so that nothing sealed survives one or is understood by another process.",
    fields: &[&KEYS],
};

static KEYS: List<SecretBox<[u8; 32]>> = List {
    key: "keys",
    kind: KEY,
    text: "Keys of 32 bytes, each as base64 or 64 hex digits, or `file:` and the path of a file with one. The first seals, all open: to rotate, put the new key first and keep the old one for a while. Make one with `openssl rand -base64 32`.",
};

impl State {
    pub(super) fn read(mut section: Reader<'_, '_>) -> Self {
        Self { keys: section.read(&KEYS) }
    }
}
