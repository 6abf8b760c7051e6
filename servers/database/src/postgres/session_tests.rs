//! Sessions come back clean, end in time, and none is left behind on the server.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::Postgres;
use super::scratch::Scratch;
use super::settings::PostgresSettings;
use crate::engine::Engine as _;
use crate::error::DatabaseError;
use crate::request::QueryRequest;
use crate::result::QueryResult;

/// Runs until cancelled, whatever the planner does. Rows of a function in FROM would all be written to a file first.
const ENDLESS: &str = "SELECT count(*) FROM (SELECT generate_series(1, 1000000000000)) s";

fn timed(sql: &str, timeout: Duration) -> QueryRequest {
    QueryRequest { timeout: Some(timeout), ..QueryRequest::new(sql) }
}

async fn one(database: &Postgres, sql: &str) -> Result<String, DatabaseError> {
    let result: QueryResult = database.query(QueryRequest::new(sql)).await?;
    Ok(serde_json::to_string(&result.rows).unwrap())
}

/// What runs on the server for this program, as the superuser sees it.
async fn backends(scratch: &Scratch, condition: &str) -> String {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND {condition}"
    );
    scratch.value(&sql).await
}

/// Waits until the server shows what is expected; the test runner ends a test that waits in vain.
async fn until(scratch: &Scratch, condition: &str, count: &str) {
    while backends(scratch, condition).await != count {
        tokio::task::yield_now().await;
    }
}

fn pooled(mut settings: PostgresSettings, max: usize) -> PostgresSettings {
    settings.pool.max = max;
    settings
}

#[tokio::test]
async fn nothing_leaks_to_the_next_caller() {
    let scratch = Scratch::with_fixture().await;
    let mut settings = pooled(scratch.superuser(), 1);
    settings.session.insert("work_mem".into(), "7MB".into());
    settings.allow_functions.extend(
        ["pg_catalog.set_config", "pg_catalog.pg_advisory_lock", "pg_catalog.nextval"]
            .map(str::to_owned),
    );
    let database = Postgres::open(settings).unwrap();
    let pid = one(&database, "SELECT pg_backend_pid()").await.unwrap();
    for sql in [
        "SELECT set_config('work_mem', '9MB', false), set_config('search_path', 'nowhere', false)",
        "SELECT set_config('app.user', 'me', false)",
        "SELECT set_config('role', 'pg_monitor', false)",
        "SELECT pg_advisory_lock(7)",
    ] {
        one(&database, sql).await.unwrap();
    }
    let seen = one(
        &database,
        "SELECT pg_backend_pid(), current_setting('work_mem'), current_setting('search_path') LIKE '%public%', \
         coalesce(current_setting('app.user', true), ''), current_user, \
         (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), \
         (SELECT count(*) FROM pg_cursors WHERE is_holdable), current_setting('transaction_read_only')",
    )
    .await
    .unwrap();
    let pid = pid.trim_matches(['[', ']']);
    assert_eq!(seen, format!("[[{pid},\"7MB\",true,\"\",\"postgres\",0,0,\"on\"]]"));
    database.close().await;
}

#[tokio::test]
async fn the_answer_comes_at_the_deadline_and_the_server_stops() {
    let scratch = Scratch::empty().await;
    let database = Postgres::open(pooled(scratch.superuser(), 1)).unwrap();
    let pid = one(&database, "SELECT pg_backend_pid()").await.unwrap();
    let timeout = Duration::from_millis(300);
    // It would go on for days. How late the answer is exactly is for benches/: other tests share the machine.
    let error = database.query(timed(ENDLESS, timeout)).await.unwrap_err();
    assert_eq!(error, DatabaseError::Timeout { timeout });
    assert_eq!(
        one(&database, "SELECT pg_backend_pid()").await.unwrap(),
        pid,
        "the session was kept"
    );
    until(&scratch, "state = 'active'", "0").await;
    database.close().await;
}

#[tokio::test]
async fn a_dropped_request_stops_on_the_server() {
    let scratch = Scratch::empty().await;
    let database = Arc::new(Postgres::open(pooled(scratch.superuser(), 2)).unwrap());
    let running = tokio::spawn({
        let database = Arc::clone(&database);
        async move { database.query(timed(ENDLESS, Duration::from_secs(200))).await }
    });
    until(&scratch, "state = 'active'", "1").await;
    // Whatever it does at this moment, nothing of it goes on.
    running.abort();
    until(&scratch, "state = 'active'", "0").await;
    assert_eq!(one(&database, "SELECT 1").await.unwrap(), "[[1]]");
    database.close().await;
    until(&scratch, "true", "0").await;
}

