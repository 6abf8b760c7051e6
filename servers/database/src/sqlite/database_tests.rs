//! Callers that give up, come together or come late: whatever they do, their statement ends and the next caller is served.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Database, SqliteSettings};
use crate::error::DatabaseError;
use crate::request::QueryRequest;

/// Would count for hours.
const ENDLESS: &str =
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";

fn sample(change: impl FnOnce(&mut SqliteSettings)) -> Database {
    let mut settings = SqliteSettings::sample();
    settings.limits.max_work_steps = u64::MAX;
    change(&mut settings);
    Database::open(settings).unwrap()
}

async fn count(database: &Database) -> Result<String, DatabaseError> {
    let request = QueryRequest::new("SELECT count(*) FROM airports");
    let result = database.query(request, &CancellationToken::new()).await?;
    Ok(serde_json::to_string(&result.rows).unwrap())
}

#[tokio::test]
async fn a_dropped_request_stops_its_statement_and_gives_the_connection_back() {
    let database = sample(|settings| settings.pool.max = 1);
    let cancel = CancellationToken::new();
    {
        let query = database.query(QueryRequest::new(ENDLESS), &cancel);
        tokio::pin!(query);
        // Polled once, so that the statement runs; then its caller leaves.
        assert!(futures_util::poll!(&mut query).is_pending());
    }
    database.settled().await;
    assert_eq!(count(&database).await.unwrap(), "[[3376]]");
    assert_eq!(database.idle_count(), 1);
}

#[tokio::test]
async fn a_cancelled_request_is_answered_at_once() {
    let database = sample(|settings| settings.pool.max = 1);
    let cancel = CancellationToken::new();
    let query = database.query(QueryRequest::new(ENDLESS), &cancel);
    let (answer, ()) = tokio::join!(query, async { cancel.cancel() });
    assert_eq!(answer.unwrap_err(), DatabaseError::Cancelled);
    assert_eq!(count(&database).await.unwrap(), "[[3376]]");
}

#[tokio::test]
async fn a_statement_ends_with_its_time_and_with_its_work() {
    let database = sample(|_| ());
    let mut request = QueryRequest::new(ENDLESS);
    request.timeout = Some(Duration::from_millis(20));
    let cancel = CancellationToken::new();
    let error = database.query(request, &cancel).await.unwrap_err();
    assert_eq!(error, DatabaseError::Timeout { timeout: Duration::from_millis(20) });
    let database = sample(|settings| settings.limits.max_work_steps = 100_000);
    let error = database.query(QueryRequest::new(ENDLESS), &cancel).await.unwrap_err();
    assert_eq!(error, DatabaseError::WorkLimit { steps: 100_000 });
}

#[tokio::test]
async fn more_callers_than_connections_are_all_served() {
    let database = sample(|settings| settings.pool.max = 2);
    let callers = (0..50).map(|_| count(&database));
    for answer in futures_util::future::join_all(callers).await {
        assert_eq!(answer.unwrap(), "[[3376]]");
    }
    assert!(database.idle_count() <= 2);
}

#[tokio::test]
async fn a_thousand_calls_share_five_connections_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.db");
    let writer = rusqlite::Connection::open(&path).unwrap();
    writer.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)").unwrap();
    let mut settings = SqliteSettings::file(&path);
    settings.pool.max = 5;
    settings.pool.max_waiting = 1_000;
    settings.pool.acquire_timeout = Duration::from_secs(120);
    let database = Database::open(settings).unwrap();
    let cancel = CancellationToken::new();
    let calls = (0..1_000).map(|n| {
        let request = QueryRequest::new(format!("SELECT {n}, count(*) FROM t"));
        let (database, cancel) = (&database, &cancel);
        async move { database.query(request, cancel).await }
    });
    for (n, answer) in futures_util::future::join_all(calls).await.into_iter().enumerate() {
        let rows = serde_json::to_string(&answer.unwrap().rows).unwrap();
        assert_eq!(rows, format!("[[{n},2]]"), "nobody gets another's answer");
    }
    database.settled().await;
    assert!(database.idle_count() <= 5);
    database.close().await;
    // A connection that leaked would still hold the file open.
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let held = open.filter_map(|fd| std::fs::read_link(fd.path()).ok()).filter(|to| *to == path);
    assert_eq!(held.count(), 1, "the writer's own");
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for_briefly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked.db");
    let writer = rusqlite::Connection::open(&path).unwrap();
    writer.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
    let mut settings = SqliteSettings::file(&path);
    settings.busy_timeout = Duration::from_millis(50);
    let database = Database::open(settings).unwrap();
    let cancel = CancellationToken::new();
    let read = || database.query(QueryRequest::new("SELECT * FROM t"), &cancel);
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let locked = read().await.unwrap_err();
    assert!(matches!(locked, DatabaseError::Busy { .. }), "{locked:?}");
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(read().await.unwrap().row_count, 1);
}

#[tokio::test]
async fn a_full_line_is_refused_as_busy() {
    let database = sample(|settings| {
        settings.pool.max = 1;
        settings.pool.max_waiting = 0;
    });
    let cancel = CancellationToken::new();
    let query = database.query(QueryRequest::new(ENDLESS), &cancel);
    tokio::pin!(query);
    assert!(futures_util::poll!(&mut query).is_pending());
    assert!(matches!(count(&database).await, Err(DatabaseError::Busy { .. })));
}

#[tokio::test]
async fn a_closed_database_stops_what_runs_and_refuses_what_comes() {
    let database = sample(|_| ());
    let cancel = CancellationToken::new();
    let query = database.query(QueryRequest::new(ENDLESS), &cancel);
    let (answer, ()) = tokio::join!(query, database.close());
    assert!(answer.is_err());
    assert!(matches!(count(&database).await, Err(DatabaseError::Unavailable { .. })));
}

/// A definition that is longer than any statement of a caller may be.
#[tokio::test]
async fn a_file_with_a_very_long_definition_is_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.db");
    let writer = rusqlite::Connection::open(&path).unwrap();
    let long = "x".repeat(300_000);
    let table = format!("CREATE TABLE long(a TEXT DEFAULT '{long}', b TEXT CHECK (b <> '{long}'))");
    let view = format!("CREATE VIEW seen AS SELECT a, b /* {long} */ FROM long");
    writer.execute_batch(&format!("{table}; {view}; INSERT INTO long VALUES ('1', '2')")).unwrap();
    let database = Database::open(SqliteSettings::file(&path)).unwrap();
    let cancel = CancellationToken::new();
    let read = async |sql: &str| {
        let result = database.query(QueryRequest::new(sql), &cancel).await?;
        Ok::<_, DatabaseError>(serde_json::to_string(&result.rows).unwrap())
    };
    assert_eq!(read("SELECT * FROM long").await.unwrap(), r#"[["1","2"]]"#);
    assert_eq!(read("SELECT b FROM seen").await.unwrap(), r#"[["2"]]"#);
    // The schema is read again on a connection that is there, when somebody changes it.
    writer.execute_batch("CREATE TABLE more(a); INSERT INTO long VALUES ('3', '4')").unwrap();
    assert_eq!(read("SELECT a FROM long ORDER BY a DESC").await.unwrap(), r#"[["3"],["1"]]"#);
    assert_eq!(read("SELECT * FROM more").await.unwrap(), "[]");
    // Callers are held to their own bound.
    let refused = read(&format!("SELECT '{long}'")).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::TooLarge { .. }), "{refused}");
}
