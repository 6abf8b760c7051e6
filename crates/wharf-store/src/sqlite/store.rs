//! The store as callers hold it: checks sizes, queues the operation, waits for its answer.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{
    Semaphore,
    mpsc::{self, error::TrySendError},
    oneshot,
};
use wharf::state::{
    Lease, LogBound, LogPage, MemoryStore, Messages, Quota, StateError, StateFuture, StateStore,
    Swap, Take,
};

use super::{
    OpenError, SqliteLimits,
    clock::{Clock, Source, System},
    failure::{EngineFailed, Fault},
    job::{Access, Message, Operation},
    open::open,
    transaction::Transaction,
    writer::Writer,
};

/// The size of the operation, or its refusal.
macro_rules! sized {
    ($sized:expr) => {
        match $sized {
            Ok(bytes) => bytes,
            Err(error) => return StateFuture::ready(Err(error)),
        }
    };
}

/// A store in one file; see the [module](super).
///
/// An operation is under way from the first poll of its future on, unless the queue is full, and is then done even if the
/// future is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.db");
/// use wharf::state::StateStore;
/// use wharf_store::sqlite::{SqliteLimits, SqliteStore};
///
/// let store = SqliteStore::open(&path, SqliteLimits::default())?;
/// store.put(b"job", b"done", None).await?;
/// store.close().await;
///
/// let store = SqliteStore::open(&path, SqliteLimits::default())?;
/// assert_eq!(store.get(b"job").await?.as_deref(), Some(&b"done"[..]));
/// # Ok(())
/// # }
/// ```
pub struct SqliteStore {
    limits: SqliteLimits,
    /// Only its topics are used: messages are for who listens now, so they need no file.
    topics: MemoryStore,
    bytes: Arc<Semaphore>,
    thread: Mutex<Option<Running>>,
}

struct Running {
    queue: mpsc::Sender<Message>,
    thread: JoinHandle<()>,
}

impl SqliteStore {
    /// Opens or makes the file, and looks whether it is whole. Blocks: call it at a start.
    ///
    /// # Errors
    /// A file that can't be used, or that is no store; it is left as it is.
    pub fn open(path: &Path, limits: SqliteLimits) -> Result<Self, OpenError> {
        Self::with_clock(path, limits, Arc::new(System::default()))
    }

    pub(super) fn with_clock(
        path: &Path,
        limits: SqliteLimits,
        source: Arc<dyn Source>,
    ) -> Result<Self, OpenError> {
        let connection = open(path, &limits)?;
        let (queue, waiting) = mpsc::channel(limits.queue.max(1));
        let writer = Writer::new(connection, limits.clone(), Clock::new(source));
        let thread = thread::Builder::new()
            .name("wharf-state".into())
            .spawn(move || writer.run(waiting))
            .map_err(|source| OpenError::File { path: path.into(), source })?;
        let longest = limits.key_bytes.saturating_add(limits.value_bytes).saturating_mul(2);
        let bytes = limits.queue_bytes.max(longest).min(Semaphore::MAX_PERMITS);
        Ok(Self {
            topics: MemoryStore::new(limits.topics()),
            bytes: Arc::new(Semaphore::new(bytes)),
            thread: Mutex::new(Some(Running { queue, thread })),
            limits,
        })
    }

    /// Does what waits, closes the file and ends the thread. Later operations are refused. Dropping the store does the same
    /// and blocks meanwhile.
    pub async fn close(&self) {
        let Some(running) = self.take_thread() else { return };
        drop(running.queue);
        let _ = tokio::task::spawn_blocking(|| running.thread.join()).await;
    }

