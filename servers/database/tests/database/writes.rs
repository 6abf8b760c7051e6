//! Changes through the tool: only where they are allowed, only with the scope, and only after a person agreed.

use serde_json::{Value, json};
use wharf::{Caller, ClientCapability, ErrorKind, Grants, Revision, Service};
use wharf_database::{
    Databases,
    engine::Engine,
    sqlite::{Database, SqliteSettings},
};
use wharf_testkit::Client;

use crate::{File, rounds::Rounds, rows};

const ASKING: [Revision; 2] = [Revision::V2026_07_28, Revision::V2025_11_25];
const RENAME: &str = "UPDATE users SET name = ? WHERE id = 1";

/// The fixture's file as a database that may be changed, beside the sample, which may not.
fn writable(file: &File) -> Service {
    let open = |settings: SqliteSettings| -> std::sync::Arc<dyn Engine> {
        std::sync::Arc::new(Database::open(settings).unwrap())
    };
    let mut settings = SqliteSettings::file(file.directory.path().join("data.db"));
    settings.writes = true;
    let databases = [
        ("main".to_owned(), open(settings)),
        ("sample".to_owned(), open(SqliteSettings::sample())),
    ];
    let databases = Databases::new(databases, Some("main".to_owned())).unwrap();
    wharf_database::server(databases).build().unwrap()
}

async fn name(service: &Service) -> Value {
    let client = Client::memory(service).await;
    rows(&client, json!({"query": "SELECT name FROM users WHERE id = 1"})).await[0][0].take()
}

#[tokio::test]
async fn a_change_is_made_once_a_person_agreed() {
    for revision in ASKING {
        let file = File::new();
        let service = writable(&file);
        let client = Client::memory(&service)
            .revision(revision)
            .answer("Change 1 row of the database \"main\"", json!({"confirmed": true}))
            .await;
        let change = json!({"statement": RENAME, "params": ["o'neil"]});
        let outcome: Value = client.call("execute_write", change).await.structured();
        assert_eq!(outcome, json!({"changed": true, "rows": 1}));
        assert_eq!(name(&service).await, "o'neil");
        client.assert_all_asked();
    }
}

#[tokio::test]
async fn nothing_is_changed_without_consent() {
    for revision in ASKING {
        let file = File::new();
        let service = writable(&file);
        let before = file.bytes();
        let asked = || Client::memory(&service).revision(revision);
        let clients = [
            asked().answer("Change 1 row", json!({"confirmed": false})).await,
            asked().decline("Change 1 row").await,
            asked().cancel("Change 1 row").await,
        ];
        for client in clients {
            let change = json!({"statement": RENAME, "params": ["x"]});
            let outcome: Value = client.call("execute_write", change).await.structured();
            assert_eq!(outcome, json!({"changed": false, "reason": "the person did not agree"}));
            client.assert_all_asked();
        }
        let mute = asked().without(ClientCapability::ElicitationForm).await;
        let change = json!({"statement": RENAME, "params": ["x"]});
        assert!(mute.call("execute_write", change).await.is_error());
        assert_eq!(file.bytes(), before);
    }
}

#[tokio::test]
async fn rows_that_changed_while_the_person_was_thinking_are_asked_about_again() {
    let file = File::new();
    let statement = json!({"statement": "DELETE FROM orders"});
    let mut rounds = Rounds::new(writable(&file), "execute_write", statement);
    let first = rounds.begin().await;
    assert!(first.to_string().contains("Change 2 rows"), "{first}");
    let other = rusqlite::Connection::open(file.directory.path().join("data.db")).unwrap();
    other.execute_batch("INSERT INTO orders(user_id, total) VALUES (1, 3)").unwrap();
    // The answer was to two rows, and three would go.
    let second = rounds.agree(&first).await;
    assert!(second.to_string().contains("Change 3 rows"), "{second}");
    let made = rounds.agree(&second).await;
    assert_eq!(made["structuredContent"], json!({"changed": true, "rows": 3}), "{made}");
    // The same answers again do nothing again.
    other
        .execute_batch("INSERT INTO orders(user_id, total) VALUES (1, 1), (1, 2), (1, 3)")
        .unwrap();
    let again = rounds.agree(&second).await;
    assert_eq!(again["structuredContent"]["code"], "CONFLICT", "{again}");
    let left: u32 = other.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 3);
}

#[tokio::test]
async fn callers_without_the_scope_and_databases_without_permission_are_refused() {
    let file = File::new();
    let service = writable(&file);
    let before = file.bytes();
    let change = || json!({"statement": RENAME, "params": ["x"]});
    for (patterns, sees) in [
        (&["tools"][..], false),
        (&["database:execute_write"], false),
        (&["database:execute_write", "database:write"], true),
        (&["*", "!database:write"], false),
    ] {
        let grants = Grants::parse(patterns.iter().copied()).unwrap();
        let caller = Caller::local().with_grants(std::sync::Arc::new(grants));
        let client = Client::memory(&service).caller(caller).decline("Change 1 row").await;
        let listed = client.list_tools().await.iter().any(|tool| tool["name"] == "execute_write");
        assert_eq!(listed, sees, "{patterns:?}");
        let outcome = client.call("execute_write", change()).await;
        if !sees {
            outcome.expect_error(ErrorKind::PermissionDenied);
        }
    }
    let client = Client::memory(&service).await;
    let mut elsewhere = change();
    elsewhere["database"] = json!("sample");
    let refused = client.call("execute_write", elsewhere).await;
    refused.expect_error(ErrorKind::PermissionDenied);
    assert!(refused.message().contains("can be changed: main"), "{}", refused.message());
    assert_eq!(file.bytes(), before);
}

#[tokio::test]
async fn what_touches_nothing_or_is_no_change_asks_nobody() {
    let file = File::new();
    let client = Client::memory(writable(&file)).await;
    let nothing = json!({"statement": "DELETE FROM users WHERE id = 99"});
    let outcome: Value = client.call("execute_write", nothing).await.structured();
    assert_eq!(outcome["changed"], false);
    for statement in ["DROP TABLE users", "SELECT 1", "DELETE FROM users; DELETE FROM orders"] {
        let refused = client.call("execute_write", json!({"statement": statement})).await;
        refused.expect_error(ErrorKind::PermissionDenied);
        let told = refused.message();
        assert!(told.starts_with("only single changes of rows are allowed: "), "{told}");
    }
}

#[tokio::test]
async fn a_server_without_writable_databases_has_no_such_tool() {
    let file = File::new();
    let client = Client::memory(&file.service).await;
    assert!(!client.list_tools().await.iter().any(|tool| tool["name"] == "execute_write"));
}
