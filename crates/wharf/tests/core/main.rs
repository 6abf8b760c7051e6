//! Attacks on the library through its public interface: real sockets, raw bytes, both transports, both eras.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answered;
mod arguments;
mod blocked;
mod budgets;
mod cancel_races;
mod cancelled;
mod changing;
mod conversation;
mod corpus;
mod crowd;
mod faulty;
mod floods;
mod hostile;
mod hostile_modern;
mod http;
mod in_motion;
mod lines;
mod logs;
mod merged;
mod modern;
mod once;
mod outputs;
mod overrides;
mod permissions;
mod questions;
mod rates;
mod refused;
mod revoked;
mod rounds;
mod scraped;
mod session_model;
mod sessions;
mod shop;
mod stalled;
mod streams;
mod tls;
mod wire;
mod world;
