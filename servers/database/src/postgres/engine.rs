//! PostgreSQL as one of the engines.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::guard::{Allowed, Guard};
use super::lease::Sessions;
use super::read::{Boundaries, Reader};
use super::session::Session;
use super::settings::PostgresSettings;
use super::types::TypeNames;
use super::{describe, explain, list, role, search};
use crate::catalog::{TableDescription, TableList};
use crate::changes::Changes;
use crate::engine::{Answer, Dialect, Engine, Health, Plan, PoolStats};
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::names::TableName;
use crate::request::{ExplainRequest, QueryRequest, TableFilter};
use crate::result::QueryResult;
use crate::search::{Findings, Search};
use crate::write::Writer;

/// Longest time that a check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// One PostgreSQL database. It can only be read, unless the settings say `writes`.
///
/// Every request may be dropped at any time: its statement is cancelled on the server and its session is made clean, or closed.
pub struct Postgres {
    sessions: Sessions,
    reader: Arc<Reader>,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    /// Checks the settings. The server is first asked when there is something to ask.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the setting that cannot be used.
    pub fn open(settings: PostgresSettings) -> Result<Self, DatabaseError> {
        Self::open_behind(settings, Boundaries::BOTH)
    }

    pub(super) fn open_behind(
        settings: PostgresSettings,
        boundaries: Boundaries,
    ) -> Result<Self, DatabaseError> {
        let allowed = Allowed {
            functions: settings.allow_functions.clone(),
            foreign_tables: settings.allow_foreign_tables,
            unguarded: settings.allow_unguarded_read_only_role,
        };
        let reader = Reader {
            guard: Guard::new(allowed),
            types: TypeNames::default(),
            limits: settings.limits.clone(),
            boundaries,
        };
        Ok(Self { sessions: Sessions::new(settings)?, reader: Arc::new(reader) })
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(super) fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }

    fn limits(&self) -> &Limits {
        &self.sessions.settings().limits
    }

    async fn run_query(&self, request: QueryRequest) -> Result<QueryResult, DatabaseError> {
        let row_limit = self.limits().rows(request.row_limit)?;
        let timeout = self.limits().timeout(request.timeout)?;
        let request = Arc::new(request);
        let reader = &self.reader;
        self.sessions
            .run(timeout, |session| {
                let (reader, request) = (Arc::clone(reader), Arc::clone(&request));
                run_query(reader, session, request, row_limit, timeout)
            })
            .await
    }

    async fn run_explain(&self, request: ExplainRequest) -> Result<Plan, DatabaseError> {
        let timeout = self.limits().timeout(request.timeout)?;
        let analyzed = request.analyze;
        let started = Instant::now();
        let request = Arc::new(request);
        let reader = &self.reader;
        let lines = self
            .sessions
            .run(timeout, |session| {
                run_explain(Arc::clone(reader), session, Arc::clone(&request), timeout)
            })
            .await?;
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Plan { plan: lines.join("\n"), analyzed, elapsed_ms })
    }

    async fn run_check(&self) -> Result<Health, DatabaseError> {
        let timeout = PATIENCE.min(self.limits().max_timeout);
        let reader = &self.reader;
        let writes = self.sessions.settings().writes;
        self.sessions
            .run(timeout, |session| run_check(Arc::clone(reader), session, timeout, writes))
            .await
    }
}

fn run_query(
    reader: Arc<Reader>,
    session: &Session,
    request: Arc<QueryRequest>,
    row_limit: usize,
    timeout: Duration,
) -> BoxFuture<'_, Result<QueryResult, DatabaseError>> {
    Box::pin(async move { reader.query(session, &request, row_limit, timeout).await })
}

fn run_explain(
    reader: Arc<Reader>,
    session: &Session,
    request: Arc<ExplainRequest>,
    timeout: Duration,
) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
    Box::pin(async move {
        let options = explain::Options::of_tool(request.analyze);
        reader.explain(session, &request.sql, &request.params, &options, timeout).await
    })
}

fn run_check(
    reader: Arc<Reader>,
    session: &Session,
    timeout: Duration,
    writes: bool,
) -> BoxFuture<'_, Result<Health, DatabaseError>> {
    Box::pin(async move {
        let mut warnings = role::report(session).await?.warnings(writes);
        if let Some(why) = reader.guard.obstacle(session, timeout).await? {
            warnings.push(format!(
                "statements run without the guard where the role may only read, and are refused where it may do more: {why}; \
                 grant the role TEMP on the database, or use a primary server of version 14 or later"
            ));
        }
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        Ok(Health { warnings })
    })
}

impl Engine for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn limits(&self) -> &Limits {
        Self::limits(self)
    }

    fn acquire_timeout(&self) -> Duration {
        let settings = self.sessions.settings();
        settings.pool.acquire_timeout + settings.connect_timeout
    }

    fn tables<'a>(&'a self, filter: &'a TableFilter) -> Answer<'a, TableList> {
        Box::pin(async move {
            filter.check()?;
            let (filter, max_tables) = (Arc::new(filter.clone()), self.limits().max_tables);
            self.sessions
                .run(self.limits().default_timeout, |session| {
                    list::tables(session, Arc::clone(&filter), max_tables)
                })
                .await
        })
    }

    fn describe<'a>(&'a self, table: &'a TableName) -> Answer<'a, TableDescription> {
        Box::pin(async move {
            let table = Arc::new(table.clone());
            self.sessions
                .run(self.limits().default_timeout, |session| {
                    describe::table(session, Arc::clone(&table))
                })
                .await
        })
    }

    fn search<'a>(&'a self, search: &'a Search) -> Answer<'a, Findings> {
        Box::pin(async move {
            search.check()?;
            let search = Arc::new(search.clone());
            self.sessions
                .run(self.limits().default_timeout, |session| {
                    search::find(session, Arc::clone(&search))
                })
                .await
        })
    }

    fn query(&self, request: QueryRequest) -> Answer<'_, QueryResult> {
        Box::pin(self.run_query(request))
    }

    fn explain(&self, request: ExplainRequest) -> Answer<'_, Plan> {
        Box::pin(self.run_explain(request))
    }

    fn writer(&self) -> Option<&dyn Writer> {
        self.sessions.settings().writes.then_some(self as &dyn Writer)
    }

    fn pool_stats(&self) -> PoolStats {
        self.sessions.stats()
    }

    /// Logs in, and warns about a role that may do more than read.
    fn check(&self) -> Answer<'_, Health> {
        Box::pin(self.run_check())
    }

    fn changes(&self) -> Option<Changes> {
        self.sessions.settings().notify.then(|| self.sessions.listen())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.sessions.close())
    }
}
