//! Attacks on the library through its public interface: real sockets, raw bytes, both transports, both eras.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answered;
mod arguments;
mod budgets;
mod cancelled;
mod conversation;
mod corpus;
mod crowd;
mod hostile;
mod http;
mod lines;
mod logs;
mod modern;
mod rates;
mod rounds;
mod sessions;
mod stalled;
mod streams;
mod tls;
mod wire;
mod world;
