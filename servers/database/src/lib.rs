//! Databases as an MCP server: read-only in depth.
