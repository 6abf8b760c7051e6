//! Changes while others are at work, and changes that are stopped: whole or not at all, and never another one than was judged.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::Database;
use super::testing::TestDatabase;
use super::write_tests::{open, server, value};
use crate::engine::Engine as _;
use crate::error::DatabaseError;
use crate::write::{Touched, WriteRequest};
use crate::write_testing::{preview, request, touched, write};

/// Rows that take longer to find than any test waits.
const ENDLESS: &str = "INSERT INTO people SELECT a.id, 'x' FROM orders_big a, orders_big b, orders_big c WHERE a.id + b.id + c.id < 0";

/// A session of somebody else, who waits for rows but for no table.
async fn other(server: &TestDatabase) -> Conn {
    let mut other = server.admin().await;
    other
        .query_drop(format!(
            "USE {}; SET lock_wait_timeout = 0, innodb_lock_wait_timeout = 100",
            server.name
        ))
        .await
        .unwrap();
    other
}

/// Waits until as many sessions in the test's database run a statement that begins like this.
async fn until_running(server: &TestDatabase, start: &str, wanted: usize) {
    let question = format!(
        "SELECT count(*) FROM information_schema.processlist WHERE db = '{}' AND command <> 'Sleep' AND info LIKE '{start}%'",
        server.name
    );
    while value(server, &question).await != wanted.to_string() {
        tokio::task::yield_now().await;
    }
}

