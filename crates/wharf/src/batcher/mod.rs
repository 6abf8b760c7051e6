//! Many small questions, one call upstream: what calls ask for at about the same time is collected and loaded at once.
//!
//! No task runs in the background: a batch is driven by whoever waits for it, each of them equally, and ends when the last of
//! them has gone. So there is nothing to join, a caller that gives up harms nobody, and nothing is loaded that nobody wants.
//!
//! Not a cache: a key that is asked for again after its batch has left is loaded again.

mod error;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::Hash,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt as _, Shared, WeakShared};
use tokio::sync::{Notify, Semaphore};

use self::error::SharedError;
use crate::error::ToolError;

/// What one call upstream gave: for each key its value or its own failure, or one failure for all.
pub type Loaded<K, V> = Result<HashMap<K, Result<V, ToolError>>, ToolError>;

/// The bounds of a [`Batcher`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchLimits {
    /// Different keys that are loaded at once; a batch that has so many leaves at once.
    pub items: usize,
    /// How long the first key of a batch waits for others.
    pub wait: Duration,
    /// Batches that are loaded at the same time. While all are under way, the next one goes on collecting.
    pub loads: usize,
    /// Callers that wait at most; further ones fail with SERVICE_UNAVAILABLE.
    pub queue: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { items: 100, wait: Duration::from_millis(5), loads: 8, queue: 10_000 }
    }
}

/// Collects keys and loads them together. Cheap to clone; all clones collect into the same batches.
///
/// ```
/// use std::collections::HashMap;
/// use wharf::{Batcher, Loaded};
///
/// # async fn prices(skus: &[String]) -> HashMap<String, u32> { skus.iter().map(|sku| (sku.clone(), 7)).collect() }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let prices = Batcher::new(|skus: Vec<String>| async move {
///     // One request for all of them.
///     let prices = prices(&skus).await;
///     Loaded::Ok(prices.into_iter().map(|(sku, price)| (sku, Ok(price))).collect())
/// });
/// let (one, two) = tokio::join!(prices.load("a".to_owned()), prices.load("b".to_owned()));
/// assert_eq!((one.unwrap(), two.unwrap()), (7, 7));
/// # }
/// ```
pub struct Batcher<K, V>(Arc<Inner<K, V>>);

impl<K, V> Clone for Batcher<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> fmt::Debug for Batcher<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

struct Inner<K, V> {
    limits: BatchLimits,
    load: Loader<K, V>,
    loads: Semaphore,
    waiting: AtomicUsize,
    /// The batch that still takes keys.
    open: Mutex<Option<Open<K, V>>>,
}

type Loader<K, V> = Box<dyn Fn(Vec<K>) -> BoxFuture<'static, Loaded<K, V>> + Send + Sync>;
type Answers<K, V> = Arc<Result<HashMap<K, Result<V, SharedError>>, SharedError>>;
type Running<K, V> = Shared<BoxFuture<'static, Answers<K, V>>>;

struct Open<K, V> {
    batch: Arc<Batch<K>>,
    /// Weak, so that the last waiter takes the batch with it.
    running: WeakShared<BoxFuture<'static, Answers<K, V>>>,
}

impl<K, V> Batcher<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A batcher with the usual limits. `load` gets different keys, never none, and must give something for each of them:
    /// one that is missing is RESOURCE_NOT_FOUND.
    pub fn new<F, Fut>(load: F) -> Self
    where
        F: Fn(Vec<K>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Loaded<K, V>> + Send + 'static,
    {
        Self::with_limits(BatchLimits::default(), load)
    }

    /// A batcher with these limits. Zero items, loads or places in the queue count as one.
    pub fn with_limits<F, Fut>(limits: BatchLimits, load: F) -> Self
    where
        F: Fn(Vec<K>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Loaded<K, V>> + Send + 'static,
    {
        let loads = limits.loads.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Inner {
            limits,
            load: Box::new(move |keys| load(keys).boxed()),
            loads: Semaphore::new(loads),
            waiting: AtomicUsize::new(0),
            open: Mutex::default(),
        }))
    }

    /// The value of `key`, loaded together with what others ask for.
    ///
    /// Cancel-safe: a dropped future leaves the others alone, and takes its key out of a batch that has not left yet.
    ///
    /// # Errors
    /// The failure of the key or of its whole batch; INTERNAL_ERROR when the loader panicked; SERVICE_UNAVAILABLE when too
    /// many wait already.
    pub async fn load(&self, key: K) -> Result<V, ToolError> {
        let _place = Place::take(&self.0.waiting, self.0.limits.queue)?;
        let (seat, running) = Inner::join(&self.0, key);
        let answers = running.await;
        match answers.as_ref().as_ref().map(|answers| answers.get(&seat.key)) {
            Ok(Some(Ok(value))) => Ok(value.clone()),
            Ok(Some(Err(error))) | Err(error) => Err(error.to_error()),
            Ok(None) => Err(ToolError::not_found("there is nothing of that name")),
        }
    }
}

