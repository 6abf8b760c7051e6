//! MySQL and MariaDB, read-only behind two boundaries that do not lean on each other.
//!
//! 1. **The guard** ([`guard`]): before a statement runs it is split as the server splits it, must be one statement that
//!    reads, and everything it names is looked up: functions on an allow list, views and stored functions by what they
//!    contain, tables by what they hold and where.
//! 2. **The transaction** ([`session`]): everything happens inside `START TRANSACTION READ ONLY`, which the server keeps and
//!    which is always rolled back.
//!
//! Each alone stops an ordinary role from changing data. The transaction does not stop a role with FILE or SUPER from
//! writing files, reading files of the server, taking named locks or waiting; the guard does. Tests try each boundary alone.
//! Beside them stand the bounds: time, rows, bytes of a row and of a result.
//!
//! Where the settings allow it, rows are changed by one statement at a time ([`write`](mod@write)), behind the guard and the role alone.
//!
//! It refuses local files, several statements in one text, and sessions that somebody else has used.

mod catalogue;
mod database;
mod engine;
mod execute;
mod failure;
#[cfg(any(feature = "fuzzing", test))]
#[doc(hidden)]
pub mod fuzz;
mod grants;
mod guard;
mod parameters;
mod session;
mod settings;
mod turn;
mod url;
mod value;
mod work;
mod write;

#[cfg(test)]
mod agreement_tests;
#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod write_attack_tests;
#[cfg(test)]
mod write_race_tests;
#[cfg(test)]
mod write_role_tests;
#[cfg(test)]
mod write_tests;

pub use database::Database;
pub use settings::{MysqlSettings, Tls};
