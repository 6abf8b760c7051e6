//! Changes of rows, from a database that tells of them to the clients that watch the row.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::mpsc;
use wharf::{Caller, Event, Grants, Revision, Service};
use wharf_database::{
    ChangeRelay, Databases,
    catalog::{TableDescription, TableList},
    changes::{Change, Changes, RowChange},
    engine::{Answer, Dialect, Engine, Health, Plan, PoolStats},
    limits::Limits,
    names::TableName,
    request::{ExplainRequest, QueryRequest, TableFilter},
    result::QueryResult,
    search::{Findings, Search},
    sqlite::{Database, SqliteSettings},
};
use wharf_testkit::{Client, advance};

const ERAS: [Revision; 2] = [Revision::V2025_11_25, Revision::V2026_07_28];
const UPDATED: &str = "notifications/resources/updated";

/// The sample, as if it had the schema `public` and told of changes.
struct Telling {
    sample: Database,
    changes: Mutex<Option<Changes>>,
    described: std::sync::Arc<AtomicUsize>,
    /// Whether `describe` never answers.
    hangs: bool,
}

impl Engine for Telling {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn limits(&self) -> &Limits {
        self.sample.limits()
    }

    fn acquire_timeout(&self) -> Duration {
        self.sample.acquire_timeout()
    }

    fn tables<'a>(&'a self, filter: &'a TableFilter) -> Answer<'a, TableList> {
        Engine::tables(&self.sample, filter)
    }

    fn describe<'a>(&'a self, table: &'a TableName) -> Answer<'a, TableDescription> {
        Box::pin(async {
            self.described.fetch_add(1, Ordering::SeqCst);
            if self.hangs {
                std::future::pending::<()>().await;
            }
            let name = table.name.strip_prefix("public.").unwrap_or(&table.name);
            let mut found = Engine::describe(&self.sample, &TableName::new(name)).await?;
            found.schema = Some("public".into());
            Ok(found)
        })
    }

    fn search<'a>(&'a self, search: &'a Search) -> Answer<'a, Findings> {
        Engine::search(&self.sample, search)
    }

    fn query(&self, mut request: QueryRequest) -> Answer<'_, QueryResult> {
        request.sql = request.sql.replace("\"public\".", "main.");
        Engine::query(&self.sample, request)
    }

    fn explain(&self, request: ExplainRequest) -> Answer<'_, Plan> {
        Engine::explain(&self.sample, request)
    }

    fn pool_stats(&self) -> PoolStats {
        self.sample.pool_stats()
    }

    fn check(&self) -> Answer<'_, Health> {
        Engine::check(&self.sample)
    }

    fn changes(&self) -> Option<Changes> {
        self.changes.lock().unwrap().take()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Engine::close(&self.sample)
    }
}

struct World {
    service: Service,
    databases: Databases,
    relay: ChangeRelay,
    sender: mpsc::Sender<Change>,
    described: std::sync::Arc<AtomicUsize>,
}

fn world(hangs: bool) -> World {
    let (sender, receiver) = mpsc::channel(64);
    let described = std::sync::Arc::new(AtomicUsize::new(0));
    let engine = Telling {
        sample: Database::open(SqliteSettings::sample()).unwrap(),
        changes: Mutex::new(Some(receiver)),
        described: std::sync::Arc::clone(&described),
        hangs,
    };
    let quiet = Database::open(SqliteSettings::sample()).unwrap();
    let named: [(String, std::sync::Arc<dyn Engine>); 2] =
        [("pg".into(), std::sync::Arc::new(engine)), ("quiet".into(), std::sync::Arc::new(quiet))];
    let databases = Databases::new(named, None).unwrap();
    let service = wharf_database::server(databases.clone()).build().unwrap();
    let relay = ChangeRelay::start(service.handle(), &databases);
    World { service, databases, relay, sender, described }
}

fn row(schema: &str, table: &str, id: &[&str]) -> Change {
    let id = id.iter().map(|part| (*part).to_owned());
    Change::Row(RowChange::new(Some(schema.into()), table, id))
}