impl<K, V> Inner<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Puts `key` into the open batch, or begins one.
    fn join(this: &Arc<Self>, key: K) -> (Seat<K>, Running<K, V>) {
        let mut open = lock(&this.open);
        let joined = open.as_ref().and_then(|open| {
            let running = open.running.upgrade()?;
            Some((open.batch.add(&key, this.limits.items)?, Arc::clone(&open.batch), running))
        });
        let (left, batch, running) = joined.unwrap_or_else(|| {
            let batch = Arc::new(Batch::new());
            let running = Self::run(Arc::clone(this), Arc::clone(&batch)).boxed().shared();
            let left = batch.add(&key, this.limits.items).unwrap_or(false);
            let running_weak = running.downgrade();
            *open = running_weak.map(|running| Open { batch: Arc::clone(&batch), running });
            (left, batch, running)
        });
        if left {
            *open = None;
        }
        (Seat { batch, key }, running)
    }

    /// One batch from its first key to its answers.
    async fn run(this: Arc<Self>, batch: Arc<Batch<K>>) -> Answers<K, V> {
        // Whether it is full or late makes no difference from here on.
        let _ = tokio::time::timeout(this.limits.wait, batch.full.notified()).await;
        // Never closed. While it waits here it still takes keys.
        let _permit = this.loads.acquire().await.ok();
        let keys = batch.close();
        // The call to the loader itself may panic too.
        let loading = AssertUnwindSafe(async { (this.load)(keys).await }).catch_unwind();
        let loaded = loading
            .await
            .unwrap_or_else(|panic| Err(ToolError::from_error(crate::layers::caught(&*panic))));
        let share =
            |(key, result): (K, Result<V, ToolError>)| (key, result.map_err(SharedError::new));
        Arc::new(match loaded {
            Ok(answers) => Ok(answers.into_iter().map(share).collect()),
            Err(error) => Err(SharedError::new(error)),
        })
    }
}

/// The keys of one batch until it leaves.
struct Batch<K> {
    /// How many wait for each key; None once it has left.
    keys: Mutex<Option<HashMap<K, usize>>>,
    full: Notify,
}

impl<K: Clone + Eq + Hash> Batch<K> {
    fn new() -> Self {
        Self { keys: Mutex::new(Some(HashMap::new())), full: Notify::new() }
    }

    /// Takes `key` in, and says whether the batch is full now. None when it takes no more keys.
    fn add(&self, key: &K, max: usize) -> Option<bool> {
        let mut keys = lock(&self.keys);
        let keys = keys.as_mut()?;
        *keys.entry(key.clone()).or_default() += 1;
        let is_full = keys.len() >= max;
        if is_full {
            self.full.notify_one();
        }
        Some(is_full)
    }

    fn close(&self) -> Vec<K> {
        lock(&self.keys).take().unwrap_or_default().into_keys().collect()
    }

    fn leave(&self, key: &K) {
        if let Some(keys) = lock(&self.keys).as_mut()
            && let Some(waiters) = keys.get_mut(key)
        {
            *waiters -= 1;
            if *waiters == 0 {
                keys.remove(key);
            }
        }
    }
}

/// One caller's share in a batch.
struct Seat<K: Clone + Eq + Hash> {
    batch: Arc<Batch<K>>,
    key: K,
}

impl<K: Clone + Eq + Hash> Drop for Seat<K> {
    fn drop(&mut self) {
        self.batch.leave(&self.key);
    }
}

/// One caller's place among those who wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, queue: usize) -> Result<Self, ToolError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) < queue.max(1) {
            return Ok(place);
        }
        let busy = "too much is being loaded already; try again shortly";
        Err(ToolError::unavailable(busy).retry_after(Duration::from_secs(1)))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A key's `Hash` or `Eq` may panic under the lock; what it guards is whole before and after each step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
