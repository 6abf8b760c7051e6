//! Changes while others are at work, and changes that are stopped: whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use super::write_tests::{DIGEST, open, scratch, until_idle};
use crate::engine::Engine as _;
use crate::error::DatabaseError;
use crate::write::WriteRequest;
use crate::write_testing::{request, touched, write};

#[tokio::test]
async fn a_write_waits_briefly_for_a_lock_of_somebody_else() {
    let scratch = scratch().await;
    let mut settings = scratch.superuser();
    settings.lock_timeout = Duration::from_millis(200);
    let database = open(settings);
    scratch.execute("BEGIN; UPDATE people SET ssn = 'held' WHERE id = 1").await;
    let busy = write(&database, "DELETE FROM people", 2).await.unwrap_err();
    assert!(matches!(busy, DatabaseError::Busy { .. }), "{busy:?}");
    scratch.execute("COMMIT").await;
    assert_eq!(write(&database, "DELETE FROM people", 2).await, Ok(touched(2)));
    database.close().await;
}

#[tokio::test]
async fn a_write_that_runs_out_of_time_or_is_dropped_is_rolled_back() {
    let scratch = scratch().await;
    let database = Arc::new(open(scratch.superuser()));
    let before = scratch.value(DIGEST).await;
    let endless = "INSERT INTO people SELECT g::int, 'x' FROM (SELECT generate_series(1, 1000000000000) AS g) s WHERE g < 0";
    let slow = WriteRequest { timeout: Some(Duration::from_secs(1)), ..request(endless) };
    let stopped = database.writer().unwrap().write(&slow, touched(0)).await;
    assert_eq!(stopped, Err(DatabaseError::Timeout { timeout: Duration::from_secs(1) }));
    let running = tokio::spawn({
        let database = Arc::clone(&database);
        async move { write(&*database, endless, 0).await }
    });
    let active = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query ~ '^INSERT'";
    while scratch.value(active).await != "1" {
        tokio::task::yield_now().await;
    }
    running.abort();
    while scratch.value(active).await != "0" {
        tokio::task::yield_now().await;
    }
    until_idle(&database).await;
    assert_eq!(scratch.value(DIGEST).await, before);
    assert_eq!(write(&*database, "DELETE FROM people WHERE id = 1", 1).await, Ok(touched(1)));
    database.close().await;
}

#[tokio::test]
async fn writes_at_once_are_each_made_whole_or_not() {
    let scratch = scratch().await;
    let mut settings = scratch.superuser();
    settings.pool.max_waiting = 100;
    settings.pool.acquire_timeout = Duration::from_secs(60);
    let database = open(settings);
    let once = (0..20).map(|_| write(&database, "DELETE FROM people WHERE id = 1", 1));
    let answers = futures_util::future::join_all(once).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let others = |answer: &&Result<_, _>| {
        **answer == Err(DatabaseError::Changed { expected: touched(1), found: touched(0) })
    };
    assert_eq!(answers.iter().filter(others).count(), 19, "{answers:?}");
    database.close().await;
}

#[tokio::test]
async fn a_write_whose_session_is_ended_in_the_middle_is_an_error_and_nothing_is_done() {
    let scratch = scratch().await;
    scratch
        .execute(
            "CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'; \
             CREATE TRIGGER ends AFTER DELETE ON people EXECUTE FUNCTION ends(); \
             CREATE CONSTRAINT TRIGGER ends_late AFTER UPDATE ON people DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ends()",
        )
        .await;
    let database = open(scratch.superuser());
    let before = scratch.value(DIGEST).await;
    for (sql, rows) in [("DELETE FROM people", 2), ("UPDATE people SET ssn = 'x' WHERE id = 1", 1)]
    {
        let lost = write(&database, sql, rows).await.unwrap_err();
        assert!(matches!(lost, DatabaseError::Unavailable { .. }), "{sql} {lost:?}");
        until_idle(&database).await;
        assert_eq!(scratch.value(DIGEST).await, before, "{sql}");
    }
    database.close().await;
}
