//! The smallest server: one function is one tool.

use wharf::{Server, ToolError, tool};

/// The server.
pub fn server() -> Server {
    Server::new("sums", "1.0.0").tool(add)
}

/// Add two integers.
#[tool(read_only, idempotent, open_world = false)]
async fn add(
    /// The first summand.
    a: i64,
    /// The second summand; 1 unless given.
    #[arg(default = 1)]
    b: i64,
) -> Result<String, ToolError> {
    let sum = a.checked_add(b).ok_or_else(|| {
        ToolError::invalid_input("the sum does not fit into 64 bits; send smaller numbers")
    })?;
    Ok(sum.to_string())
}
