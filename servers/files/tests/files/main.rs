//! The server of files from outside: what it serves, and what nobody gets it to serve.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attacks;
mod corpus;
mod listing;
mod reading;
mod wire;
mod world;
