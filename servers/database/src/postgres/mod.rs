//! PostgreSQL, read-only (unless it is told otherwise) behind two boundaries that do not lean on each other.
//!
//! 1. **The guard** ([`guard`]): PostgreSQL itself analyses the statement without running it, and every function, operator,
//!    type and relation that it names, directly or through views, policies and other functions, is judged by OID against the
//!    catalogue. What is not understood is refused.
//! 2. **The transaction** ([`read`]): the statement runs as a cursor, which only a query can be, in a read-only transaction
//!    that is always rolled back, on a session whose state is discarded before the next caller gets it.
//!
//! Against an ordinary role each of them is enough. A superuser can read files and reach the network in a read-only transaction
//! too, so that only the guard stands between a statement and those; [`role`] warns about such a role.
//!
//! Where the settings say `writes`, [`write`](self::write) lets one INSERT, UPDATE or DELETE through the guard and commits it if it
//! touches what was agreed to. Otherwise nothing is written, whatever the role may do.

mod cells;
mod connect;
mod describe;
mod engine;
mod explain;
mod failure;
mod guard;
mod lease;
mod lexer;
mod list;
mod listen;
mod parameters;
mod read;
mod role;
mod search;
mod session;
mod settings;
mod show;
mod statements;
mod stream;
mod tls;
mod types;
mod wire;
mod write;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;

#[cfg(test)]
mod analysis_tests;
#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod listen_tests;
#[cfg(test)]
mod role_tests;
#[cfg(test)]
mod scratch;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod statements_tests;
#[cfg(test)]
mod value_tests;
#[cfg(test)]
mod verdict_tests;
#[cfg(test)]
mod write_attack_tests;
#[cfg(test)]
mod write_race_tests;
#[cfg(test)]
mod write_tests;

pub use engine::Postgres;
pub use role::ADVICE as ROLE_ADVICE;
pub use settings::{PostgresSettings, SecretUrl, Server};
pub use tls::{TlsMode, TlsSettings};
