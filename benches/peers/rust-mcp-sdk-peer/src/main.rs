//! The two benchmark tools on rust-mcp-sdk, as its README writes them.
//!
//! usage: `rust-mcp-sdk-peer --listen 127.0.0.1:0 [--json]` or `rust-mcp-sdk-peer --stdio`

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use async_trait::async_trait;
use rust_mcp_axum::{AxumServerOptions, create_axum_server};
use rust_mcp_sdk::macros::{self, JsonSchema};
use rust_mcp_sdk::mcp_server::{McpServerOptions, ServerHandler, server_runtime};
use rust_mcp_sdk::schema::schema_utils::CallToolError;
use rust_mcp_sdk::schema::{
    CallToolRequestParams, CallToolResult, Implementation, ListToolsResult,
    ListToolsResultCacheScope, PaginatedRequestParams, RpcError, ServerCapabilities,
    ServerCapabilitiesTools, ServerResult, TextContent,
};
use rust_mcp_sdk::{
    McpServer, RequestContext, ServerDetails, StdioTransport, ToMcpServerHandler, TransportOptions,
    tool_box,
};

// The allocator of every measured server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY_LIMIT_BYTES: usize = 16 << 20;

#[macros::mcp_tool(name = "add", description = "Add two integers")]
#[derive(Debug, ::serde::Deserialize, ::serde::Serialize, JsonSchema)]
pub struct AddTool {
    a: i64,
    b: i64,
}

#[macros::mcp_tool(name = "echo", description = "Echo text")]
#[derive(Debug, ::serde::Deserialize, ::serde::Serialize, JsonSchema)]
pub struct EchoTool {
    text: String,
}

tool_box!(Tools, [AddTool, EchoTool]);

#[derive(Default)]
struct Server;

#[async_trait]
impl ServerHandler for Server {
    async fn handle_list_tools_request(
        &self,
        _params: Option<PaginatedRequestParams>,
        _context: &RequestContext,
        _server: Arc<dyn McpServer>,
    ) -> Result<ListToolsResult, RpcError> {
        Ok(ListToolsResult {
            tools: Tools::tools(),
            meta: None,
            next_cursor: None,
            cache_scope: ListToolsResultCacheScope::Private,
            result_type: "complete".into(),
            ttl_ms: 0,
        })
    }

    async fn handle_call_tool_request(
        &self,
        params: CallToolRequestParams,
        _context: &RequestContext,
        _server: Arc<dyn McpServer>,
    ) -> Result<ServerResult, CallToolError> {
        let text = match Tools::try_from(params).map_err(CallToolError::new)? {
            Tools::AddTool(add) => (add.a + add.b).to_string(),
            Tools::EchoTool(echo) => echo.text,
        };
        Ok(CallToolResult::text_content(vec![TextContent::from(text)]).into())
    }
}

fn details() -> ServerDetails {
    ServerDetails {
        server_info: Implementation {
            name: "bench".into(),
            version: "0.1.0".into(),
            title: None,
            description: None,
            icons: vec![],
            website_url: None,
        },
        capabilities: ServerCapabilities {
            tools: Some(ServerCapabilitiesTools { list_changed: None }),
            ..Default::default()
        },
        instructions: None,
        meta: None,
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--listen", address] => serve_http(address, false).await,
        ["--listen", address, "--json"] => serve_http(address, true).await,
        ["--stdio"] => {
            let transport = StdioTransport::new(TransportOptions::default())
                .map_err(|error| anyhow!("{error}"))?;
            let server = server_runtime::create_server(McpServerOptions {
                server_details: details(),
                transport,
                handler: Server.to_mcp_server_handler(),
                message_observer: None,
            });
            server.start().await.map_err(|error| anyhow!("{error}"))
        }
        _ => bail!("usage: rust-mcp-sdk-peer --listen ADDRESS [--json] | --stdio"),
    }
}

async fn serve_http(address: &str, json: bool) -> anyhow::Result<()> {
    // The library binds an address itself and does not say which port it got: choose one that is free now.
    let address = TcpListener::bind(address)?.local_addr()?;
    say_when_open(address);
    let options = AxumServerOptions {
        host: address.ip().to_string(),
        port: address.port(),
        enable_json_response: Some(json),
        max_request_body_size: Some(BODY_LIMIT_BYTES),
        sse_support: false,
        ..Default::default()
    };
    let server = create_axum_server(details(), Server.to_mcp_server_handler(), options);
    server.start().await.map_err(|error| anyhow!("{error}"))
}

/// Says where the server listens once it does.
fn say_when_open(address: SocketAddr) {
    std::thread::spawn(move || {
        while TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        eprintln!("listening on http://{address}/mcp");
    });
}
