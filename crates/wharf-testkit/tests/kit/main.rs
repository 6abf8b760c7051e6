//! The test kit under test: what it tells of a server, and that it fails when a test should fail.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clients;
mod transcripts;
mod transports;
mod world;
