//! Cache hints on lists and resources (specification 2026-07-28, server/utilities/caching).

use std::time::Duration;

/// How long, and for whom, a client may keep a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheHint {
    pub(crate) ttl_ms: u64,
    pub(crate) public: bool,
}

impl CacheHint {
    /// Do not keep it: the default.
    pub const NONE: Self = Self { ttl_ms: 0, public: false };

    /// The same for every caller.
    pub fn public(ttl: Duration) -> Self {
        Self { ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX), public: true }
    }

    /// For this caller only.
    pub fn private(ttl: Duration) -> Self {
        Self { public: false, ..Self::public(ttl) }
    }

    /// Appends the two members that the wire carries.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        use std::io::Write;
        let scope = if self.public { "public" } else { "private" };
        // Writing to a Vec can't fail.
        drop(write!(out, "\"ttlMs\":{},\"cacheScope\":\"{scope}\"", self.ttl_ms));
    }
}

impl Default for CacheHint {
    fn default() -> Self {
        Self::NONE
    }
}
