//! What authors of Wharf servers test with, and Wharf itself: a dev-dependency.
//!
//! - [`Client`] talks to a server in memory, behind a command or over HTTP, in any revision of the specification, with
//!   the answers to its questions scripted in advance.
//! - [`advance`] lets paused time pass.
//!
//! Everything here panics where a test would fail, and says why: it has no place outside tests.

mod client;
mod process;
mod service;
mod site;
mod time;

pub use client::{CallOutcome, Changes, Client, ClientBuilder, Notification};
pub use process::example;
pub use service::IntoService;
pub use site::HttpSite;
pub use time::advance;
