//! What the server knows about itself: tables, columns, keys, functions.
//!
//! Values are bound and never put into the text of a question. Schemas of the server itself are left out of what is listed
//! and found, and can be described by name.

mod describe;
mod list;
mod question;
mod search;

pub(super) use describe::describe;
pub(super) use list::tables;
pub(super) use search::search;
