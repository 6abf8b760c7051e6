//! The base line of every comparison: one typed struct in, one typed struct out.
//!
//! It answers `tools/call` for `add` and `echo` as an MCP server would, and knows nothing
//! else: no sessions, no header checks, no schema, no limits. What it costs is what HTTP,
//! JSON and the operating system cost.
//!
//! usage: `bare-axum --listen 127.0.0.1:0` or `bare-axum --stdio [blocking|pipes|tokio]`

mod answer;
mod http;
mod stdio;

use anyhow::bail;

// The allocator of every measured server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--listen", address] => http::serve(address),
        // No runtime in between: the loop that loses least.
        ["--stdio"] | ["--stdio", "blocking"] => stdio::blocking(),
        ["--stdio", "pipes"] => stdio::pipes(),
        ["--stdio", "tokio"] => stdio::tokio_handles(),
        _ => bail!("usage: bare-axum --listen ADDRESS | --stdio [blocking|pipes|tokio]"),
    }
}
