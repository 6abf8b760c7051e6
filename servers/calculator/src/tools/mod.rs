//! The server's tools, one per file.

mod calculate;

pub(crate) use calculate::calculate;
