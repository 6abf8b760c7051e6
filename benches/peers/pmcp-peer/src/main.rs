//! The two benchmark tools on pmcp, as its README writes them. Its endpoint is the root path.
//!
//! usage: `pmcp-peer --listen 127.0.0.1:0 [--json]` or `pmcp-peer --stdio`

use std::sync::Arc;

use anyhow::bail;
use pmcp::server::streamable_http_server::{StreamableHttpServer, StreamableHttpServerConfig};
use pmcp::types::ProtocolVersion;
use pmcp::{Server, ServerCapabilities, TypedTool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

// The allocator of every measured server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY_LIMIT_BYTES: usize = 16 << 20;

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Echo {
    text: String,
}

fn server() -> anyhow::Result<Server> {
    let add = TypedTool::new("add", |add: Add, _| {
        Box::pin(async move { Ok(Value::String((add.a + add.b).to_string())) })
    });
    let echo = TypedTool::new("echo", |echo: Echo, _| {
        Box::pin(async move { Ok(Value::String(echo.text)) })
    });
    let revisions = ["2025-11-25", "2026-07-28"].map(|text| ProtocolVersion(text.into()));
    let builder = Server::builder()
        .name("bench")
        .version("0.1.0")
        .capabilities(ServerCapabilities::tools_only())
        .with_supported_protocol_versions(revisions)
        .tool("add", add.with_description("Add two integers"))
        .tool("echo", echo.with_description("Echo text"));
    Ok(builder.build()?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--listen", address] => serve_http(address, StreamableHttpServerConfig::default()).await,
        ["--listen", address, "--json"] => {
            serve_http(address, StreamableHttpServerConfig::stateless()).await
        }
        ["--stdio"] => Ok(server()?.run_stdio().await?),
        _ => bail!("usage: pmcp-peer --listen ADDRESS [--json] | --stdio"),
    }
}

async fn serve_http(address: &str, mut config: StreamableHttpServerConfig) -> anyhow::Result<()> {
    config.max_request_bytes = BODY_LIMIT_BYTES;
    let server = Arc::new(tokio::sync::Mutex::new(server()?));
    let (address, task) =
        StreamableHttpServer::with_config(address.parse()?, server, config).start().await?;
    eprintln!("listening on http://{address}/");
    Ok(task.await?)
}
