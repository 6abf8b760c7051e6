//! Changes of rows are heard from a real server, through lost connections and floods.

use std::time::Duration;

use serde_json::json;
use wharf_testkit::Client;

use super::Postgres;
use super::listen::MAX_WAITING;
use super::scratch::Scratch;
use crate::changes::{Change, RowChange};
use crate::engine::Engine as _;
use crate::{ChangeRelay, Databases};

const LISTENERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN wharf_rows'";

async fn scratch() -> Scratch {
    let scratch = Scratch::with_fixture().await;
    scratch.execute(include_str!("../../migrations/notify_row_changes.sql")).await;
    scratch
        .execute("CREATE TRIGGER wharf_row_changes AFTER INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION wharf_notify_row_change()")
        .await;
    scratch
}

fn open(scratch: &Scratch) -> Postgres {
    let mut settings = scratch.superuser();
    settings.notify = true;
    Postgres::open(settings).unwrap()
}

async fn next(changes: &mut crate::changes::Changes) -> Change {
    tokio::time::timeout(Duration::from_secs(20), changes.recv()).await.unwrap().unwrap()
}

async fn until_listening(scratch: &Scratch, count: &str) {
    while scratch.value(LISTENERS).await != count {
        tokio::task::yield_now().await;
    }
}

fn user(id: &str) -> Change {
    Change::Row(RowChange::new(Some("public".into()), "users", [id.to_owned()]))
}

#[tokio::test]
async fn changes_are_heard_and_a_lost_connection_is_told_and_replaced() {
    let scratch = scratch().await;
    let database = open(&scratch);
    let mut changes = database.changes().unwrap();
    assert_eq!(next(&mut changes).await, Change::Missed);
    scratch.execute("UPDATE users SET name = 'x' WHERE id = 3").await;
    assert_eq!(next(&mut changes).await, user("3"));
    // What names no row is dropped, and what follows is not.
    scratch
        .execute("NOTIFY wharf_rows, 'nonsense'; NOTIFY other, 'x'; DELETE FROM users WHERE id = 4")
        .await;
    assert_eq!(next(&mut changes).await, user("4"));
    scratch
        .value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^LISTEN'")
        .await;
    assert_eq!(next(&mut changes).await, Change::Missed);
    scratch.execute("UPDATE users SET name = 'y' WHERE id = 5").await;
    assert_eq!(next(&mut changes).await, user("5"));
    assert_eq!(database.pool_stats().size, 0, "it is no connection of the pool");
    database.close().await;
    assert_eq!(changes.recv().await, None);
    until_listening(&scratch, "0").await;
}

#[tokio::test]
async fn a_flood_of_changes_stays_bounded_and_is_told_as_missed() {
    let scratch = scratch().await;
    let database = open(&scratch);
    let mut changes = database.changes().unwrap();
    assert_eq!(next(&mut changes).await, Change::Missed);
    let flood = 10 * MAX_WAITING;
    scratch
        .execute(&format!("INSERT INTO users(name) SELECT 'x' FROM generate_series(1, {flood})"))
        .await;
    // Nobody takes any meanwhile; the server's queue empties all the same.
    while changes.len() < MAX_WAITING {
        tokio::task::yield_now().await;
    }
    let mut rows = 0;
    loop {
        match next(&mut changes).await {
            Change::Missed => break,
            Change::Row(_) => rows += 1,
        }
    }
    assert!((MAX_WAITING..flood).contains(&rows), "{rows}");
    drop(changes);
    until_listening(&scratch, "0").await;
    database.close().await;
}

#[tokio::test]
async fn a_change_reaches_a_client_that_watches_the_row() {
    let scratch = scratch().await;
    let databases = Databases::one("pg", open(&scratch)).unwrap();
    let service = crate::server(databases.clone()).build().unwrap();
    let relay = ChangeRelay::start(service.handle(), &databases);
    until_listening(&scratch, "1").await;
    let client = Client::memory(&service).await;
    client.listen(wharf_testkit::Changes::lists().resource("db://pg/users/7")).await;
    scratch.execute("UPDATE users SET name = 'x' WHERE id = 7").await;
    let said = client.notified("notifications/resources/updated").await;
    assert_eq!(said.params["uri"], json!("db://pg/users/7"));
    relay.close().await;
    databases.close().await;
}

#[tokio::test]
async fn nothing_is_heard_unless_the_settings_say_so() {
    let scratch = Scratch::empty().await;
    let database = Postgres::open(scratch.superuser()).unwrap();
    assert!(database.changes().is_none());
    database.close().await;
}
