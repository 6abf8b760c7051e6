//! The seam itself.

use std::time::Duration;

use bytes::Bytes;

use super::{Lease, LogBound, LogPage, Messages, Quota, StateFuture, Take};

/// What became of a compare-and-swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// The value is the new one now.
    Done,
    /// Something else than expected was found, and left as it is. `None`: there is no value.
    Differs(Option<Bytes>),
}

/// Keeps what outlives one call.
///
/// Values, quotas, leases, logs and topics each have their own names: a value and a lease may share one. Names and values
/// are any bytes. Each operation is atomic: whoever else acts at the same time sees all of it or nothing. A future that is
/// dropped before it is ready leaves its operation done or not done, never half done; a store may act before the first poll.
///
/// A time to live counts from the operation that sets it: at its end the entry is gone. Every such operation replaces the
/// earlier one's; `None` keeps the entry until it is removed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), wharf::state::StateError> {
/// use std::time::Duration;
/// use wharf::state::{MemoryStore, StateStore, Swap};
///
/// let store: &dyn StateStore = &MemoryStore::default();
/// let hour = Some(Duration::from_secs(3600));
/// assert_eq!(store.compare_and_swap(b"job", None, b"started", hour).await?, Swap::Done);
/// let again = store.compare_and_swap(b"job", None, b"started", hour).await?;
/// assert_eq!(again, Swap::Differs(Some("started".into())));
/// # Ok(())
/// # }
/// ```
pub trait StateStore: Send + Sync + 'static {
    /// Whether every future that it returns is ready at once, as those of a store in memory are. Whoever asks such a store
    /// need not prepare to wait.
    fn is_immediate(&self) -> bool {
        false
    }

    /// The value of `key`.
    fn get<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, Option<Bytes>>;

    /// Sets the value of `key`. A `ttl` of zero removes it.
    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, ()>;

    /// Sets the value of `key` if it is `expected` now, where `None` expects that there is none.
    fn compare_and_swap<'a>(
        &'a self,
        key: &'a [u8],
        expected: Option<&'a [u8]>,
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, Swap>;

    /// Removes `key`, and says whether there was a value.
    fn delete<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, bool>;

    /// Takes `cost` tokens from the bucket `key`, or says how long to wait. A bucket begins full, and one that is full
    /// again takes no room. The same name may be used with another quota later; what was taken stays taken.
    ///
    /// Fails with [`NeverGranted`](super::StateError::NeverGranted) when `cost` is more than the bucket holds.
    fn take<'a>(&'a self, key: &'a [u8], quota: Quota, cost: u32) -> StateFuture<'a, Take>;

    /// Takes the lease of `name` for `ttl`; `None` while someone else holds it.
    fn acquire<'a>(&'a self, name: &'a [u8], ttl: Duration) -> StateFuture<'a, Option<Lease>>;

    /// Holds `lease` for `ttl` from now on, and says whether it was still held. A lease that has ended stays ended.
    fn renew<'a>(&'a self, lease: &'a Lease, ttl: Duration) -> StateFuture<'a, bool>;

    /// Ends `lease`, and says whether it was still held. Another holder's lease is left alone.
    fn release<'a>(&'a self, lease: &'a Lease) -> StateFuture<'a, bool>;

    /// Appends to the log `name` and gives the entry's number.
    fn append<'a>(
        &'a self,
        name: &'a [u8],
        entry: &'a [u8],
        bound: LogBound,
    ) -> StateFuture<'a, u64>;

    /// At most `limit` entries of the log `name` whose numbers are greater than `after`; 0 reads from the first.
    fn read_from<'a>(
        &'a self,
        name: &'a [u8],
        after: u64,
        limit: usize,
    ) -> StateFuture<'a, LogPage>;

    /// Sends `message` to everyone who listens to `topic` now. Never waits for a listener.
    fn publish<'a>(&'a self, topic: &'a [u8], message: &'a [u8]) -> StateFuture<'a, ()>;

    /// Listens to `topic`: once this is ready, every message that is published afterwards is delivered, or reported as
    /// [`Lagged`](super::Delivery::Lagged).
    fn subscribe<'a>(&'a self, topic: &'a [u8]) -> StateFuture<'a, Box<dyn Messages>>;
}
