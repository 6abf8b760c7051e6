//! The server's tools, one per file.

pub(crate) mod calculate;
