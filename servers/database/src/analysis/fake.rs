//! An engine for tests: a real SQLite database, or answers that were written down, behind a script that can let a statement
//! hang, fail or answer otherwise, and that counts what runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{AnalysisType, Interrupted, Stage, Watcher, analyse, report::Report};
use crate::catalog::{TableDescription, TableList};
use crate::engine::{Answer, Dialect, Engine, Health, Plan, PoolStats};
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::names::TableName;
use crate::request::{ExplainRequest, QueryRequest, TableFilter};
use crate::result::{Cell, Column, QueryResult};
use crate::search::{Findings, Search};
use crate::sqlite::{Database, SqliteSettings};

/// Rows `c(n)` from 1 on, up to the number that comes behind.
pub(super) const NUMBERS: &str =
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ";

/// What becomes of one request.
pub(super) enum Act {
    Pass,
    Hang,
    Fail(DatabaseError),
    Rows(Vec<Vec<Cell>>),
}

type Script = dyn Fn(usize, &str) -> Act + Send + Sync;

/// The engine.
pub(super) struct Fake {
    inner: Database,
    pub(super) dialect: Dialect,
    pub(super) description: Option<TableDescription>,
    script: Box<Script>,
    pub(super) started: AtomicUsize,
    pub(super) running: Arc<AtomicUsize>,
    /// Every statement, in order.
    pub(super) statements: Mutex<Vec<String>>,
}

/// Counts down when a request ends, however it ends.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Fake {
    /// The script sees the number of each request, from 0, and its text.
    pub(super) fn new(
        settings: SqliteSettings,
        script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner: Database::open(settings).unwrap(),
            dialect: Dialect::Sqlite,
            description: None,
            script: Box::new(script),
            started: AtomicUsize::new(0),
            running: Arc::default(),
            statements: Mutex::default(),
        }
    }

    async fn act<T>(
        &self,
        text: &str,
        rows: impl FnOnce(Vec<Vec<Cell>>) -> T,
        pass: impl Future<Output = Result<T, DatabaseError>>,
    ) -> Result<T, DatabaseError> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(Arc::clone(&self.running));
        let number = self.started.fetch_add(1, Ordering::SeqCst);
        self.statements.lock().unwrap().push(text.to_owned());
        match (self.script)(number, text) {
            Act::Pass => pass.await,
            Act::Hang => std::future::pending().await,
            Act::Fail(error) => Err(error),
            Act::Rows(given) => Ok(rows(given)),
        }
    }
}

fn result(rows: Vec<Vec<Cell>>) -> QueryResult {
    let column = Column { name: "x".into(), declared_type: None, value_types: Vec::new() };
    QueryResult {
        columns: vec![column; rows.first().map_or(0, Vec::len)],
        row_count: rows.len(),
        rows,
        ..QueryResult::default()
    }
}

impl Engine for Fake {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn limits(&self) -> &Limits {
        Engine::limits(&self.inner)
    }

    fn acquire_timeout(&self) -> Duration {
        Engine::acquire_timeout(&self.inner)
    }

    fn tables<'a>(&'a self, filter: &'a TableFilter) -> Answer<'a, TableList> {
        let no_tables = |_| TableList { tables: Vec::new(), truncated: false };
        Box::pin(self.act("tables", no_tables, Engine::tables(&self.inner, filter)))
    }

    fn describe<'a>(&'a self, table: &'a TableName) -> Answer<'a, TableDescription> {
        let known = self.description.clone();
        let answer = async move {
            match known {
                Some(known) => Ok(known),
                None => Engine::describe(&self.inner, table).await,
            }
        };
        Box::pin(self.act("describe", |_| unreachable!("rows describe nothing"), answer))
    }

    fn search<'a>(&'a self, search: &'a Search) -> Answer<'a, Findings> {
        Engine::search(&self.inner, search)
    }

    fn query(&self, request: QueryRequest) -> Answer<'_, QueryResult> {
        Box::pin(async move {
            let text = request.sql.clone();
            self.act(&text, result, Engine::query(&self.inner, request)).await
        })
    }

    fn explain(&self, request: ExplainRequest) -> Answer<'_, Plan> {
        Engine::explain(&self.inner, request)
    }

    fn pool_stats(&self) -> PoolStats {
        Engine::pool_stats(&self.inner)
    }

    fn check(&self) -> Answer<'_, Health> {
        Engine::check(&self.inner)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Engine::close(&self.inner)
    }
}

/// Keeps what it is told.
#[derive(Default)]
pub(super) struct Told(pub(super) Mutex<Vec<(Stage, f64)>>);

impl Watcher for Told {
    fn tell<'a>(
        &'a self,
        stage: Stage,
        done: usize,
        total: usize,
        _: &'a str,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.0.lock().unwrap().push((stage, stage.reached(done, total)));
        })
    }
}

/// An analysis by an engine, without anybody who watches.
pub(super) async fn analysed(
    engine: &dyn Engine,
    table: &str,
    analysis_type: AnalysisType,
) -> Result<Report, Interrupted> {
    analyse(engine, &TableName::new(table), analysis_type, &Told::default()).await
}

/// A database file with what a script makes.
pub(super) struct File {
    directory: tempfile::TempDir,
}

impl File {
    pub(super) fn new(script: &str) -> Self {
        let file = Self { directory: tempfile::tempdir().unwrap() };
        file.run(script);
        file
    }

    /// Changes the database from outside.
    pub(super) fn run(&self, script: &str) {
        self.connection().execute_batch(script).unwrap();
    }

    pub(super) fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("data.db")
    }

    pub(super) fn settings(&self) -> SqliteSettings {
        SqliteSettings::file(self.path())
    }

    pub(super) fn open(&self) -> Database {
        Database::open(self.settings()).unwrap()
    }
}
