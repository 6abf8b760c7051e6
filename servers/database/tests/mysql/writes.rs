//! Changes through the tool, and when the network ends at the worst moment: what is said about a change is always true.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wharf::{Caller, ClientCapability, ErrorKind, Grants, Revision, Service};
use wharf_database::Databases;
use wharf_database::engine::Engine as _;
use wharf_database::error::DatabaseError;
use wharf_database::mysql::{Database, MysqlSettings};
use wharf_database::request::Parameters;
use wharf_database::write::{Touched, WriteRequest};
use wharf_testkit::Client;

use super::fixture::{Fixture, until_idle, within};
use super::rounds::Rounds;
use super::support::client::mariadb;
use super::support::proxy::{End, Moment, Proxy, Weather};
use super::support::services::{Instance, address};

const ASKING: [Revision; 2] = [Revision::V2026_07_28, Revision::V2025_11_25];
const ONE: Touched = Touched { rows: 1, further_rows: None };

/// The people's numbers, as the database's own client reads them.
fn numbers(fixture: &Fixture) -> String {
    mariadb(&fixture.url, "SELECT group_concat(ssn ORDER BY id) FROM people")
}

const AS_MADE: &str = "123-45-6789,987-65-4321";

async fn writer(fixture: &Fixture) -> MysqlSettings {
    let mut settings = fixture.role("SELECT, SHOW VIEW, INSERT, UPDATE, DELETE, TRIGGER").await;
    settings.writes = true;
    settings.pool.max = 1;
    settings
}

async fn through(proxy: &Proxy, fixture: &Fixture) -> Database {
    let mut settings = writer(fixture).await;
    settings.host = proxy.address().ip().to_string();
    settings.port = proxy.address().port();
    Database::open(settings).unwrap()
}

fn change(number: &str) -> WriteRequest {
    WriteRequest {
        sql: "UPDATE people SET ssn = ? WHERE id = 1".to_owned(),
        params: Parameters::Positional(vec![number.into()]),
        timeout: None,
    }
}

fn served(databases: &Databases) -> Service {
    wharf_database::server(databases.clone()).build().unwrap()
}

#[tokio::test]
async fn a_write_through_the_tool_is_made_once_a_person_agreed() {
    for revision in ASKING {
        let fixture = Fixture::new().await;
        let databases =
            Databases::one("main", Database::open(writer(&fixture).await).unwrap()).unwrap();
        let service = served(&databases);
        let change = || json!({"statement": "UPDATE people SET ssn = ? WHERE id = ?", "params": ["o'neil", 1]});
        let asked = || Client::memory(&service).revision(revision);
        for unwilling in [
            asked().decline("Change 1 row of the database \"main\", not counting those").await,
            asked().cancel("Change 1 row of the database \"main\"").await,
            asked().answer("Change 1 row", json!({"confirmed": false})).await,
        ] {
            let outcome: Value = unwilling.call("execute_write", change()).await.structured();
            assert_eq!(outcome, json!({"changed": false, "reason": "the person did not agree"}));
            assert_eq!(numbers(&fixture), AS_MADE);
            unwilling.assert_all_asked();
        }
        let mute = asked().without(ClientCapability::ElicitationForm).await;
        assert!(mute.call("execute_write", change()).await.is_error());
        let client = asked().answer("Change 1 row", json!({"confirmed": true})).await;
        let outcome: Value = client.call("execute_write", change()).await.structured();
        assert_eq!(outcome, json!({"changed": true, "rows": 1}));
        assert_eq!(numbers(&fixture), "o'neil,987-65-4321");
        client.assert_all_asked();
        let nothing = json!({"statement": "DELETE FROM people WHERE id = 99"});
        let outcome: Value = client.call("execute_write", nothing).await.structured();
        assert_eq!(outcome["changed"], false);
        for statement in
            ["DROP TABLE people", "SELECT 1", "DELETE FROM people; SELECT 1", "DELETE FROM audit"]
        {
            let refused = client.call("execute_write", json!({"statement": statement})).await;
            refused.expect_error(ErrorKind::PermissionDenied);
            let told = refused.message();
            assert!(told.starts_with("only single changes of rows are allowed"), "{told}");
        }
        let misspelt = json!({"statement": "DELETE FROM peple"});
        let refused = client.call("execute_write", misspelt).await;
        refused.expect_error(ErrorKind::InvalidInput);
        assert!(refused.message().contains("people"), "{}", refused.message());
        assert_eq!(numbers(&fixture), "o'neil,987-65-4321");
        databases.close().await;
    }
}

