//! Databases as an MCP server: read-only in depth.
//!
//! This crate holds the domain without any MCP. The modules at the top are the same for
//! every kind of database: what is asked ([`request`]), what bounds the answer ([`limits`]),
//! what comes back ([`result`], [`catalog`]) and what can go wrong ([`error`]). Each kind
//! of database is one folder beside them.
//!
//! It refuses to write, whatever the statement says and whoever sends it.

pub mod catalog;
pub mod error;
pub mod limits;
pub mod names;
pub mod request;
pub mod result;
pub mod sqlite;