/// The addresses of which a client heard until the one that ends the test.
async fn heard(client: &Client, last: &str) -> Vec<String> {
    loop {
        let uris: Vec<String> = client
            .notifications()
            .into_iter()
            .filter(|said| said.method == UPDATED)
            .map(|said| said.params["uri"].as_str().unwrap().to_owned())
            .collect();
        if uris.iter().any(|uri| uri == last) {
            return uris;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_watches_a_row_hears_of_its_changes() {
    for revision in ERAS {
        let World { service, databases, relay, sender, described } = world(false);
        let client = Client::memory(&service).revision(revision).await;
        let watched = [
            "db://pg/states/HI",
            "db://pg/public.states/HI",
            "db://pg/routes/SFO,HNL",
            "db://pg/routes/SFO%2CHNL",
            "db://pg/states/CA",
            "db://quiet/states/HI",
            "db://pg/states/%C3%A4%2Fb",
            "db://pg/states/END",
        ];
        let changes =
            watched.iter().fold(wharf_testkit::Changes::lists(), |all, uri| all.resource(*uri));
        client.listen(changes).await;
        for change in [
            row("public", "states", &["HI"]),
            row("secret", "states", &["CA"]),
            row("public", "routes", &["SFO", "HNL"]),
            row("public", "nothing", &["1"]),
            row("public", "states", &["ä/b"]),
            row("public", "states", &["END"]),
        ] {
            sender.send(change).await.unwrap();
        }
        let mut heard = tokio::time::timeout(Duration::from_secs(20), heard(&client, watched[7]))
            .await
            .unwrap();
        heard.sort();
        let mut expected = [watched[0], watched[1], watched[2], watched[3], watched[6], watched[7]];
        expected.sort_unstable();
        assert_eq!(heard, expected);
        // What was described is remembered: once for each name.
        assert_eq!(described.load(Ordering::SeqCst), 4);
        // What was told can be read, under either name.
        for uri in &watched[..2] {
            let row: serde_json::Value =
                serde_json::from_str(&client.read(uri).await.text()).unwrap();
            assert_eq!((&row["schema"], &row["row"]["name"]), (&json!("public"), &json!("Hawaii")));
        }
        relay.close().await;
        databases.close().await;
        assert!(sender.is_closed());
    }
}

#[tokio::test]
async fn missed_changes_may_be_of_any_row() {
    for revision in ERAS {
        let World { service, relay, sender, .. } = world(false);
        let client = Client::memory(&service).revision(revision).await;
        client.listen(wharf_testkit::Changes::lists().resource("db://pg/states/HI")).await;
        sender.send(Change::Missed).await.unwrap();
        let said = client.notified(UPDATED).await;
        assert_eq!(said.params["uri"], "db://pg/states/HI");
        relay.close().await;
    }
}

#[tokio::test]
async fn who_may_not_read_a_row_hears_nothing_of_it() {
    let World { service, relay, sender, .. } = world(false);
    let grants =
        Grants::parse(["database:db://pg/states/*", "!database:db://pg/states/CA"]).unwrap();
    let caller = Caller::authenticated("key:1", "someone").with_grants(std::sync::Arc::new(grants));
    let client = Client::memory(&service).caller(caller).await;
    let wanted = ["db://pg/states/CA", "db://pg/airports/SFO", "db://pg/states/HI"];
    client
        .listen(wanted.iter().fold(wharf_testkit::Changes::lists(), |all, uri| all.resource(*uri)))
        .await;
    for (table, id) in [("states", "CA"), ("airports", "SFO"), ("states", "HI")] {
        sender.send(row("public", table, &[id])).await.unwrap();
    }
    let heard = tokio::time::timeout(Duration::from_secs(20), heard(&client, "db://pg/states/HI"));
    assert_eq!(heard.await.unwrap(), ["db://pg/states/HI"]);
    relay.close().await;
}

#[tokio::test]
async fn a_burst_of_one_row_is_told_once() {
    let World { service, relay, sender, .. } = world(false);
    let client = Client::memory(&service).await;
    let changes = wharf_testkit::Changes::lists();
    client.listen(changes.resource("db://pg/states/HI").resource("db://pg/states/END")).await;
    // The relay runs on this thread, so all of these are there before it looks.
    for _ in 0..50 {
        sender.try_send(row("public", "states", &["HI"])).unwrap();
    }
    sender.try_send(row("public", "states", &["END"])).unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(20), heard(&client, "db://pg/states/END"));
    assert_eq!(heard.await.unwrap(), ["db://pg/states/HI", "db://pg/states/END"]);
    relay.close().await;
}

#[tokio::test]
async fn a_flood_with_many_names_stays_bounded_and_ends() {
    let World { service, relay, sender, described, .. } = world(false);
    let client = Client::memory(&service).await;
    client.listen(wharf_testkit::Changes::lists().resource("db://pg/states/END")).await;
    for n in 0..3_000 {
        // Waits when the relay is behind: the database's messages are bounded by its channel.
        sender.send(row("public", &format!("t{n}"), &["1"])).await.unwrap();
    }
    sender.send(row("public", "states", &["END"])).await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(50), heard(&client, "db://pg/states/END"));
    assert_eq!(heard.await.unwrap().last().unwrap(), "db://pg/states/END");
    assert_eq!(described.load(Ordering::SeqCst), 3_001);
    relay.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_answer_holds_nobody_up_for_long() {
    let World { service, relay, sender, .. } = world(true);
    let client = Client::memory(&service).await;
    client.listen(wharf_testkit::Changes::lists().resource("db://pg/public.states/HI")).await;
    sender.send(row("public", "states", &["HI"])).await.unwrap();
    client.notified(UPDATED).await;
    // It still waits for the plain name; ending does not.
    sender.send(row("public", "airports", &["SFO"])).await.unwrap();
    tokio::task::yield_now().await;
    advance(Duration::from_millis(1)).await;
    let before = tokio::time::Instant::now();
    relay.close().await;
    assert!(before.elapsed() < Duration::from_millis(10), "{:?}", before.elapsed());
    assert!(sender.is_closed());
}

#[tokio::test]
async fn dropping_the_relay_ends_it_and_a_quiet_server_needs_none() {
    let World { relay, sender, .. } = world(false);
    drop(relay);
    tokio::time::timeout(Duration::from_secs(20), sender.closed()).await.unwrap();

    let databases =
        Databases::one("main", Database::open(SqliteSettings::sample()).unwrap()).unwrap();
    let service = wharf_database::server(databases.clone()).build().unwrap();
    let relay = ChangeRelay::start(service.handle(), &databases);
    relay.close().await;
    databases.close().await;
    let client = Client::memory(&service).await;
    // The databases are closed, and say so.
    let refused = client.call("execute_query", json!({"query": "SELECT 1"})).await;
    assert!(refused.is_error(), "{}", refused.json());
}

#[tokio::test]
async fn the_database_may_go_away() {
    let World { service, relay, sender, .. } = world(false);
    drop(sender);
    let client = Client::memory(&service).await;
    client.listen(wharf_testkit::Changes::lists().resource("db://pg/states/HI")).await;
    service.handle().publish(Event::ResourceUpdated { uri: "db://pg/states/HI".into() });
    let said = client.notified(UPDATED).await;
    assert_eq!(said.params["uri"], json!("db://pg/states/HI"));
    relay.close().await;
}
