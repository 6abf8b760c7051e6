//! Changes through the tool, and when the network ends at the worst moment: what is said about a change is always true.

use std::time::Duration;

use serde_json::{Value, json};
use wharf::{ErrorKind, Revision};
use wharf_database::Databases;
use wharf_database::engine::Engine as _;
use wharf_database::error::DatabaseError;
use wharf_database::postgres::{Postgres, PostgresSettings, SecretUrl, TlsMode};
use wharf_database::write::{Touched, WriteRequest};
use wharf_testkit::Client;

use super::support::client::{psql, until_answered};
use super::support::database::OwnDatabase;
use super::support::proxy::{End, Moment, Proxy, Weather};
use super::support::services::{Instance, address, url_at};

const ASKING: [Revision; 2] = [Revision::V2026_07_28, Revision::V2025_11_25];
const ONE: Touched = Touched { rows: 1, further_rows: None };

/// A database of one test's own with one table.
fn own(purpose: &str) -> OwnDatabase {
    let own = OwnDatabase::postgres(&format!("writes_{purpose}"));
    own.run("CREATE TABLE users(id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'a'), (2, 'b')");
    own
}

/// Waits until the server has noticed that nobody is connected any more.
async fn until_alone(own: &OwnDatabase) {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    until_answered(&own.url, others, "0").await;
}

fn names(url: &str) -> String {
    psql(url, "SELECT string_agg(name, ',' ORDER BY id) FROM users").trim().to_owned()
}

fn open(url: &str) -> Postgres {
    let mut settings = PostgresSettings::from_url(&SecretUrl(url)).unwrap();
    settings.writes = true;
    // The proxy has to read what is said.
    settings.tls.mode = TlsMode::Disable;
    settings.pool.max = 1;
    // How busy the machine is is not what any test is about. One of a deadline names it.
    settings.connect_timeout = Duration::from_secs(60);
    settings.limits.default_timeout = Duration::from_secs(120);
    Postgres::open(settings).unwrap()
}

fn rename(name: &str) -> WriteRequest {
    WriteRequest {
        sql: "UPDATE users SET name = $1 WHERE id = 1".to_owned(),
        params: wharf_database::request::Parameters::Positional(vec![name.into()]),
        timeout: None,
    }
}

#[tokio::test]
async fn a_write_through_the_tool_is_made_once_a_person_agreed() {
    for revision in ASKING {
        let own = own(if revision == ASKING[0] { "new" } else { "old" });
        let databases = Databases::one("main", open(&own.url)).unwrap();
        let service = wharf_database::server(databases.clone()).build().unwrap();
        let change = || json!({"statement": "UPDATE users SET name = $1 WHERE id = $2", "params": ["o'neil", 1]});
        let asked = || Client::memory(&service).revision(revision);
        let unwilling = asked().decline("Change 1 row of the database \"main\"").await;
        let outcome: Value = unwilling.call("execute_write", change()).await.structured();
        assert_eq!(outcome, json!({"changed": false, "reason": "the person did not agree"}));
        assert_eq!(names(&own.url), "a,b");
        let client = asked().answer("Change 1 row", json!({"confirmed": true})).await;
        let outcome: Value = client.call("execute_write", change()).await.structured();
        assert_eq!(outcome, json!({"changed": true, "rows": 1}));
        assert_eq!(names(&own.url), "o'neil,b");
        client.assert_all_asked();
        for statement in ["DROP TABLE users", "SELECT 1", "DELETE FROM users; SELECT 1"] {
            let refused = client.call("execute_write", json!({"statement": statement})).await;
            assert!(refused.is_error(), "{statement}");
        }
        let view = json!({"statement": "DELETE FROM pg_catalog.pg_class"});
        client.call("execute_write", view).await.expect_error(ErrorKind::PermissionDenied);
        databases.close().await;
    }
}

#[tokio::test]
async fn a_write_whose_commit_is_not_answered_is_never_called_made_or_failed() {
    let own = own("commit");
    let proxy = Proxy::to(address(&own.url)).await;
    let database = open(&url_at(&own.url, proxy.address()));
    let writer = database.writer().unwrap();
    for (name, moment, end, made) in [
        ("x", Moment::Before, End::Reset, Some(false)),
        ("x", Moment::Before, End::Cut, Some(false)),
        // A reset may overtake what was sent before it.
        ("y", Moment::After, End::Reset, None),
        ("z", Moment::After, End::Cut, Some(true)),
    ] {
        let before = names(&own.url);
        proxy.end_at(b"COMMIT", moment, end);
        let unknown = writer.write(&rename(name), ONE).await;
        assert!(!proxy.is_armed(), "{moment:?} {end:?} {unknown:?}");
        assert!(matches!(unknown, Err(DatabaseError::OutcomeUnknown { .. })), "{unknown:?}");
        // The server may still be about to do it, but not once its session is gone.
        until_alone(&own).await;
        let after = names(&own.url);
        match made {
            Some(true) => assert_eq!(after, format!("{name},b")),
            Some(false) => assert_eq!(after, before),
            None => assert!(after == before || after == format!("{name},b"), "{after}"),
        }
    }
    // It goes on with another connection.
    assert_eq!(writer.write(&rename("last"), ONE).await, Ok(ONE));
    assert_eq!(names(&own.url), "last,b");
    database.close().await;
}

