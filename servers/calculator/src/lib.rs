//! An exact calculator as an MCP server.
