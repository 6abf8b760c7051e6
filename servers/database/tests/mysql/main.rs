//! MySQL and MariaDB against a real server: exact values, the catalogue, faults and load.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/arguments.rs"]
mod arguments;

#[path = "../support/rounds.rs"]
mod rounds;

mod catalogue;
mod fixture;
mod load;
mod queries;
mod restarts;
mod values;
mod weather;
mod writes;