#[tokio::test]
async fn a_thousand_calls_share_five_sessions() {
    let scratch = Scratch::with_fixture().await;
    let mut settings = pooled(scratch.reader().await, 5);
    settings.pool.max_waiting = 1_000;
    settings.pool.acquire_timeout = Duration::from_secs(120);
    let database = Postgres::open(settings).unwrap();
    let calls = (0..1_000).map(|n| {
        let database = &database;
        async move { one(database, &format!("SELECT {} + count(*) FROM users", n % 7)).await }
    });
    for (n, answer) in join_all(calls).await.into_iter().enumerate() {
        assert_eq!(answer.unwrap(), format!("[[{}]]", n % 7 + 20));
    }
    let stats = database.pool_stats();
    assert_eq!((stats.queries, stats.errors, stats.timeouts), (1_000, 0, 0));
    let open: usize = backends(&scratch, "true").await.parse().unwrap();
    assert!((1..=5).contains(&open), "{open} sessions");
    database.close().await;
    until(&scratch, "true", "0").await;
}

#[tokio::test]
async fn a_full_pool_is_busy_and_says_so() {
    let scratch = Scratch::empty().await;
    let mut settings = pooled(scratch.superuser(), 1);
    settings.pool.acquire_timeout = Duration::from_millis(100);
    let database = Postgres::open(settings).unwrap();
    let held = database.query(timed(ENDLESS, Duration::from_secs(200)));
    let waiting = async {
        until(&scratch, "state = 'active'", "1").await;
        one(&database, "SELECT 1").await
    };
    let waited = tokio::select! {
        held = held => panic!("it ended: {held:?}"),
        waited = waiting => waited,
    };
    assert!(matches!(waited, Err(DatabaseError::Busy { .. })), "{waited:?}");
    database.close().await;
}

#[tokio::test]
async fn a_lock_of_somebody_else_is_waited_for_briefly() {
    let scratch = Scratch::with_fixture().await;
    let mut settings = scratch.superuser();
    settings.lock_timeout = Duration::from_millis(200);
    let database = Postgres::open(settings).unwrap();
    scratch.execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await;
    let error = one(&database, "SELECT count(*) FROM users").await.unwrap_err();
    assert!(matches!(&error, DatabaseError::Busy { .. }), "{error:?}");
    assert!(error.is_retryable());
    scratch.execute("COMMIT").await;
    assert_eq!(one(&database, "SELECT count(*) FROM users").await.unwrap(), "[[20]]");
    database.close().await;
}

#[tokio::test]
async fn a_session_that_is_ended_from_outside_fails_one_call_at_most() {
    let scratch = Scratch::empty().await;
    let database = Postgres::open(pooled(scratch.superuser(), 3)).unwrap();
    let calls = (0..3).map(|_| one(&database, "SELECT 1"));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    scratch.value(end).await;
    // Idle sessions are replaced without anybody noticing.
    for _ in 0..5 {
        assert_eq!(one(&database, "SELECT 1").await.unwrap(), "[[1]]");
    }
    let running = database.query(timed(ENDLESS, Duration::from_secs(60)));
    let sessions = std::cell::Cell::new(0);
    let ending = async {
        let mut ended = String::from("0");
        loop {
            until(
                &scratch,
                &format!("state = 'active' AND query ~ 'FETCH' AND pid <> {ended}"),
                "1",
            )
            .await;
            let pid = "SELECT max(pid) FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^FETCH' AND pid <> ";
            ended = scratch.value(&format!("{pid}{ended}")).await;
            scratch.value(&format!("SELECT pg_terminate_backend({ended})")).await;
            sessions.set(sessions.get() + 1);
        }
    };
    let ran = tokio::select! {
        ran = running => ran,
        never = ending => never,
    };
    // The work is done once more on a fresh session if the first was an idle one, and it may not have been.
    assert!((1..=2).contains(&sessions.get()), "{}", sessions.get());
    assert!(matches!(ran, Err(DatabaseError::Unavailable { .. })), "{ran:?}");
    assert_eq!(one(&database, "SELECT 1").await.unwrap(), "[[1]]");
    database.close().await;
}

#[tokio::test]
async fn login_failures_hold_no_credentials() {
    let scratch = Scratch::empty().await;
    let mut wrong_password = scratch.superuser();
    wrong_password.password = Some("hunter2-secret".to_owned().into());
    let mut wrong_database = scratch.superuser();
    wrong_database.database = "no_such_database".into();
    let mut wrong_setting = scratch.superuser();
    wrong_setting.session.insert("work_mem".into(), "many".into());
    let mut no_tls = scratch.superuser();
    no_tls.server = super::Server::Tcp { host: "127.0.0.1".into(), port: 1 };
    for (settings, part) in [
        (wrong_password, "refused the login"),
        (wrong_database, "does not exist"),
        (wrong_setting, "session setting"),
        (no_tls, "cannot be reached"),
    ] {
        let database = Postgres::open(settings).unwrap();
        let error = one(&database, "SELECT 1").await.unwrap_err();
        let all = format!("{error} {error:?} {database:?}");
        assert!(error.to_string().contains(part), "{error:?}");
        assert!(!all.contains("hunter2") && !all.contains("127.0.0.1"), "{all}");
        database.close().await;
    }
}
