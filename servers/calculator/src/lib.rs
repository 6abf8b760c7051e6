//! An exact calculator as an MCP server: the tool `calculate` and the resource `greeting://{name}`.
//!
//! [`eval`] is the domain and knows no MCP.

pub mod eval;
mod resources;
mod tools;

use wharf::Server;

/// What may be configured.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Settings {
    /// The budget of one expression.
    pub limits: eval::Limits,
}

/// The server, ready to be built.
pub fn server(settings: Settings) -> Server {
    Server::new("calculator", env!("CARGO_PKG_VERSION"))
        .title("Calculator")
        .description("Exact arithmetic for models that should not do it in their heads")
        .instructions("Use calculate for every arithmetic question; results are exact unless marked otherwise.")
        .state(settings.limits)
        .tool(tools::calculate)
        .resource(resources::greeting)
}
