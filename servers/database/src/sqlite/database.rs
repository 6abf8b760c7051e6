//! The database as its callers see it: asynchronous, bounded, and free of any trace once a request is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Boundaries, ReadConnection};
use super::settings::SqliteSettings;
use super::watch::{Stop, StopOnDrop, Watch};
use super::{collect, describe, list, search};
use crate::catalog::{TableDescription, TableList};
use crate::engine::PoolStats;
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::names::TableName;
use crate::pool::{Place, Pool};
use crate::request::{QueryRequest, TableFilter};
use crate::result::QueryResult;
use crate::search::{Findings, Search};

/// One SQLite database that can only be read. Clones share its connections.
///
/// Every request may be dropped at any time: its statement is interrupted and its connection goes
/// back clean, or is closed.
#[derive(Clone)]
pub struct Database {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) settings: SqliteSettings,
    boundaries: Boundaries,
    pub(super) pool: Pool<ReadConnection>,
    pub(super) closing: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Database {
    /// Checks the settings. The database itself is opened when it is first asked.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the setting that cannot be used.
    pub fn open(settings: SqliteSettings) -> Result<Self, DatabaseError> {
        Self::open_behind(settings, Boundaries::BOTH)
    }

    pub(super) fn open_behind(
        settings: SqliteSettings,
        boundaries: Boundaries,
    ) -> Result<Self, DatabaseError> {
        settings.check()?;
        let pool = Pool::new(settings.pool.clone());
        let closing = CancellationToken::new();
        let tasks = TaskTracker::new();
        Ok(Self { inner: Arc::new(Inner { settings, boundaries, pool, closing, tasks }) })
    }

    /// The bounds on one request.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.settings.limits
    }

    /// How long a request may wait for a connection.
    #[must_use]
    pub fn acquire_timeout(&self) -> Duration {
        self.inner.settings.pool.acquire_timeout
    }

    /// The connections and what they did.
    #[must_use]
    pub fn pool_stats(&self) -> PoolStats {
        self.inner.pool.stats()
    }

    /// Tables and views that match.
    ///
    /// # Errors
    /// A pattern that is too long, a schema other than `main`, or any failure to reach the database.
    pub async fn list_tables(
        &self,
        filter: &TableFilter,
        cancel: &CancellationToken,
    ) -> Result<TableList, DatabaseError> {
        filter.check()?;
        check_schema(filter.schema.as_deref())?;
        let pattern = filter.pattern.clone();
        let limits = self.limits().clone();
        self.run(self.limits().default_timeout, cancel, move |connection, watch| {
            list::tables(connection, pattern.as_deref(), &limits, watch)
        })
        .await
    }

    /// Tables, views and columns by name.
    ///
    /// # Errors
    /// A pattern that is too long, a schema other than `main`, or any failure to reach the database.
    pub async fn search(
        &self,
        search: &Search,
        cancel: &CancellationToken,
    ) -> Result<Findings, DatabaseError> {
        search.check()?;
        check_schema(search.schema.as_deref())?;
        let search = search.clone();
        self.run(self.limits().default_timeout, cancel, move |connection, watch| {
            search::by_name(connection, &search, watch)
        })
        .await
    }

    /// Everything needed to write a query against one table or view.
    ///
    /// # Errors
    /// [`DatabaseError::UnknownTable`] with near names, or any failure to reach the database.
    pub async fn describe_table(
        &self,
        table: &TableName,
        cancel: &CancellationToken,
    ) -> Result<TableDescription, DatabaseError> {
        check_schema(table.schema.as_deref())?;
        let name = table.clone();
        self.run(self.limits().default_timeout, cancel, move |connection, watch| {
            describe::table(connection, &name, watch)
        })
        .await
    }

    /// Runs one statement that reads.
    ///
    /// # Errors
    /// Every [`DatabaseError`]; nothing has been changed in any case.
    pub async fn query(
        &self,
        request: QueryRequest,
        cancel: &CancellationToken,
    ) -> Result<QueryResult, DatabaseError> {
        let limits = self.limits().clone();
        let row_limit = limits.rows(request.row_limit)?;
        let timeout = limits.timeout(request.timeout)?;
        self.run(timeout, cancel, move |connection, watch| {
            collect::query(connection, &request, row_limit, &limits, watch)
        })
        .await
    }

    /// Refuses new requests, stops the running ones and waits until every connection is closed.
    pub async fn close(&self) {
        self.inner.closing.cancel();
        drop(self.inner.pool.close());
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Runs blocking work on a connection, under a watch, and answers as soon as it is done or stopped.
    async fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        cancel: &CancellationToken,
        work: impl FnOnce(&mut ReadConnection, &Arc<Watch>) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let inner = &self.inner;
        let place = tokio::select! {
            biased;
            () = inner.closing.cancelled() => return Err(closed()),
            () = cancel.cancelled() => return Err(DatabaseError::Cancelled),
            place = inner.pool.acquire() => place?,
        };
        let watch = Watch::new(inner.settings.limits.max_work_steps, timeout);
        let _stop_on_drop = StopOnDrop(Arc::clone(&watch));
        let task = {
            let (inner, watch) = (Arc::clone(inner), Arc::clone(&watch));
            self.inner.tasks.spawn_blocking(move || inner.run_blocking(place, &watch, work))
        };
        // The thread sees the stop at its next tick; the caller need not wait for it.
        let why = tokio::select! {
            biased;
            done = task => {
                return done.unwrap_or_else(|error| Err(DatabaseError::internal(error.to_string())));
            }
            () = cancel.cancelled() => Stop::Cancelled,
            () = inner.closing.cancelled() => Stop::Cancelled,
            () = tokio::time::sleep(timeout) => Stop::Timeout,
        };
        watch.stop(why);
        Err(watch.stop_error().unwrap_or(DatabaseError::Cancelled))
    }

    #[cfg(test)]
    pub(super) fn idle_count(&self) -> usize {
        self.inner.pool.stats().idle
    }

    /// Waits until no statement runs, without closing.
    #[cfg(test)]
    pub(super) async fn settled(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.tasks.reopen();
    }
}

