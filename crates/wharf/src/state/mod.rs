//! What outlives one call: one trait, [`StateStore`], behind which a server keeps values, quotas, leases, logs and
//! messages, and an implementation for one process, [`MemoryStore`].
//!
//! A fleet puts a shared engine behind the same trait; nothing home-made is distributed. Every store passes the same
//! suite, [`contract`](self#the-contract).
//!
//! # The contract
//! With the feature `contract-tests` the module `contract` holds the suite that a store of your own must pass.

#[cfg(any(test, feature = "contract-tests"))]
pub mod contract;
mod error;
mod future;
mod lease;
mod log;
mod memory;
mod quota;
mod store;
mod topic;

pub use error::StateError;
pub use future::StateFuture;
pub use lease::Lease;
pub use log::{LogBound, LogEntry, LogPage};
pub use memory::{MemoryLimits, MemoryStore};
pub use quota::{Quota, Take};
pub use store::{StateStore, Swap};
pub use topic::{Delivery, Messages};
