//! Attacks on the library through its public interface: real sockets, raw bytes, both transports, both eras.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answered;
mod cancelled;
mod conversation;
mod corpus;
mod crowd;
mod faulty;
mod hostile;
mod http;
mod lines;
mod modern;
mod once;
mod questions;
mod rounds;
mod sessions;
mod shop;
mod stalled;
mod streams;
mod wire;
mod world;