/// Waits until a transaction waits for a row of the test's database. The tables that tell this are too old while they are
/// read without a pause.
async fn until_waiting(server: &TestDatabase) {
    let mut admin = server.admin().await;
    let own = format!("of table `{}`", server.name);
    loop {
        let status: Option<(String, String, String)> =
            admin.query_first("SHOW ENGINE INNODB STATUS").await.unwrap();
        let text = status.unwrap().2;
        let waits = |block: &str| block.contains("LOCK WAIT") && block.contains(&own);
        if text.split("---TRANSACTION").any(waits) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn write_in_a_task(
    database: &Arc<Database>,
    sql: &'static str,
    rows: u64,
) -> tokio::task::JoinHandle<Result<Touched, DatabaseError>> {
    let database = Arc::clone(database);
    tokio::spawn(async move { write(&*database, sql, rows).await })
}

#[tokio::test]
async fn writes_at_once_are_each_made_whole_or_not() {
    let server = server().await;
    let mut settings = server.settings();
    settings.pool.max_waiting = 100;
    settings.pool.acquire_timeout = Duration::from_secs(60);
    let database = open(settings);
    let once = (0..20).map(|_| write(&database, "DELETE FROM parents WHERE id = 1", 1));
    let answers = futures_util::future::join_all(once).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    for answer in answers.into_iter().filter(Result::is_err) {
        let error = answer.unwrap_err();
        let typed = error == DatabaseError::Changed { expected: touched(1), found: touched(0) }
            || matches!(error, DatabaseError::Busy { .. });
        assert!(typed, "{error:?}");
    }
    assert_eq!(value(&server, "SELECT count(*) FROM parents").await, "2");
    database.close().await;
}

#[tokio::test]
async fn a_write_waits_briefly_for_a_lock_of_somebody_else() {
    let server = server().await;
    let database = open(server.settings());
    let mut holder = other(&server).await;
    holder.query_drop("BEGIN; UPDATE parents SET name = 'held' WHERE id = 1").await.unwrap();
    // Half of the time goes to the lock, so that it can be told from a statement that is slow.
    let brief =
        WriteRequest { timeout: Some(Duration::from_secs(3)), ..request("DELETE FROM parents") };
    let busy = database.writer().unwrap().write(&brief, touched(3)).await.unwrap_err();
    assert!(matches!(&busy, DatabaseError::Busy { reason } if reason.contains("lock")), "{busy:?}");
    holder.query_drop("ROLLBACK").await.unwrap();
    assert_eq!(write(&database, "DELETE FROM parents", 3).await, Ok(touched(3)));
    database.close().await;
}

#[tokio::test]
async fn a_deadlock_is_a_typed_error_and_nothing_is_done() {
    let server = server().await;
    let database = Arc::new(open(server.settings()));
    let mut heavy = other(&server).await;
    // The server ends the transaction that has done less.
    heavy.query_drop("BEGIN; UPDATE orders_big SET pad = 'x'; UPDATE parents SET name = 'three' WHERE id = 3").await.unwrap();
    let writing = write_in_a_task(&database, "UPDATE parents SET at = '2024-01-01'", 3);
    until_waiting(&server).await;
    heavy.query_drop("UPDATE parents SET name = 'one' WHERE id = 1").await.unwrap();
    let deadlock = writing.await.unwrap().unwrap_err();
    assert!(
        matches!(&deadlock, DatabaseError::Busy { reason } if reason.contains("same rows")),
        "{deadlock:?}"
    );
    heavy.query_drop("ROLLBACK").await.unwrap();
    assert_eq!(value(&server, "SELECT count(*) FROM parents WHERE at IS NOT NULL").await, "0");
    database.close().await;
}

#[tokio::test]
async fn what_was_judged_cannot_be_replaced_before_it_runs() {
    let server = server().await;
    let database = Arc::new(open(server.settings()));
    for (sql, table) in [
        ("UPDATE traced SET v = 'x' WHERE id = 1", "traced"),
        ("INSERT INTO traced VALUES (1, 'x') ON DUPLICATE KEY UPDATE v = 'x'", "traced"),
        ("DELETE FROM parents WHERE id = 1", "parents"),
    ] {
        let mut holder = other(&server).await;
        holder
            .query_drop(format!("BEGIN; SELECT * FROM {table} WHERE id = 1 FOR UPDATE"))
            .await
            .unwrap();
        let writing = write_in_a_task(&database, sql, 1);
        until_waiting(&server).await;
        // It waits for the row: its verdict is taken, and nothing of it has run.
        let mut intruder = other(&server).await;
        for change in [
            "ALTER TABLE traced ENGINE = MyISAM",
            "ALTER TABLE log ENGINE = Aria",
            "CREATE TRIGGER late BEFORE INSERT ON log FOR EACH ROW INSERT INTO audit VALUES ('late')",
            "DROP TRIGGER traced_u",
            "ALTER TABLE children DROP PRIMARY KEY",
            "CREATE TRIGGER late BEFORE DELETE ON parents FOR EACH ROW CALL wipe_users()",
        ] {
            let other_table = match table {
                "traced" => change.contains("children") || change.contains("parents"),
                _ => change.contains("log") || change.contains("traced"),
            };
            if other_table {
                continue;
            }
            let refused = intruder.query_drop(change).await.unwrap_err();
            assert!(
                matches!(&refused, mysql_async::Error::Server(error) if error.code == 1205),
                "{change}: {refused}"
            );
        }
        writing.abort();
        let _ = writing.await;
        database.settled().await;
        holder.query_drop("ROLLBACK").await.unwrap();
    }
    database.close().await;
}

#[tokio::test]
async fn a_write_that_runs_out_of_time_or_is_dropped_is_rolled_back() {
    let server = server().await;
    let database = Arc::new(open(server.settings()));
    let before = server.state().await;
    let timeout = Duration::from_secs(1);
    let slow = WriteRequest { timeout: Some(timeout), ..request(ENDLESS) };
    let writer = database.writer().unwrap();
    assert_eq!(writer.write(&slow, touched(0)).await, Err(DatabaseError::Timeout { timeout }));
    assert_eq!(writer.preview(&slow).await, Err(DatabaseError::Timeout { timeout }));
    let running = write_in_a_task(&database, ENDLESS, 0);
    until_running(&server, "INSERT INTO", 1).await;
    running.abort();
    let _ = running.await;
    until_running(&server, "INSERT INTO", 0).await;
    database.settled().await;
    assert_eq!(server.state().await, before);
    assert_eq!(write(&*database, "DELETE FROM people WHERE id = 1", 1).await, Ok(touched(1)));
    database.close().await;
}

#[tokio::test]
async fn a_write_is_stopped_by_the_end_of_the_database_and_rolled_back() {
    let server = server().await;
    let database = Arc::new(open(server.settings()));
    let before = server.state().await;
    let running = write_in_a_task(&database, ENDLESS, 0);
    until_running(&server, "INSERT INTO", 1).await;
    database.close().await;
    assert_eq!(running.await.unwrap(), Err(DatabaseError::Cancelled));
    until_running(&server, "INSERT INTO", 0).await;
    assert_eq!(server.state().await, before);
    assert!(matches!(
        preview(&*database, "DELETE FROM people").await,
        Err(DatabaseError::Unavailable { .. })
    ));
}

#[tokio::test]
async fn a_write_whose_statement_or_session_is_ended_by_somebody_else_is_an_error_and_nothing_is_done()
 {
    let server = server().await;
    let database = Arc::new(open(server.settings()));
    let before = server.state().await;
    for kill in ["KILL QUERY", "KILL"] {
        let running = write_in_a_task(&database, ENDLESS, 0);
        let find = format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{}' AND info LIKE 'INSERT%'",
            server.name
        );
        let mut killer = other(&server).await;
        // Until it hits: what is seen may be about to be over, such as the preparation of the statement.
        while !running.is_finished() {
            let id = value(&server, &find).await;
            if !id.is_empty() {
                // The session may be gone by now.
                let _ = killer.query_drop(format!("{kill} {id}")).await;
            }
            tokio::task::yield_now().await;
        }
        let error = running.await.unwrap().unwrap_err();
        let typed = matches!(error, DatabaseError::Cancelled | DatabaseError::Unavailable { .. });
        assert!(typed, "{kill} {error:?}");
        database.settled().await;
        assert_eq!(server.state().await, before, "{kill}");
    }
    assert_eq!(write(&*database, "DELETE FROM people WHERE id = 1", 1).await, Ok(touched(1)));
    database.close().await;
}
