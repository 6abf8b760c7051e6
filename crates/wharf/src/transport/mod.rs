//! Transports: HTTP, stdio and memory. Each drives the same [`Service`](crate::Service).

mod cutter;
pub mod http;
mod lines;
pub mod memory;
mod output;
mod pipe;
mod shutdown;
pub mod stdio;

pub use shutdown::Shutdown;
