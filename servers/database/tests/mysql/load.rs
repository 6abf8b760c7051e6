//! Many callers at once, a full pool, and a lock in somebody else's hands.

use std::time::Duration;

use futures_util::future::join_all;
use mysql_async::prelude::Queryable as _;
use serde_json::json;
use wharf_database::error::DatabaseError;
use wharf_database::mysql::Database;

use super::fixture::{Fixture, limited, query, rows, until_idle, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_share_five_connections() {
    let fixture = Fixture::new().await;
    let mut settings = fixture.reader().await;
    settings.pool.max = 5;
    settings.pool.max_waiting = 1_000;
    settings.pool.acquire_timeout = Duration::from_secs(60);
    let database = Database::open(settings).unwrap();
    let calls = (0..1_000).map(|n| {
        let database = database.clone();
        tokio::spawn(async move {
            (n, query(&database, &format!("SELECT {n}, name FROM users WHERE id = 1")).await)
        })
    });
    for call in join_all(calls).await {
        let (n, answer) = call.unwrap();
        let answer = serde_json::to_value(answer.unwrap().rows).unwrap();
        assert_eq!(answer, json!([[n, "user 1"]]), "nobody gets another's answer");
    }
    until_idle(&database).await;
    assert!(fixture.sessions().await <= 5);
    let stats = database.pool_stats();
    assert_eq!((stats.queries, stats.errors, stats.waiting), (1_000, 0, 0));
    database.close().await;
    fixture.until_gone().await;
}

#[tokio::test]
async fn a_full_pool_is_a_typed_error_and_recovers() {
    let fixture = Fixture::new().await;
    let mut settings = fixture.reader().await;
    settings.pool.max = 1;
    settings.pool.max_waiting = 1;
    settings.pool.acquire_timeout = Duration::from_millis(200);
    let database = Database::open(settings).unwrap();
    let busy = fixture.keep_busy(&database).await;
    let error = query(&database, "SELECT 1").await.unwrap_err();
    assert!(matches!(error, DatabaseError::Busy { .. }), "{error:?}");
    busy.abort();
    until_idle(&database).await;
    assert_eq!(rows(&database, "SELECT 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_lock_of_another_session_is_a_typed_error() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let mut other = fixture.admin().await;
    other.query_drop("LOCK TABLES people WRITE").await.unwrap();
    let error =
        database.query(limited("SELECT * FROM people", Duration::from_secs(4))).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Busy { .. }), "{error:?}");
    let timeout = Duration::from_millis(500);
    let error = database.query(limited("SELECT * FROM people", timeout)).await.unwrap_err();
    assert_eq!(error, DatabaseError::Timeout { timeout });
    other.query_drop("UNLOCK TABLES").await.unwrap();
    until_idle(&database).await;
    assert_eq!(rows(&database, "SELECT count(*) FROM people").await, json!([[2]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_given_up_at_any_moment_leave_no_session_behind() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    for step in 0..60_u64 {
        let call = query(&database, "SELECT * FROM orders_big LIMIT 20000");
        let _ = tokio::time::timeout(Duration::from_micros(step * 150), call).await;
    }
    until_idle(&database).await;
    fixture.until_busy(0).await;
    assert!(fixture.sessions().await <= 4);
    assert_eq!(rows(&database, "SELECT 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_closed_database_answers_and_ends_what_runs() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let running = fixture.keep_busy(&database).await;
    within(Duration::from_secs(20), database.close()).await;
    assert_eq!(running.await.unwrap().err(), Some(DatabaseError::Cancelled));
    assert!(matches!(query(&database, "SELECT 1").await, Err(DatabaseError::Unavailable { .. })));
    fixture.until_busy(0).await;
}
