//! Leases: at most one holder of a name at a time, for a limited time.

use bytes::Bytes;

/// A name that is held for a limited time, and the fencing token that proves it.
///
/// A holder that was stopped for longer than its lease does not know that it has lost it. Whatever it writes to should
/// therefore remember the highest token that it has seen and refuse lower ones.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// What is held.
    pub name: Bytes,
    /// Greater than the token of every earlier lease of this name.
    pub token: u64,
}

impl Lease {
    /// A lease as a store grants it.
    pub fn new(name: impl Into<Bytes>, token: u64) -> Self {
        Self { name: name.into(), token }
    }
}
