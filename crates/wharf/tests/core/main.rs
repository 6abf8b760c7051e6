//! Attacks on the library through its public interface: real sockets, raw bytes, both transports, both eras.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answered;
mod blocked;
mod cancel_races;
mod cancelled;
mod conversation;
mod corpus;
mod crowd;
mod floods;
mod hostile;
mod hostile_modern;
mod http;
mod lines;
mod modern;
mod rounds;
mod session_model;
mod sessions;
mod stalled;
mod streams;
mod wire;
mod world;
