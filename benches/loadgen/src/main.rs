//! Closed-loop load generator for MCP servers, over HTTP and over stdio.
//!
//! One thread keeps a fixed number of requests in flight and sends the next one when an
//! answer has come. Every answer is checked (status, id and the value that the tool has to
//! compute); a wrong one is counted as an error and never as a request. It measures the
//! CPU time of the server process, which is the figure to trust on a shared machine.
//!
//! It is no benchmark by itself: `run.py` beside it pins the cores, repeats and compares.

mod http;
mod measure;
mod message;
mod options;
mod process;
mod response;
mod stdio;

use options::{Mode, Options};

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    match options.mode {
        Mode::Http => http::run(&options),
        Mode::Stdio => stdio::run(&options),
        Mode::Cold => stdio::cold_start(&options),
    }
}
