//! The test kit under test: what it tells of a server, and that it fails when a test should fail.

mod clients;
mod world;
