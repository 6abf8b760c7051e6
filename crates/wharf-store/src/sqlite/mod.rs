//! A store in one SQLite file: what it has acknowledged survives a killed process, and values, log entries and lease tokens
//! also survive a power failure.
//!
//! # How it works
//! One thread owns the connection; callers hand it their operations through a bounded queue, so no async thread ever waits
//! for a disk. What waits in the queue is done in one transaction and paid for with one `fsync`. Quotas, renewals and
//! releases alone are committed without one: after a power failure the last of them may be missing, which forgives some
//! tokens or lets a lease end by itself.
//!
//! # Time
//! A time to live counts by a clock of the file that starts at the system's clock and never goes back. When the system's
//! clock is set back, the file's goes on from where it was at the speed of the monotonic clock, so nothing that had expired
//! returns and nothing stands still; what was written lives for as long as promised while a process runs, and longer by the
//! time that nobody had the file open. When the system's clock is set forward, the file's follows, and what had less time
//! left than that is gone.
//!
//! # Two processes
//! Several processes of one machine may open one file: each operation is atomic between them. Messages of
//! [`publish`](wharf::state::StateStore::publish) reach the listeners of the same store only, so whoever waits for a message
//! must look at the state itself now and then. File systems without shared memory, such as NFS, are not supported.
//!
//! # Bounds
//! As [`MemoryStore`](wharf::state::MemoryStore) does, it refuses what does not fit rather than forgetting what still counts.
//! Each change removes a few expired rows; nothing runs in the background.

mod clock;
mod failure;
mod job;
mod leases;
mod limits;
mod logs;
mod open;
mod quotas;
mod store;
mod sweep;
#[cfg(test)]
mod tests;
mod transaction;
mod values;
mod writer;

pub use limits::SqliteLimits;
pub use open::OpenError;
pub use store::SqliteStore;