#[tokio::test]
async fn a_write_whose_commit_meets_silence_is_given_up_and_its_connection_too() {
    let own = own("silence");
    let proxy = Proxy::to(address(&own.url)).await;
    let database = open(&url_at(&own.url, proxy.address()));
    let writer = database.writer().unwrap();
    for (name, moment, expected) in [("x", Moment::Before, "a,b"), ("y", Moment::After, "y,b")] {
        let connections = proxy.accepted();
        proxy.end_at(b"COMMIT", moment, End::Silence);
        let rename = rename(name);
        let waiting = async {
            while proxy.is_armed() {
                tokio::task::yield_now().await;
            }
            // Nothing is left but the clock: it need not be waited for.
            tokio::time::pause();
        };
        let (unknown, ()) = futures_util::future::join(writer.write(&rename, ONE), waiting).await;
        let Err(DatabaseError::OutcomeUnknown { reason }) = &unknown else { panic!("{unknown:?}") };
        assert!(reason.contains("did not confirm it in time"), "{reason}");
        while database.pool_stats().in_use > 0 {
            // The clock stands, and goes on when everybody waits.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::resume();
        assert_eq!(database.pool_stats().idle, 0, "nobody gets a session that may still commit");
        // The network is repaired, and what was said before it broke has arrived or has not.
        proxy.end_all(End::Reset);
        until_alone(&own).await;
        assert_eq!(names(&own.url), expected);
        assert_eq!(writer.preview(&rename).await, Ok(ONE));
        assert!(proxy.accepted() > connections + 1 || connections == 0, "a new connection");
    }
    database.close().await;
    until_alone(&own).await;
}

#[tokio::test]
async fn a_write_whose_connection_ends_before_its_commit_is_not_made() {
    let own = own("before");
    let proxy = Proxy::to(address(&own.url)).await;
    let database = open(&url_at(&own.url, proxy.address()));
    let writer = database.writer().unwrap();
    for moment in [Moment::Before, Moment::After] {
        proxy.end_at(b"SET CONSTRAINTS", moment, End::Reset);
        let lost = writer.write(&rename("x"), ONE).await;
        assert!(!proxy.is_armed());
        assert!(matches!(lost, Err(DatabaseError::Unavailable { .. })), "{lost:?}");
        assert_eq!(names(&own.url), "a,b");
    }
    // On a session that was idle before, the work is done once more, for nothing of it was committed.
    assert_eq!(writer.preview(&rename("x")).await, Ok(ONE));
    proxy.end_at(b"SET CONSTRAINTS", Moment::After, End::Reset);
    assert_eq!(writer.write(&rename("x"), ONE).await, Ok(ONE));
    assert!(!proxy.is_armed());
    assert_eq!(names(&own.url), "x,b");
    database.close().await;
}

#[tokio::test]
async fn a_write_dropped_at_its_commit_is_made_or_not_and_holds_no_lock() {
    let own = own("dropped");
    let proxy = Proxy::to(address(&own.url)).await;
    let database = std::sync::Arc::new(open(&url_at(&own.url, proxy.address())));
    for delay in 0..12_u32 {
        psql(&own.url, "UPDATE users SET name = 'a' WHERE id = 1");
        proxy.set_weather(Weather::Slow(Duration::from_millis(2)));
        let writing = tokio::spawn({
            let database = std::sync::Arc::clone(&database);
            async move { database.writer().unwrap().write(&rename("x"), ONE).await }
        });
        // Somewhere in the middle, another place each time.
        for _ in 0..delay * 200 {
            tokio::task::yield_now().await;
        }
        writing.abort();
        let _ = writing.await;
        proxy.set_weather(Weather::Fine);
        while database.pool_stats().in_use > 0 {
            tokio::task::yield_now().await;
        }
        let found = names(&own.url);
        assert!(found == "a,b" || found == "x,b", "{found}");
        psql(&own.url, "BEGIN; SELECT * FROM users FOR UPDATE NOWAIT; COMMIT");
    }
    database.close().await;
}

#[tokio::test]
async fn a_write_to_a_server_that_is_killed_is_told_truly() {
    let mut server = Instance::postgres();
    let url = server.url().to_owned();
    psql(
        &url,
        "CREATE TABLE users(id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'a'), (2, 'b')",
    );
    // The statement runs for longer than it takes to see it and to kill the server.
    psql(
        &url,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(300); RETURN NULL; END'; CREATE TRIGGER slow AFTER UPDATE ON users EXECUTE FUNCTION slow()",
    );
    let database = open(&url);
    let writing = tokio::spawn(async move {
        let answer = database.writer().unwrap().write(&rename("x"), ONE).await;
        database.close().await;
        answer
    });
    let running =
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ '^UPDATE'";
    until_answered(&url, running, "1").await;
    let server = tokio::task::spawn_blocking(move || {
        server.kill();
        server.start();
        server
    });
    let (answer, server) = futures_util::future::join(writing, server).await;
    assert!(matches!(answer, Ok(Err(DatabaseError::Unavailable { .. }))), "{answer:?}");
    let server = server.unwrap();
    assert_eq!(names(server.url()), "a,b");
}
