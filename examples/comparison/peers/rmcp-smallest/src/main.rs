//! The smallest rmcp server, for the sizes in `docs/comparison.md`: one tool over stdio.

use rmcp::{
    ServerHandler, ServiceExt, handler::server::wrapper::Parameters, tool, tool_handler,
    tool_router,
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

struct Smallest;

#[tool_router]
impl Smallest {
    /// Add two integers.
    #[tool]
    async fn add(&self, Parameters(Add { a, b }): Parameters<Add>) -> String {
        a.saturating_add(b).to_string()
    }
}

#[tool_handler]
impl ServerHandler for Smallest {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Smallest.serve(rmcp::transport::stdio()).await?;
    server.waiting().await?;
    Ok(())
}
