//! `wharf` as a person or a script runs them: the built binary against the example server with
//! every feature, over both transports and in both eras. Nothing leaves this machine.

#![expect(clippy::expect_used, reason = "helpers of tests fail the test")]

mod answers;
mod codes;
mod doctor;
mod eras;
mod everything;
mod init;
mod keys;
mod matrix;
mod outputs;
mod overrides;
mod raw;
mod revoked;
mod scraped;
mod serving;
mod state;
