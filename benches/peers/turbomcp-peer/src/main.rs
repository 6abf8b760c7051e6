//! The two benchmark tools on turbomcp, as its README writes them.
//!
//! usage: `turbomcp-peer --listen 127.0.0.1:0` or `turbomcp-peer --stdio`

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{anyhow, bail};
use turbomcp::http::{HttpConfig, serve_http};
use turbomcp::prelude::*;

// The allocator of every measured server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY_LIMIT_BYTES: usize = 16 << 20;

#[derive(Clone)]
struct Tools;

#[server(name = "bench", version = "0.1.0")]
impl Tools {
    /// Add two integers
    #[tool(description = "Add two integers")]
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    /// Echo text
    #[tool(description = "Echo text")]
    async fn echo(&self, text: String) -> String {
        text
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--listen", address] => {
            let address = free(address)?;
            say_when_open(address, "/mcp");
            let config = HttpConfig::new().path("/mcp").max_body_bytes(BODY_LIMIT_BYTES);
            let served = serve_http(address, Tools.into_server().build(), config).await;
            served.map_err(|error| anyhow!("{error}"))
        }
        ["--stdio"] => Tools.run_stdio().await.map_err(|error| anyhow!("{error}")),
        _ => bail!("usage: turbomcp-peer --listen ADDRESS | --stdio"),
    }
}

/// The library binds an address itself and does not say which port it got: choose one that is free now.
fn free(address: &str) -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(address)?.local_addr()?)
}

/// Says where the server listens once it does.
fn say_when_open(address: SocketAddr, path: &'static str) {
    std::thread::spawn(move || {
        while TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        eprintln!("listening on http://{address}{path}");
    });
}