#[tokio::test]
async fn callers_without_the_scope_and_databases_without_permission_are_refused() {
    let fixture = Fixture::new().await;
    let settings = writer(&fixture).await;
    let mut unchanging = settings.clone();
    unchanging.writes = false;
    let reading = Database::open(unchanging).unwrap();
    let main: (String, Arc<dyn wharf_database::engine::Engine>) =
        ("main".into(), Arc::new(Database::open(settings).unwrap()));
    let databases =
        Databases::new([main, ("other".into(), Arc::new(reading))], Some("main".into())).unwrap();
    let service = served(&databases);
    let change = || json!({"statement": "DELETE FROM people"});
    for (patterns, sees) in [
        (&["tools"][..], false),
        (&["database:execute_write"], false),
        (&["database:execute_write", "database:write"], true),
        (&["*", "!database:write"], false),
    ] {
        let grants = Grants::parse(patterns.iter().copied()).unwrap();
        let caller = Caller::local().with_grants(Arc::new(grants));
        let client = Client::memory(&service).caller(caller).decline("Change 2 rows").await;
        let outcome = client.call("execute_write", change()).await;
        if sees {
            assert_eq!(outcome.structured::<Value>()["changed"], false);
        } else {
            outcome.expect_error(ErrorKind::PermissionDenied);
        }
    }
    let client = Client::memory(&service).await;
    let mut elsewhere = change();
    elsewhere["database"] = json!("other");
    let refused = client.call("execute_write", elsewhere).await;
    refused.expect_error(ErrorKind::PermissionDenied);
    assert!(refused.message().contains("can be changed: main"), "{}", refused.message());
    assert_eq!(numbers(&fixture), AS_MADE);
    databases.close().await;
}

#[tokio::test]
async fn rows_that_changed_while_the_person_was_thinking_are_asked_about_again() {
    let fixture = Fixture::new().await;
    let databases =
        Databases::one("main", Database::open(writer(&fixture).await).unwrap()).unwrap();
    let statement = json!({"statement": "DELETE FROM people"});
    let mut rounds = Rounds::new(served(&databases), "execute_write", statement);
    let first = rounds.begin().await;
    assert!(first.to_string().contains("Change 2 rows"), "{first}");
    fixture.run("INSERT INTO people VALUES (3, 'x')").await;
    // The answer was to two rows, and three would go.
    let second = rounds.agree(&first).await;
    assert!(second.to_string().contains("Change 3 rows"), "{second}");
    let made = rounds.agree(&second).await;
    assert_eq!(made["structuredContent"], json!({"changed": true, "rows": 3}), "{made}");
    // The same answers again do nothing again.
    fixture.run("INSERT INTO people VALUES (1, 'a'), (2, 'b'), (3, 'c')").await;
    let again = rounds.agree(&second).await;
    assert_eq!(again["structuredContent"]["code"], "CONFLICT", "{again}");
    assert_eq!(numbers(&fixture), "a,b,c");
    databases.close().await;
}

#[tokio::test]
async fn a_write_whose_commit_is_not_answered_is_never_called_made_or_failed() {
    let fixture = Fixture::new().await;
    let proxy = Proxy::to(address(&fixture.url)).await;
    let database = through(&proxy, &fixture).await;
    let writer = database.writer().unwrap();
    for (number, moment, end) in [
        ("x", Moment::Before, End::Reset),
        ("x", Moment::Before, End::Cut),
        ("y", Moment::After, End::Reset),
        ("z", Moment::After, End::Cut),
    ] {
        let before = numbers(&fixture);
        proxy.end_at(b"COMMIT", moment, end);
        let unknown = writer.write(&change(number), ONE).await;
        assert!(!proxy.is_armed(), "{moment:?} {end:?} {unknown:?}");
        assert!(matches!(unknown, Err(DatabaseError::OutcomeUnknown { .. })), "{unknown:?}");
        // The server may still be about to do it, but not once its session is gone.
        until_idle(&database).await;
        fixture.until_gone().await;
        let (after, changed) = (numbers(&fixture), format!("{number},987-65-4321"));
        // The end of the session, so that it holds no lock for hours, may come before a commit that was heard.
        let possible = after == before || (moment == Moment::After && after == changed);
        assert!(possible, "{moment:?} {end:?}: {after}");
    }
    // It goes on with another connection.
    assert_eq!(writer.write(&change("last"), ONE).await, Ok(ONE));
    assert_eq!(numbers(&fixture), "last,987-65-4321");
    database.close().await;
}

