//! Callers that want more than they may: to write, to exhaust, to outstay.

use std::time::Duration;

use serde_json::{Value, json};
use wharf::{ErrorKind, Revision};
use wharf_testkit::{Client, Wire};

use crate::{File, arguments, query, rows, sample};

/// Would count for hours.
const ENDLESS: &str =
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";

#[tokio::test]
async fn whatever_writes_is_denied_and_nothing_changes() {
    let file = File::new();
    let before = file.bytes();
    let client = Client::memory(&file.service).await;
    for sql in [
        "INSERT INTO users(name) VALUES ('x')",
        "INSERT INTO users(name) VALUES ('x') RETURNING id",
        "UPDATE users SET name = 'x'",
        "DELETE FROM users",
        "DELETE FROM user_totals",
        "REPLACE INTO users(id, name) VALUES (1, 'x')",
        "WITH gone AS (SELECT 1) DELETE FROM users",
        "DROP TABLE users",
        "ALTER TABLE users RENAME TO x",
        "CREATE TABLE x(a)",
        "CREATE TEMP TABLE x AS SELECT 1",
        "ATTACH 'x.db' AS x",
        "VACUUM INTO 'copy.db'",
        "PRAGMA journal_mode = WAL",
        "PRAGMA query_only = 0",
        "BEGIN EXCLUSIVE",
        "REINDEX",
        "SELECT load_extension('x')",
        "INSERT INTO notes(notes) VALUES ('rebuild')",
    ] {
        query(&client, sql).await.expect_error(ErrorKind::PermissionDenied);
    }
    // Two statements are refused as such, whatever they are.
    let two = query(&client, "SELECT 1; DELETE FROM users").await;
    assert!(two.is_error(), "{}", two.json());
    assert_eq!(rows(&client, json!({"query": "SELECT count(*) FROM users"})).await, json!([[2]]));
    assert_eq!(file.bytes(), before);
    assert_eq!(std::fs::read_dir(file.directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn the_shared_corpus_is_met_through_the_tool() {
    let file = File::new();
    let before = file.bytes();
    let client = Client::memory(&file.service).await;
    let corpus: Value = serde_json::from_str(include_str!("../corpus/shared.json")).unwrap();
    let mut refused = 0;
    for attack in corpus["attacks"].as_array().unwrap() {
        let input = attack["input"].as_str().unwrap();
        // Generated inputs have tests of their own.
        if attack["expect"] == "refuse" && !input.contains("{{") {
            assert!(query(&client, input).await.is_error(), "{attack}");
            refused += 1;
        }
    }
    assert!(refused > 10, "{refused}");
    assert_eq!(file.bytes(), before);
}

#[tokio::test]
async fn attacks_on_other_arguments_fail() {
    let file = File::new();
    let before = file.bytes();
    arguments::meet_all(&file.service).await;
    assert_eq!(file.bytes(), before);
    assert_eq!(std::fs::read_dir(file.directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn more_sql_than_anyone_writes_is_refused_in_a_small_answer() {
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = Client::memory(sample(|_| {})).revision(revision).await;
        let long = format!("SELECT '{}'", "x".repeat(3_000_000));
        let deep = format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000));
        for sql in [long, deep] {
            let refused = query(&client, &sql).await;
            refused.expect_error(ErrorKind::InvalidInput);
            assert!(refused.json().to_string().len() < 2_000);
        }
        assert_eq!(rows(&client, json!({"query": "SELECT 1"})).await, json!([[1]]));
    }
}

#[tokio::test]
async fn five_megabytes_of_sql_do_not_get_past_the_transport() {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "execute_query",
        "arguments": {"query": format!("SELECT '{}'", "x".repeat(5_000_000))},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    let mut wire = Wire::memory(sample(|_| {}));
    wire.send(&request.to_string()).await;
    let refused = wire.next().await.unwrap();
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    assert!(refused.to_string().len() < 1_000);
    // The connection goes on.
    wire.send("{}").await;
    assert!(wire.next().await.unwrap()["error"].is_object());
}

#[tokio::test]
async fn a_statement_without_end_is_stopped_by_its_own_bound() {
    let client =
        Client::memory(sample(|settings| settings.limits.max_work_steps = 1_000_000)).await;
    query(&client, ENDLESS).await.expect_error(ErrorKind::Timeout);
    let client = Client::memory(sample(|settings| settings.limits.max_work_steps = u64::MAX)).await;
    let outcome =
        client.call("execute_query", json!({"query": ENDLESS, "timeout_seconds": 1})).await;
    assert!(outcome.expect_error(ErrorKind::Timeout).message().contains("1000 ms"));
}

#[tokio::test]
async fn a_call_that_is_cancelled_half_way_gives_its_connection_back() {
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let server = sample(|settings| {
            settings.limits.max_work_steps = u64::MAX;
            settings.limits.default_timeout = Duration::from_secs(300);
            settings.pool.max = 1;
            settings.pool.max_waiting = 0;
        });
        let client =
            Client::memory(server).revision(revision).patience(Duration::from_secs(250)).await;
        let is_busy = async || {
            query(&client, "SELECT 1").await.error_code().as_deref() == Some("SERVICE_UNAVAILABLE")
        };
        {
            let endless = query(&client, ENDLESS);
            tokio::pin!(endless);
            // The one connection is taken once another caller is turned away.
            let taken = async { while !is_busy().await {} };
            tokio::select! {
                // In this order: the statement without end must be the one that gets the connection.
                biased;
                ended = &mut endless => panic!("it ended: {ended:?}"),
                taken = tokio::time::timeout(Duration::from_secs(20), taken) => taken.unwrap(),
            }
        }
        let free = async { while is_busy().await {} };
        tokio::time::timeout(Duration::from_secs(20), free).await.unwrap();
    }
}
