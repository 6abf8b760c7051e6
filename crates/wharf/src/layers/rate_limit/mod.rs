//! Rate limits: a token from the bucket of the caller, the tool and the server, or RATE_LIMITED with the time to wait.
//!
//! The buckets are in the [`StateStore`](crate::state::StateStore), so that a fleet shares them. What lists, greets or ends
//! something costs nothing: it is answered from prebuilt bytes, refusing it would cost as much, and a client that can't
//! list believes that the server is broken. A verified continuation of an `input_required` result costs no second token.
//!
//! Here nothing is queued: a caller that comes too early is told when to come back.

mod buckets;
mod error;
mod layer;
mod limits;
mod rate;
mod service;
#[cfg(test)]
mod tests;
mod trouble;

pub(crate) use layer::RateLimitLayer;
pub(crate) use limits::ToolRates;
pub use limits::{RateLimits, StoreFailure};
pub use rate::{Rate, RateError};
