//! Stores behind [`StateStore`](wharf::state::StateStore) that outlive the process.
//!
//! - [`sqlite`]: one file on this machine, without a service to run.

pub mod sqlite;
