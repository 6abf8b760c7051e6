//! Build and run production-grade Model Context Protocol servers.
