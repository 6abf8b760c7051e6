//! What authors of Wharf servers test with, and Wharf itself: a dev-dependency.
//!
//! - [`Client`] talks to a server in memory, behind a command or over HTTP, in any revision of the specification, with
//!   the answers to its questions scripted in advance.
//! - [`assert_snapshots`] keeps what a server tells models about itself (names, descriptions, schemas) under review.
//! - [`Transcript`] replays an exchange that was written down over every transport, and [`Wire`] sends what no
//!   well-behaved client would.
//! - [`HttpSite`] serves on a free port, and [`advance`] lets paused time pass.
//!
//! Everything here panics where a test should fail, and says why: it has no place outside tests.

mod client;
mod diff;
mod process;
mod service;
mod site;
mod snapshot;
mod time;
pub mod transcript;
mod wire;

pub use client::{CallOutcome, Changes, Client, ClientBuilder, Notification};
pub use process::example;
pub use service::IntoService;
pub use site::HttpSite;
pub use snapshot::{assert_snapshots, assert_tools_snapshot};
pub use time::advance;
pub use transcript::Transcript;
pub use wire::Wire;

/// Compiles and runs the examples of the guides.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../../docs/guides/testing.md")]
    struct Testing;
    #[doc = include_str!("../../../docs/guides/first-server.md")]
    struct FirstServer;
    #[doc = include_str!("../../../docs/guides/asking-people.md")]
    struct AskingPeople;
    #[doc = include_str!("../../../docs/guides/errors.md")]
    struct Errors;
    #[doc = include_str!("../../../docs/guides/metrics.md")]
    struct Metrics;
    #[doc = include_str!("../../../docs/guides/going-to-production.md")]
    struct GoingToProduction;
}
