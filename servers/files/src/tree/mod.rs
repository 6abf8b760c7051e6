//! The trees of files below the roots, as their callers see them. Knows no MCP.
//!
//! [`Files`] is the way in: asynchronous and bounded. Below it everything is blocking work in steps of bounded size:
//! [`path`] reads what callers write, [`root`] opens by handle, [`list`] and [`read`] do what is asked.

mod complete;
mod cursor;
mod files;
mod gate;
mod list;
mod mime;
mod path;
mod read;
mod root;
mod stop;
mod suggest;
mod text;
mod time;

pub use files::Files;
pub use list::{DirectoryPage, Entry, Kind, ListRequest};
pub use read::{DataKind, FileContents, ReadRequest};
pub use text::Encoding;
