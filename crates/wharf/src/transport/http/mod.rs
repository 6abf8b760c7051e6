//! Streamable HTTP: one endpoint per server for every revision (specification, basic/transports/streamable-http).
//!
//! hyper speaks HTTP/1.1; everything above it is here. HTTP+SSE, the transport of 2024-11-05 with two endpoints, is not
//! served: clients of that revision that speak JSON-RPC over POST are.

mod batch;
mod body;
mod body_read;
mod connection;
mod endpoint;
mod forwarded;
mod guard;
mod health;
mod incoming;
mod nudge;
mod phase;
mod replay;
mod reply;
mod scrape;
mod server;
mod sessions;
mod settings;
mod stream;
mod tls;
mod under_way;

pub use body::ResponseBody;
pub use forwarded::Network;
pub use server::{Bound, Http, HttpService, ListenError};
pub use settings::{HttpSettings, SessionSettings};
pub use tls::{TlsError, TlsSettings};
