//! `[state]`: where state is kept, and the keys that seal what clients carry for the server.

use std::path::PathBuf;

use secrecy::SecretBox;

use super::{
    field::{List, Optional, Section},
    kind::{KEY, PATH},
    reader::Reader,
};

/// What outlives a request.
#[derive(Debug)]
pub(crate) struct State {
    /// Shared by all servers. None for memory.
    pub(crate) file: Option<PathBuf>,
    /// The first seals, all open. Without any, the server makes one that ends with the process.
    pub(crate) keys: Vec<SecretBox<[u8; 32]>>,
}

pub(super) const SECTION: Section = Section {
    path: "state",
    kind: None,
    text: "What outlives a request: a file for what the server has to remember, such as the outcomes of calls with an idempotency key, and keys that seal what clients carry for it, cursors and request state.",
    fields: &[&FILE, &KEYS],
    below: &[],
};

static FILE: Optional<PathBuf> = Optional {
    key: "file",
    kind: PATH,
    text: "File in which state survives a restart, shared by all servers and made if it is missing. It is a SQLite database with `-wal` and `-shm` files beside it while it is in use, on a file system of this machine. Several processes may share it. Without it, state ends with the process.",
};
static KEYS: List<SecretBox<[u8; 32]>> = List {
    key: "keys",
    kind: KEY,
    text: "Without any, a key is made at every start, so that nothing sealed survives one or is understood by another process. Keys of 32 bytes, each as base64 or 64 hex digits, or `file:` and the path of a file with one. The first seals, all open: to rotate, put the new key first and keep the old one for a while. Make one with `openssl rand -base64 32`.",
};

impl State {
    pub(super) fn read(mut section: Reader<'_, '_>) -> Self {
        Self { file: section.read(&FILE), keys: section.read(&KEYS) }
    }
}
