//! SQLite, read-only behind two boundaries that do not lean on each other.
//!
//! 1. **The session** ([`connection`], [`statement`]): the file is opened read-only and defensive,
//!    the statement must have the shape of a query, and SQLite itself must call it read-only.
//! 2. **The authorizer** ([`authorizer`]): while SQLite compiles a statement it asks about everything
//!    the statement would do, and only reading is on the list.
//!
//! Tests switch each one off and run every attack against the other alone. Beside them stand the bounds:
//! a watch over time and work ([`watch`]), SQLite's own limits, and text functions whose cost is linear
//! ([`linear`]).
//!
//! It refuses to attach other files, to load extensions and to write temporary files.

mod authorizer;
mod collect;
mod connection;
mod database;
mod describe;
mod engine;
mod failure;
mod functions;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod hidden;
mod linear;
mod list;
mod parameters;
mod sample;
mod search;
mod settings;
mod statement;
mod tokens;
mod watch;
mod write;
mod writer;

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod database_tests;

pub use database::Database;
pub use settings::{Source, SqliteSettings};