#[tokio::test]
async fn a_write_whose_connection_ends_before_its_commit_is_not_made() {
    let fixture = Fixture::new().await;
    let proxy = Proxy::to(address(&fixture.url)).await;
    let database = through(&proxy, &fixture).await;
    let writer = database.writer().unwrap();
    for words in [&b"START TRANSACTION"[..], b"EXPLAIN UPDATE", b"UPDATE people"] {
        for moment in [Moment::Before, Moment::After] {
            proxy.end_at(words, moment, End::Reset);
            let lost = writer.write(&change("x"), ONE).await;
            assert!(!proxy.is_armed());
            assert!(matches!(lost, Err(DatabaseError::Unavailable { .. })), "{lost:?}");
            until_idle(&database).await;
            assert_eq!(numbers(&fixture), AS_MADE);
        }
    }
    // A preview that cannot say how its rollback ended is no preview; the server rolls back what nobody commits.
    proxy.end_at(b"ROLLBACK", Moment::Before, End::Reset);
    let lost = writer.preview(&change("x")).await;
    assert!(matches!(lost, Err(DatabaseError::Unavailable { .. })), "{lost:?}");
    until_idle(&database).await;
    assert_eq!(writer.preview(&change("x")).await, Ok(ONE));
    assert_eq!(numbers(&fixture), AS_MADE);
    database.close().await;
}

#[tokio::test]
async fn a_write_dropped_at_its_commit_is_made_or_not_and_holds_no_lock() {
    let fixture = Fixture::new().await;
    let proxy = Proxy::to(address(&fixture.url)).await;
    let database = through(&proxy, &fixture).await;
    let changed = "x,987-65-4321";
    for delay in 0..12_u32 {
        fixture.run("UPDATE people SET ssn = '123-45-6789' WHERE id = 1").await;
        proxy.set_weather(Weather::Slow(Duration::from_millis(2)));
        let writing = tokio::spawn({
            let database = database.clone();
            async move { database.writer().unwrap().write(&change("x"), ONE).await }
        });
        // Somewhere in the middle, another place each time.
        for _ in 0..delay * 200 {
            tokio::task::yield_now().await;
        }
        writing.abort();
        let _ = writing.await;
        proxy.set_weather(Weather::Fine);
        until_idle(&database).await;
        let found = numbers(&fixture);
        assert!(found == AS_MADE || found == changed, "{found}");
        fixture.run("BEGIN; SELECT * FROM people FOR UPDATE NOWAIT; COMMIT").await;
    }
    database.close().await;
}

#[tokio::test]
async fn a_commit_that_is_never_answered_is_waited_for_and_then_unknown() {
    let fixture = Fixture::new().await;
    let proxy = Proxy::to(address(&fixture.url)).await;
    let database = through(&proxy, &fixture).await;
    proxy.end_at(b"COMMIT", Moment::After, End::Silence);
    // Its time is over long before, but a commit that has begun is no statement that can be stopped.
    let brief = WriteRequest { timeout: Some(Duration::from_secs(2)), ..change("x") };
    let writing = database.writer().unwrap().write(&brief, ONE);
    let unknown = within(Duration::from_secs(30), writing).await;
    assert!(!proxy.is_armed());
    assert!(matches!(unknown, Err(DatabaseError::OutcomeUnknown { .. })), "{unknown:?}");
    assert_eq!(numbers(&fixture), "x,987-65-4321");
    proxy.end_all(End::Reset);
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_to_a_server_that_is_killed_is_told_truly() {
    let mut server = Instance::mariadb();
    let fixture = Fixture::on(server.url()).await;
    let database = Database::open(writer(&fixture).await).unwrap();
    let endless = WriteRequest {
        sql: "INSERT INTO people SELECT a.id, 'x' FROM orders_big a, orders_big b, orders_big c WHERE a.id + b.id + c.id < 0".into(),
        ..WriteRequest::default()
    };
    let writing = tokio::spawn({
        let database = database.clone();
        async move {
            let none = Touched { rows: 0, further_rows: None };
            database.writer().unwrap().write(&endless, none).await
        }
    });
    fixture.until_busy(1).await;
    server.kill();
    let answer = within(Duration::from_secs(20), writing).await.unwrap();
    assert!(matches!(answer, Err(DatabaseError::Unavailable { .. })), "{answer:?}");
    server.start();
    assert_eq!(numbers(&fixture), AS_MADE);
    assert_eq!(database.writer().unwrap().write(&change("back"), ONE).await, Ok(ONE));
    database.close().await;
}
