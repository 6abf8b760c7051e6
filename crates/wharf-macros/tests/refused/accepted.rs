//! The attributes in a crate that knows only wharf.
#![deny(warnings, missing_docs)]

use wharf::{Server, State, prompt, resource, tool};

/// Adds.
#[tool(read_only, timeout = "5s")]
pub async fn add(#[arg(min = 1)] a: u32, /** The other. */ b: Option<u32>, _factor: State<u8>) -> String {
    (a + b.unwrap_or_default()).to_string()
}

/// Greets.
#[resource("greeting://{name}")]
pub async fn greeting(name: String) -> String {
    name
}

/// Starts.
#[prompt]
pub async fn start(#[arg(default = "x")] word: String) -> String {
    word
}

/// All of them.
pub fn server() -> Server {
    Server::new("a", "1").state(1_u8).tool(add).resource(greeting).prompt(start)
}
