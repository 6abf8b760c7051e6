//! Servers that die and networks that fail.

use std::time::Duration;

use futures_util::future::join;
use wharf_database::engine::Engine as _;
use wharf_database::error::{DatabaseError, ErrorKind};
use wharf_database::postgres::{Postgres, PostgresSettings, SecretUrl};
use wharf_database::request::{Parameters, QueryRequest};
use wharf_database::write::WriteRequest;

use super::support::client::{psql, until_answered};
use super::support::proxy::{End, Proxy, Weather};
use super::support::services::{Instance, address, postgres_url, url_at};

/// Runs until cancelled. Rows of a function in FROM would all be written to a file first.
const ENDLESS: &str = "SELECT count(*) FROM (SELECT generate_series(1, 1000000000000)) s";

fn settings(url: &str) -> PostgresSettings {
    let mut settings = PostgresSettings::from_url(&SecretUrl(url)).unwrap();
    settings.pool.max = 2;
    settings.connect_timeout = Duration::from_secs(60);
    settings
}

async fn run(database: &Postgres, sql: &str, timeout: Duration) -> Result<usize, DatabaseError> {
    let request = QueryRequest { timeout: Some(timeout), ..QueryRequest::new(sql) };
    database.query(request).await.map(|result| result.row_count)
}

async fn answers(database: &Postgres) -> bool {
    run(database, "SELECT 1", Duration::from_secs(100)).await == Ok(1)
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
    proxy.delay_greetings(Duration::from_secs(600));
    // Nothing but the clock is waited for.
    tokio::time::pause();
    let slow = run(&database, "SELECT 1", Duration::from_secs(20)).await.unwrap_err();
    tokio::time::resume();
    assert!(slow.to_string().contains("did not complete the login in time"), "{slow}");
    proxy.delay_greetings(Duration::ZERO);
    assert!(answers(&database).await);
    database.close().await;
}

#[tokio::test]
async fn who_waits_behind_a_slow_login_is_told_that_the_database_is_busy() {
    let url = postgres_url();
    let proxy = Proxy::to(address(&url)).await;
    let mut settings = settings(&url_at(&url, proxy.address()));
    settings.pool.max = 1;
    settings.pool.acquire_timeout = Duration::from_millis(300);
    let database = Postgres::open(settings).unwrap();
    proxy.delay_greetings(Duration::from_secs(600));
    let timeout = Duration::from_secs(20);
    tokio::time::pause();
    let (first, second) =
        join(run(&database, "SELECT 1", timeout), run(&database, "SELECT 1", timeout)).await;
    tokio::time::resume();
    assert!(first.unwrap_err().to_string().contains("did not complete the login in time"));
    assert!(matches!(second, Err(DatabaseError::Busy { .. })), "{second:?}");
    proxy.delay_greetings(Duration::ZERO);
    assert!(answers(&database).await);
    database.close().await;
    // The proxy still holds the login that was given up.
    proxy.end_all(End::Reset);
    proxy.until_open(0).await;
}

#[tokio::test]
async fn a_standby_answers_queries_and_refuses_changes() {
    let mut server = Instance::postgres();
    psql(
        server.url(),
        "CREATE TABLE users(id int, name text); INSERT INTO users VALUES (1, 'a'); \
         CREATE ROLE reader LOGIN PASSWORD 'p'; GRANT SELECT ON users TO reader; CREATE SEQUENCE s",
    );
    let server = tokio::task::spawn_blocking(move || {
        server.stop();
        let data = std::path::Path::new(server.variable("WHARF_TEST_POSTGRES_DATA"));
        std::fs::write(data.join("standby.signal"), "").unwrap();
        server.start();
        server
    })
    .await
    .unwrap();
    assert_eq!(psql(server.url(), "SELECT pg_is_in_recovery()").trim(), "t");
    let mut reading = settings(server.url());
    reading.user = "reader".to_owned();
    reading.password = Some("p".to_owned().into());
    reading.writes = true;
    let database = Postgres::open(reading).unwrap();
    assert_eq!(run(&database, "SELECT * FROM users", Duration::from_secs(10)).await, Ok(1));
    let health = database.check().await.unwrap();
    assert!(
        health.warnings.iter().any(|warning| warning.contains("without the guard")),
        "{health:?}"
    );
    for sql in ["DELETE FROM users", "SELECT nextval('s')", "CREATE TEMP TABLE x(a int)"] {
        let refused = run(&database, sql, Duration::from_secs(10)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{sql}: {refused}");
    }
    let change = WriteRequest {
        sql: "UPDATE users SET name = 'b'".into(),
        params: Parameters::default(),
        timeout: None,
    };
    let refused = database.writer().unwrap().preview(&change).await.unwrap_err();
    assert!(refused.to_string().contains("primary server"), "{refused}");
    database.close().await;
    // A role that may do more than read is not let through where nothing can be analysed.
    let superuser = Postgres::open(settings(server.url())).unwrap();
    let refused =
        run(&superuser, "SELECT * FROM users", Duration::from_secs(10)).await.unwrap_err();
    assert!(refused.to_string().contains("role that may only SELECT"), "{refused}");
    superuser.close().await;
    // The server notices by itself that nobody is connected any more.
    let connected = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader'";
    until_answered(server.url(), connected, "0").await;
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
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