impl Inner {
    fn run_blocking<T>(
        &self,
        place: Place<ReadConnection>,
        watch: &Arc<Watch>,
        work: impl FnOnce(&mut ReadConnection, &Arc<Watch>) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        // Whoever asked may be gone by now.
        if let Some(stopped) = watch.stop_error() {
            return Err(stopped);
        }
        let started = Instant::now();
        let mut connection = match place.take_idle() {
            Some(connection) => connection,
            None => ReadConnection::open(&self.settings, self.boundaries)?,
        };
        // A panic must not take the pool with it: the connection is closed and the caller told.
        let answer = catch_unwind(AssertUnwindSafe(|| {
            connection.begin(watch)?;
            work(&mut connection, watch)
        }));
        let clean = connection.end(watch);
        self.pool.record(started, !matches!(answer, Ok(Ok(_))));
        if clean && answer.is_ok() {
            drop(place.give_back(connection));
        } else {
            drop(connection);
        }
        drop(self.pool.expired());
        answer.unwrap_or_else(|_panic| Err(DatabaseError::internal("a query panicked")))
    }
}

/// A file has one schema, so any other name is a mistake that an empty answer would hide.
fn check_schema(schema: Option<&str>) -> Result<(), DatabaseError> {
    match schema {
        None => Ok(()),
        Some(main) if main.eq_ignore_ascii_case("main") => Ok(()),
        Some(_) => Err(DatabaseError::UnknownSchema { suggestions: vec!["main".into()] }),
    }
}

pub(super) fn closed() -> DatabaseError {
    DatabaseError::Unavailable {
        reason: "it is shutting down".into(),
        detail: "the database was closed".into(),
    }
}
