//! The kit's test server as a process that speaks stdio. `--die` writes to stderr and leaves instead, `--babble` writes what
//! is no message.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "part of the tests"
)]
#![allow(dead_code, reason = "the tests use what this does not")]

#[path = "../tests/kit/world.rs"]
mod world;

use std::time::Duration;

use wharf::{
    Caller,
    transport::{Shutdown, stdio},
};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("--die") => {
            eprintln!("the harbour is closed");
            std::process::exit(3);
        }
        Some("--babble") => println!("good morning"),
        _ => {
            let service = world::server().build().unwrap();
            stdio::serve(&service, Caller::local(), &Shutdown::new(Duration::from_secs(1)))
                .await
                .unwrap();
        }
    }
}
