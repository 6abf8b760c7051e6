//! The client: one interface over memory, a command and HTTP, in every revision. The protocol is spoken by the official
//! SDK's client, which knows nothing of Wharf: what both agree on is what the specification says.

mod builder;
mod connection;
mod handler;
mod journal;
mod outcome;
mod requests;
mod script;

pub use builder::ClientBuilder;
pub use connection::Client;
pub use journal::Notification;
pub use outcome::CallOutcome;
pub use requests::Changes;
