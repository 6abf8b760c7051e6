//! PostgreSQL when it is killed, slow, silent or someone else: typed errors, nothing left behind, recovery without a restart.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/arguments.rs"]
mod arguments;

mod attacks;
mod faults;
mod names;
mod tls;
mod writes;
