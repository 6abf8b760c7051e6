//! The attributes through the public interface: what they register is what the builder registers, calls arrive as declared,
//! and mistakes are refused in words.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod client;
mod forms;
mod functions;
mod options;
mod refused;
mod same;
mod state;
