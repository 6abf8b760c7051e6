//! Places for connections: how many there are, who waits for one, and what became of it.
//!
//! The pool knows no database. It hands out the right to use one connection and keeps those that are idle; opening,
//! cleaning and closing them is the business of the engine. Waiting is bounded in number and in time.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::Instant;

use crate::engine::PoolStats;
use crate::error::DatabaseError;

/// The most connections that one database may have.
pub const MAX_CONNECTIONS: usize = 256;
/// The most requests that may wait for a connection of one database.
pub const MAX_WAITING: usize = 10_000;
/// The most statements that one connection may keep prepared.
pub const MAX_STATEMENTS: usize = 1_024;

/// How many connections one database has, and how long they are kept and waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// Connections that stay open when nobody needs them. Default 0.
    pub min: usize,
    /// Connections at once; each runs one statement. Default 4.
    pub max: usize,
    /// How long a connection beyond `min` stays open unused. Default 5 min.
    pub idle_lifetime: Duration,
    /// How long a request waits for a connection. Default 5 s.
    pub acquire_timeout: Duration,
    /// Requests that may wait for a connection; one more is refused as busy. Default 256.
    pub max_waiting: usize,
    /// Statements that each connection keeps prepared; 0 for none. Only PostgreSQL has use for it. Default 64.
    pub statement_cache: usize,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            min: 0,
            max: 4,
            idle_lifetime: Duration::from_secs(300),
            acquire_timeout: Duration::from_secs(5),
            max_waiting: 256,
            statement_cache: 64,
        }
    }
}

impl PoolSettings {
    /// Checks that the settings can all be kept together.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the setting.
    pub fn check(&self) -> Result<(), DatabaseError> {
        if !(1..=MAX_CONNECTIONS).contains(&self.max) {
            let rule = format!("must be from 1 to {MAX_CONNECTIONS}");
            return Err(DatabaseError::invalid("max_connections", rule));
        }
        if self.min > self.max {
            let rule = format!("must be at most max_connections, which is {}", self.max);
            return Err(DatabaseError::invalid("min_connections", rule));
        }
        if self.idle_lifetime.is_zero() {
            return Err(DatabaseError::invalid("idle_lifetime", "must be longer than zero"));
        }
        if self.acquire_timeout.is_zero() {
            return Err(DatabaseError::invalid("acquire_timeout", "must be longer than zero"));
        }
        if self.max_waiting > MAX_WAITING {
            let rule = format!("must be at most {MAX_WAITING}");
            return Err(DatabaseError::invalid("max_waiting", rule));
        }
        if self.statement_cache > MAX_STATEMENTS {
            let rule = format!("must be at most {MAX_STATEMENTS}");
            return Err(DatabaseError::invalid("statement_cache", rule));
        }
        Ok(())
    }
}

/// The places of one database. Clones share them.
pub(crate) struct Pool<C> {
    shared: Arc<Shared<C>>,
}

impl<C> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

struct Shared<C> {
    settings: PoolSettings,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle<C>>>,
    waiting: AtomicUsize,
    timeouts: AtomicU64,
    queries: AtomicU64,
    errors: AtomicU64,
    busy_us: AtomicU64,
}

struct Idle<C> {
    connection: C,
    since: Instant,
}

