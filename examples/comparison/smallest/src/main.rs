//! The smallest Wharf server, for the sizes in `docs/comparison.md`: one tool over stdio.

use std::time::Duration;

use wharf::{
    Caller, Server, tool,
    transport::{Shutdown, stdio},
};

/// Add two integers.
#[tool]
async fn add(a: i64, b: i64) -> String {
    a.saturating_add(b).to_string()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = Server::new("smallest", "1.0.0").tool(add).build()?;
    let shutdown = Shutdown::on_signals(Duration::from_secs(5))?;
    Ok(stdio::serve(&service, Caller::local(), &shutdown).await?)
}
