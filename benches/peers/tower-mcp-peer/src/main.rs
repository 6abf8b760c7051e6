//! The two benchmark tools on tower-mcp, as its README writes them.
//!
//! usage: `tower-mcp-peer --listen 127.0.0.1:0 [--json]` or `tower-mcp-peer --stdio`

use anyhow::{anyhow, bail};
use axum::serve::ListenerExt;
use schemars::JsonSchema;
use serde::Deserialize;
use tower_mcp::{CallToolResult, HttpTransport, McpRouter, StdioTransport, ToolBuilder};

// The allocator of every measured server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY_LIMIT_BYTES: usize = 16 << 20;

#[derive(Debug, Deserialize, JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Echo {
    text: String,
}

fn router() -> McpRouter {
    let add = ToolBuilder::new("add")
        .description("Add two integers")
        .handler(|add: Add| async move { Ok(CallToolResult::text((add.a + add.b).to_string())) });
    let echo = ToolBuilder::new("echo")
        .description("Echo text")
        .handler(|echo: Echo| async move { Ok(CallToolResult::text(echo.text)) });
    McpRouter::new().server_info("bench", "0.1.0").tool(add.build()).tool(echo.build())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--listen", address] => serve_http(address, true).await,
        ["--listen", address, "--json"] => serve_http(address, false).await,
        ["--stdio"] => {
            StdioTransport::new(router()).run().await.map_err(|error| anyhow!("{error}"))
        }
        _ => bail!("usage: tower-mcp-peer --listen ADDRESS [--json] | --stdio"),
    }
}

async fn serve_http(address: &str, events: bool) -> anyhow::Result<()> {
    let transport =
        HttpTransport::new(router()).max_body_size(BODY_LIMIT_BYTES).sse_responses(events);
    let app = transport.into_router_at("/mcp");
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}/mcp", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}
