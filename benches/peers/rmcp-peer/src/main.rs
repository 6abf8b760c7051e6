//! The official Rust SDK's server with the two benchmark tools, set up as fast as it goes.
//!
//! Its router is built once and shared (the documented macro rebuilds it for each request),
//! TCP_NODELAY is set, and stdio uses its non-blocking pipes. `--json` switches its default
//! SSE answers off; that also switches its legacy sessions off.
//!
//! usage: `rmcp-peer --listen 127.0.0.1:0 [--json]` or `rmcp-peer --stdio`

use std::sync::Arc;

use anyhow::bail;
use axum::serve::ListenerExt;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt, schemars, tool, tool_handler, tool_router};

// The allocator of every measured server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY_LIMIT_BYTES: usize = 16 << 20;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

#[derive(Clone)]
struct Tools {
    router: Arc<ToolRouter<Tools>>,
}

#[tool_router]
impl Tools {
    fn new() -> Self {
        Self { router: Arc::new(Self::tool_router()) }
    }

    #[tool(description = "Add two integers")]
    async fn add(&self, Parameters(add): Parameters<Add>) -> String {
        (add.a + add.b).to_string()
    }

    #[tool(description = "Echo text")]
    async fn echo(&self, Parameters(echo): Parameters<Echo>) -> String {
        echo.text
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--listen", address] => serve_http(address, false).await,
        ["--listen", address, "--json"] => serve_http(address, true).await,
        ["--stdio"] => {
            let server = Tools::new().serve(rmcp::transport::io::stdio_pipes()).await?;
            server.waiting().await?;
            Ok(())
        }
        _ => bail!("usage: rmcp-peer --listen ADDRESS [--json] | --stdio"),
    }
}

async fn serve_http(address: &str, json: bool) -> anyhow::Result<()> {
    let mut config =
        StreamableHttpServerConfig::default().with_max_request_body_bytes(BODY_LIMIT_BYTES);
    if json {
        config = config.with_json_response(true).with_legacy_session_mode(false);
    }
    let tools = Tools::new();
    let sessions = LocalSessionManager::default().into();
    let service = StreamableHttpService::new(move || Ok(tools.clone()), sessions, config);
    let app = axum::Router::new().nest_service("/mcp", service);
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}/mcp", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}