    fn take_thread(&self) -> Option<Running> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn queue(&self) -> Result<mpsc::Sender<Message>, StateError> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let running = thread.as_ref().ok_or_else(EngineFailed::closed)?;
        Ok(running.queue.clone())
    }

    /// Queues `act`, which holds `bytes`.
    fn run<'a, T: Send + 'static>(
        &'a self,
        access: Access,
        bytes: usize,
        act: impl FnMut(&mut Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> StateFuture<'a, T> {
        StateFuture::boxed(async move {
            let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
            // Without waiting if it can be, also where a task has used up its turn: who leaves after one poll, such as a
            // destructor, has begun the operation.
            let _bytes = match Arc::clone(&self.bytes).try_acquire_many_owned(permits) {
                Ok(permit) => permit,
                Err(_) => Arc::clone(&self.bytes)
                    .acquire_many_owned(permits)
                    .await
                    .map_err(|_| EngineFailed::closed())?,
            };
            let (reply, answer) = oneshot::channel();
            let job = Operation { access, act, outcome: None, reply, _bytes };
            let queue = self.queue()?;
            if let Err(TrySendError::Full(job)) = queue.try_send(Message::Job(Box::new(job))) {
                queue.send(job).await.map_err(|_| EngineFailed::closed())?;
            }
            // A sender that is held while waiting for the answer would keep the thread from ending.
            drop(queue);
            answer.await.map_err(|_| EngineFailed::closed())?
        })
    }

    fn sized(&self, key: &[u8], value: Option<&[u8]>) -> Result<usize, StateError> {
        let value = value.unwrap_or_default();
        for (what, bytes, max_bytes) in [
            ("a key", key.len(), self.limits.key_bytes),
            ("a value", value.len(), self.limits.value_bytes),
        ] {
            if bytes > max_bytes {
                return Err(StateError::TooLarge { what, max_bytes });
            }
        }
        Ok(key.len() + value.len())
    }

    fn swap<'a>(
        &'a self,
        key: &'a [u8],
        expected: Option<Option<&'a [u8]>>,
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, Swap> {
        let bytes = sized!(self.sized(key, Some(value)));
        // What is longer than any value is expected in vain, and need not be carried to find that out.
        let expected = expected.map(|expected| {
            let most =
                expected.map_or(0, |expected| expected.len().min(self.limits.value_bytes + 1));
            expected.map(|expected| expected[..most].to_vec())
        });
        let bytes = bytes + expected.iter().flatten().map(Vec::len).sum::<usize>();
        let (key, value) = (key.to_vec(), value.to_vec());
        self.run(Access::WriteDurably, bytes, move |transaction| {
            let expected = expected.as_ref().map(Option::as_deref);
            transaction.swap(&key, expected, &value, ttl)
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Some(running) = self.take_thread() {
            drop(running.queue);
            // It panics only by a defect, which has been reported where it happened.
            let _ = running.thread.join();
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl StateStore for SqliteStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, Option<Bytes>> {
        if self.sized(key, None).is_err() {
            return StateFuture::ready(Ok(None));
        }
        let key = key.to_vec();
        self.run(Access::Read, key.len(), move |transaction| transaction.get(&key))
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, ()> {
        let swap = self.swap(key, None, value, ttl);
        StateFuture::boxed(async { swap.await.map(drop) })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a [u8],
        expected: Option<&'a [u8]>,
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, Swap> {
        self.swap(key, Some(expected), value, ttl)
    }

    fn delete<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, bool> {
        if self.sized(key, None).is_err() {
            return StateFuture::ready(Ok(false));
        }
        let key = key.to_vec();
        self.run(Access::WriteDurably, key.len(), move |transaction| transaction.delete(&key))
    }

    fn take<'a>(&'a self, key: &'a [u8], quota: Quota, cost: u32) -> StateFuture<'a, Take> {
        let bytes = sized!(self.sized(key, None));
        let burst = quota.burst();
        if cost > burst {
            return StateFuture::ready(Err(StateError::NeverGranted { cost, burst }));
        }
        let key = key.to_vec();
        self.run(Access::Write, bytes, move |transaction| transaction.take(&key, quota, cost))
    }

    fn acquire<'a>(&'a self, name: &'a [u8], ttl: Duration) -> StateFuture<'a, Option<Lease>> {
        let bytes = sized!(self.sized(name, None));
        let name = name.to_vec();
        self.run(Access::WriteDurably, bytes, move |transaction| transaction.acquire(&name, ttl))
    }

    fn renew<'a>(&'a self, lease: &'a Lease, ttl: Duration) -> StateFuture<'a, bool> {
        let lease = lease.clone();
        self.run(Access::Write, 0, move |transaction| transaction.renew(&lease, ttl))
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> StateFuture<'a, bool> {
        let lease = lease.clone();
        self.run(Access::Write, 0, move |transaction| transaction.release(&lease))
    }

    fn append<'a>(
        &'a self,
        name: &'a [u8],
        entry: &'a [u8],
        bound: LogBound,
    ) -> StateFuture<'a, u64> {
        let bytes = sized!(self.sized(name, Some(entry)));
        let (name, entry) = (name.to_vec(), entry.to_vec());
        self.run(Access::WriteDurably, bytes, move |transaction| {
            transaction.append(&name, &entry, bound)
        })
    }

    fn read_from<'a>(
        &'a self,
        name: &'a [u8],
        after: u64,
        limit: usize,
    ) -> StateFuture<'a, LogPage> {
        if self.sized(name, None).is_err() {
            return StateFuture::ready(Ok(LogPage::default()));
        }
        let name = name.to_vec();
        self.run(Access::Read, name.len(), move |transaction| {
            transaction.read_from(&name, after, limit)
        })
    }

    fn publish<'a>(&'a self, topic: &'a [u8], message: &'a [u8]) -> StateFuture<'a, ()> {
        self.topics.publish(topic, message)
    }

    fn subscribe<'a>(&'a self, topic: &'a [u8]) -> StateFuture<'a, Box<dyn Messages>> {
        self.topics.subscribe(topic)
    }
}
