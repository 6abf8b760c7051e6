//! An exact calculator as an MCP server.

pub mod eval;
