//! Servers that die and networks that fail.

use std::time::Duration;

use futures_util::future::join;
use wharf_database::engine::Engine as _;
use wharf_database::error::{DatabaseError, ErrorKind};
use wharf_database::postgres::{Postgres, PostgresSettings, SecretUrl};
use wharf_database::request::QueryRequest;

use super::support::proxy::{End, Proxy, Weather};
use super::support::services::{Instance, address, postgres_url, url_at};

const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 1000000000000)";

fn settings(url: &str) -> PostgresSettings {
    let mut settings = PostgresSettings::from_url(&SecretUrl(url)).unwrap();
    settings.pool.max = 2;
    settings.connect_timeout = Duration::from_secs(2);
    settings
}

async fn run(database: &Postgres, sql: &str, timeout: Duration) -> Result<usize, DatabaseError> {
    let request = QueryRequest { timeout: Some(timeout), ..QueryRequest::new(sql) };
    database.query(request).await.map(|result| result.row_count)
}

async fn answers(database: &Postgres) -> bool {
    run(database, "SELECT 1", Duration::from_secs(10)).await == Ok(1)
}

/// In a proxied server nobody else takes part, so that the proxy's connections are those of the database.
async fn proxied() -> (Proxy, Postgres) {
    let url = postgres_url();
    let proxy = Proxy::to(address(&url)).await;
    let database = Postgres::open(settings(&url_at(&url, proxy.address()))).unwrap();
    (proxy, database)
}

#[tokio::test]
async fn a_killed_server_fails_what_runs_and_nothing_after_its_restart() {
    let mut server = Instance::postgres();
    let database = Postgres::open(settings(server.url())).unwrap();
    assert!(answers(&database).await);
    let running = run(&database, ENDLESS, Duration::from_secs(100));
    // Begun before the server dies, and answered behind it.
    let killing = async {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        tokio::task::spawn_blocking(move || {
            server.kill();
            server
        })
        .await
        .unwrap()
    };
    let (ran, mut server) = join(running, killing).await;
    assert_eq!(ran.unwrap_err().kind(), ErrorKind::Unavailable);
    let down = run(&database, "SELECT 1", Duration::from_secs(10)).await.unwrap_err();
    assert!(down.is_retryable() && !down.to_string().contains("127.0.0.1"), "{down}");
    server = tokio::task::spawn_blocking(move || {
        server.start();
        server
    })
    .await
    .unwrap();
    assert!(answers(&database).await);
    database.close().await;
    drop(server);
}

#[tokio::test]
async fn a_reset_connection_fails_one_call_and_the_next_one_reconnects() {
    let (proxy, database) = proxied().await;
    assert!(answers(&database).await);
    proxy.end_all(End::Reset);
    assert!(answers(&database).await, "an idle session that broke is replaced");
    proxy.refuse(true);
    proxy.end_all(End::Cut);
    let refused = run(&database, "SELECT 1", Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    proxy.refuse(false);
    assert!(answers(&database).await);
    database.close().await;
    proxy.until_open(0).await;
}

#[tokio::test]
async fn a_slow_login_ends_in_time() {
    let (proxy, database) = proxied().await;
    proxy.delay_greetings(Duration::from_secs(60));
    let slow = run(&database, "SELECT 1", Duration::from_secs(20)).await.unwrap_err();
    assert!(slow.to_string().contains("did not complete the login in time"), "{slow}");
    proxy.delay_greetings(Duration::ZERO);
    assert!(answers(&database).await);
    database.close().await;
}

#[tokio::test]
async fn a_silent_server_does_not_hold_an_answer_back() {
    let (proxy, database) = proxied().await;
    assert!(answers(&database).await);
    while database.pool_stats().in_use > 0 {
        tokio::task::yield_now().await;
    }
    proxy.set_weather(Weather::BlackHole);
    let timeout = Duration::from_millis(300);
    let silent = run(&database, "SELECT 1", timeout).await.unwrap_err();
    assert_eq!(silent, DatabaseError::Timeout { timeout });
    proxy.set_weather(Weather::Fine);
    proxy.end_all(End::Reset);
    assert!(answers(&database).await);
    database.close().await;
    proxy.until_open(0).await;
}