impl<C> Pool<C> {
    pub(crate) fn new(settings: PoolSettings) -> Self {
        let shared = Shared {
            permits: Arc::new(Semaphore::new(settings.max)),
            idle: Mutex::new(Vec::new()),
            waiting: AtomicUsize::new(0),
            timeouts: AtomicU64::new(0),
            queries: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            busy_us: AtomicU64::new(0),
            settings,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Waits for the right to use one connection. Cancel-safe: giving up gives the place in the line back.
    pub(crate) async fn acquire(&self) -> Result<Place<C>, DatabaseError> {
        let shared = &self.shared;
        let place = |permit| Place { shared: Arc::clone(shared), _permit: permit };
        match Arc::clone(&shared.permits).try_acquire_owned() {
            Ok(permit) => return Ok(place(permit)),
            Err(TryAcquireError::Closed) => return Err(DatabaseError::Cancelled),
            Err(TryAcquireError::NoPermits) => {}
        }
        let _waiting = Waiting::begin(&shared.waiting, shared.settings.max_waiting)
            .ok_or_else(|| self.turned_away())?;
        let acquired = Arc::clone(&shared.permits).acquire_owned();
        match tokio::time::timeout(shared.settings.acquire_timeout, acquired).await {
            Ok(Ok(permit)) => Ok(place(permit)),
            Ok(Err(_closed)) => Err(DatabaseError::Cancelled),
            Err(_elapsed) => Err(self.turned_away()),
        }
    }

    fn turned_away(&self) -> DatabaseError {
        self.shared.timeouts.fetch_add(1, Ordering::Relaxed);
        DatabaseError::Busy { reason: "all its connections are in use".into() }
    }

    /// Notes what became of a statement that began at `started`.
    pub(crate) fn record(&self, started: Instant, failed: bool) {
        let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.shared.queries.fetch_add(1, Ordering::Relaxed);
        self.shared.errors.fetch_add(u64::from(failed), Ordering::Relaxed);
        self.shared.busy_us.fetch_add(took, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let shared = &self.shared;
        let idle = shared.idle().len();
        let in_use = shared.settings.max.saturating_sub(shared.permits.available_permits());
        let queries = shared.queries.load(Ordering::Relaxed);
        let busy = Duration::from_micros(shared.busy_us.load(Ordering::Relaxed));
        #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than 53 bits")]
        let mean_ms = busy.as_secs_f64() * 1_000.0 / queries.max(1) as f64;
        PoolStats {
            size: idle + in_use,
            idle,
            in_use,
            waiting: shared.waiting.load(Ordering::Relaxed),
            max: shared.settings.max,
            timeouts: shared.timeouts.load(Ordering::Relaxed),
            queries,
            errors: shared.errors.load(Ordering::Relaxed),
            mean_ms,
            busy,
            statements: None,
        }
    }

    /// Takes out what has been idle for too long, beyond the connections that stay open. The caller closes them.
    pub(crate) fn expired(&self) -> Vec<C> {
        let mut idle = self.shared.idle();
        let settings = &self.shared.settings;
        let surplus = idle.len().saturating_sub(settings.min);
        // The longest idle stand first, because connections are taken from the end.
        let old = idle.iter().take(surplus);
        let old = old.take_while(|idle| idle.since.elapsed() >= settings.idle_lifetime).count();
        idle.drain(..old).map(|idle| idle.connection).collect()
    }

    /// Refuses everybody from now on and takes out what is idle. The caller closes them.
    pub(crate) fn close(&self) -> Vec<C> {
        self.shared.permits.close();
        self.shared.idle().drain(..).map(|idle| idle.connection).collect()
    }
}

impl<C> Shared<C> {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to use one connection, given back on drop.
pub(crate) struct Place<C> {
    shared: Arc<Shared<C>>,
    _permit: OwnedSemaphorePermit,
}

impl<C> Place<C> {
    /// The connection that was used last, if one is idle.
    pub(crate) fn take_idle(&self) -> Option<C> {
        self.shared.idle().pop().map(|idle| idle.connection)
    }

    /// Keeps a clean connection for the next one. After the pool was closed it is given back to be closed.
    pub(crate) fn give_back(self, connection: C) -> Option<C> {
        let mut idle = self.shared.idle();
        // Asked under the lock, because closing empties the list under it.
        if self.shared.permits.is_closed() {
            return Some(connection);
        }
        idle.push(Idle { connection, since: Instant::now() });
        None
    }
}

/// One place in the line, given back on drop.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize, max: usize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < max).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(max: usize, max_waiting: usize) -> Pool<u32> {
        Pool::new(PoolSettings { max, max_waiting, ..PoolSettings::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_in_vain_is_told_and_counted() {
        let pool = pool(1, 1);
        let held = pool.acquire().await.unwrap();
        let began = Instant::now();
        assert!(matches!(pool.acquire().await, Err(DatabaseError::Busy { .. })));
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        assert_eq!(pool.stats().timeouts, 1);
        drop(held);
        assert!(pool.acquire().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_line_is_bounded_and_whoever_leaves_it_frees_a_place() {
        let pool = pool(1, 1);
        let held = pool.acquire().await.unwrap();
        {
            let first = pool.acquire();
            tokio::pin!(first);
            assert!(futures_util::poll!(&mut first).is_pending());
            assert_eq!(pool.stats().waiting, 1);
            let second = pool.acquire();
            tokio::pin!(second);
            assert!(futures_util::poll!(&mut second).is_ready());
        }
        assert_eq!(pool.stats().waiting, 0);
        drop(held);
        assert!(pool.acquire().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn connections_expire_but_for_those_that_stay() {
        let settings = PoolSettings { min: 1, max: 3, ..PoolSettings::default() };
        let pool = Pool::new(settings);
        for connection in 1..=3 {
            // All three are used at once in life; here only the order matters.
            assert_eq!(pool.acquire().await.unwrap().give_back(connection), None);
            tokio::time::advance(Duration::from_secs(100)).await;
        }
        assert_eq!(pool.expired(), [1]);
        assert_eq!(pool.expired(), Vec::<u32>::new());
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(pool.expired(), [2]);
        tokio::time::advance(Duration::from_secs(10_000)).await;
        assert_eq!(pool.expired(), Vec::<u32>::new());
        assert_eq!(pool.stats().idle, 1);
    }

    #[tokio::test]
    async fn a_closed_pool_keeps_nothing() {
        let pool = pool(2, 0);
        assert_eq!(pool.acquire().await.unwrap().give_back(1), None);
        let held = pool.acquire().await.unwrap();
        assert_eq!(held.take_idle(), Some(1));
        assert_eq!(pool.close(), Vec::<u32>::new());
        assert_eq!(held.give_back(1), Some(1));
        assert!(matches!(pool.acquire().await, Err(DatabaseError::Cancelled)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_statements_took_is_known() {
        let pool = pool(1, 0);
        let started = Instant::now();
        tokio::time::advance(Duration::from_millis(30)).await;
        pool.record(started, false);
        pool.record(Instant::now(), true);
        let stats = pool.stats();
        assert_eq!((stats.queries, stats.errors), (2, 1));
        assert!((stats.mean_ms - 15.0).abs() < 0.01, "{stats:?}");
    }

    #[test]
    fn settings_are_checked_at_their_edges() {
        #[track_caller]
        fn check(change: impl FnOnce(&mut PoolSettings), expected: Option<&str>) {
            let mut settings = PoolSettings::default();
            change(&mut settings);
            let refused = settings.check().err().map(|error| error.to_string());
            assert_eq!(refused.as_deref().and_then(|text| text.split(':').next()), expected);
        }
        check(|_| {}, None);
        check(|s| s.max = 0, Some("max_connections"));
        check(|s| s.max = 257, Some("max_connections"));
        check(|s| s.min = 5, Some("min_connections"));
        check(|s| s.idle_lifetime = Duration::ZERO, Some("idle_lifetime"));
        check(|s| s.acquire_timeout = Duration::ZERO, Some("acquire_timeout"));
        check(|s| s.max_waiting = 10_001, Some("max_waiting"));
        check(|s| s.statement_cache = 1_024, None);
        check(|s| s.statement_cache = 1_025, Some("statement_cache"));
    }
}
