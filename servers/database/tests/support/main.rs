//! The tests' own tools: a proxy that lets everything pass, or a server that does not die, would make other tests mean nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "mod.rs"]
mod support;

mod instances;
mod proxies;
