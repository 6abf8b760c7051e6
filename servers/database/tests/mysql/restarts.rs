//! A server that dies, restarts or freezes under its callers.

use std::time::Duration;

use serde_json::json;
use wharf_database::error::{DatabaseError, ErrorKind};
use wharf_database::mysql::Database;

use super::fixture::{Fixture, limited, query, rows, until_idle, within};
use super::support::services::Instance;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_the_middle_is_a_typed_error_and_comes_back() {
    let mut server = Instance::mariadb();
    let fixture = Fixture::on(server.url()).await;
    let database = fixture.database().await;
    for sql in ["SELECT 1", "SELECT 2"] {
        rows(&database, sql).await;
    }
    let running = fixture.keep_busy(&database).await;
    server.kill();
    let error = within(Duration::from_secs(10), running).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let error = query(&database, "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(!format!("{error} {error:?}").contains("127.0.0.1"), "{error:?}");
    server.start();
    assert_eq!(rows(&database, "SELECT 1").await, json!([[1]]), "the first call after the restart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_after_a_restart_that_nobody_saw() {
    let mut server = Instance::mariadb();
    let fixture = Fixture::on(server.url()).await;
    let database = fixture.database().await;
    // Several idle connections, all of which the restart closes.
    let calls =
        (0..4).map(|_| query(&database, "SELECT count(*) FROM orders_big WHERE pad LIKE '%a%b%'"));
    futures_util::future::try_join_all(calls).await.unwrap();
    until_idle(&database).await;
    assert!(database.pool_stats().idle > 1);
    server.stop();
    server.start();
    for n in 0..8 {
        assert_eq!(rows(&database, &format!("SELECT {n}")).await, json!([[n]]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_answered_at_the_deadline() {
    let mut server = Instance::mariadb();
    let fixture = Fixture::on(server.url()).await;
    let database = Database::open(fixture.reader().await).unwrap();
    rows(&database, "SELECT 1").await;
    server.freeze();
    let timeout = Duration::from_millis(300);
    // Without a deadline it would wait for as long as the server is frozen, which is for ever.
    let error = database.query(limited("SELECT 1", timeout)).await.unwrap_err();
    assert_eq!(error, DatabaseError::Timeout { timeout });
    server.thaw();
    until_idle(&database).await;
    assert_eq!(rows(&database, "SELECT 1").await, json!([[1]]));
}
