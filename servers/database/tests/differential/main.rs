//! Random queries, answered by Wharf and by each database's own client, cell by cell the same.
//!
//! 300 queries of a fixed seed and 300 of a new one, which is printed. Longer, or one seed again:
//! `WHARF_DIFFERENTIAL_QUERIES=100000 WHARF_DIFFERENTIAL_SEED=7 scripts/services run cargo nextest run -p wharf-database --test differential`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and prints its seed"
)]

mod compare;
mod fixture;
mod grammar;
mod mariadb;
mod mariadb_answers;
#[rustfmt::skip]
mod mariadb_grammar;
mod postgres;
mod postgres_answers;
#[rustfmt::skip]
mod postgres_grammar;
mod query;
mod random;
mod sqlite;
#[rustfmt::skip]
mod sqlite_grammar;
#[path = "../support/mod.rs"]
mod support;
