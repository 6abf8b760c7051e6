//! What was too long for an answer, kept for a while and read page by page: `wharf://results/{handle}/{page}`.
//!
//! A handle is a capability: 192 random bits, good for the caller that it was made for and nobody else. Anonymous callers
//! share an id, so for them it is the handle alone that counts. What is kept is bounded for the server and for each caller,
//! by quotas in the store: a bucket of bytes that is full again after the time to live.
//!
//! Nothing here is listed: there is nothing to find without a handle.

mod page;
mod piece;
mod reader;
mod store;

pub(crate) use piece::{Data, Piece};
pub(crate) use reader::resource;
pub(crate) use store::{Kept, keep};

/// What every such address begins with.
pub(crate) const PREFIX: &str = "wharf://results/";
