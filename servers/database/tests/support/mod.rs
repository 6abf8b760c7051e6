//! What tests of network databases share: throw-away servers, their own clients, and a proxy that breaks connections.
//!
//! Each test binary includes this folder by path and uses what it needs of it:
//! `#[path = "../support/mod.rs"] mod support;`. The folder is a test binary too (`main.rs`), which tests the tests' tools.

#![allow(dead_code, unreachable_pub, reason = "each binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

pub mod client;
pub mod database;
pub mod proxy;
pub mod services;
