//! Queries as callers send them: parameters, limits, sessions, roles.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use wharf_database::engine::Engine;
use wharf_database::error::{DatabaseError, ErrorKind};
use wharf_database::mysql::Database;
use wharf_database::request::{ExplainRequest, Parameters, QueryRequest, RowForm};
use wharf_database::result::{Cell, Truncation};

use super::fixture::{ENDLESS, Fixture, limited, query, rows, until_idle};

#[tokio::test]
async fn parameters_are_bound_by_position_and_by_name() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let sql = "SELECT name FROM users WHERE id = ? AND name <> ? LIMIT ?";
    let params = Parameters::Positional(vec![json!(2), json!("'; DROP TABLE users; --"), json!(1)]);
    let result = database.query(QueryRequest { params, ..QueryRequest::new(sql) }).await.unwrap();
    assert_eq!(result.rows, [[Cell::Text("user 2".into())]]);

    let sql = "SELECT :a + :b, :a, ':a' AS text, :blob = x'00ff'";
    let named = BTreeMap::from([
        ("a".to_owned(), json!(40)),
        (":b".to_owned(), json!(2)),
        ("blob".to_owned(), json!({"base64": "AP8="})),
    ]);
    let request = QueryRequest { params: Parameters::Named(named), ..QueryRequest::new(sql) };
    let result = database.query(request).await.unwrap();
    assert_eq!(serde_json::to_value(&result.rows).unwrap(), json!([[42, 40, ":a", 1]]));

    let short = QueryRequest::new("SELECT ?");
    assert_eq!(database.query(short).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn rows_come_as_json_where_that_is_wanted() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let cells = QueryRequest::new("SELECT id, name, NULL FROM users ORDER BY id");
    let json = QueryRequest { rows: RowForm::Json, ..cells.clone() };
    let (cells, json) = (database.query(cells).await.unwrap(), database.query(json).await.unwrap());
    assert!(json.rows.is_empty() && !json.json_rows.is_empty());
    let written = serde_json::to_string(&json.json_rows).unwrap();
    assert_eq!(written, serde_json::to_string(&cells.rows).unwrap());
}

#[tokio::test]
async fn truncation_is_exact_and_leaves_the_connection_usable() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    for (sql, limit, truncated) in [
        ("SELECT id FROM users", 20, false),
        ("SELECT id FROM users", 19, true),
        ("SELECT id FROM users LIMIT 20", 19, true),
        ("SELECT id FROM users LIMIT 19", 19, false),
        ("(SELECT id FROM users) UNION ALL (SELECT id FROM users)", 40, false),
        ("(SELECT id FROM users) UNION ALL (SELECT id FROM users)", 39, true),
        ("WITH a AS (SELECT id FROM users) SELECT * FROM a", 5, true),
        ("VALUES (1), (2), (3)", 2, true),
        ("SHOW TABLES", 2, true),
        ("SELECT id FROM orders_big LIMIT 20000", 100, true),
        ("SELECT count(*) FROM (SELECT id FROM orders_big) x", 1, false),
    ] {
        let request = QueryRequest { row_limit: Some(limit), ..QueryRequest::new(sql) };
        let result = database.query(request).await.unwrap();
        assert_eq!(result.truncated, truncated, "{sql} {limit}");
        if truncated {
            assert_eq!(result.row_count, limit, "{sql}");
        }
    }
    // A limit of the session must not reach into the statement.
    assert_eq!(
        rows(&database, "SELECT count(*) FROM (SELECT id FROM orders_big) x").await,
        json!([[20_000]])
    );
    until_idle(&database).await;
    assert!(fixture.sessions().await <= 4);
}

#[tokio::test]
async fn budgets_of_bytes_end_the_rows_and_cut_the_cells() {
    let fixture = Fixture::new().await;
    let mut settings = fixture.reader().await;
    settings.limits.max_result_bytes = 10_000;
    settings.limits.max_cell_bytes = 1_000;
    settings.max_row_bytes = 1 << 20;
    let database = Database::open(settings).unwrap();
    let result = query(&database, "SELECT pad FROM orders_big LIMIT 100").await.unwrap();
    assert_eq!((result.truncated, result.row_count), (false, 100));
    let result = query(&database, "SELECT repeat('x', 500) FROM orders_big").await.unwrap();
    assert_eq!(result.truncated_by, Some(Truncation::ResultBytes));
    let result = query(&database, "SELECT repeat('é', 10000)").await.unwrap();
    assert_eq!(result.cut_cells, 1);
    assert!(matches!(&result.rows[0][0], Cell::CutText { full_bytes: 20_000, .. }));
    // A row beyond the bound is refused before it takes memory, and the next caller is served.
    let huge = query(&database, "SELECT repeat('x', 3000000)").await.unwrap_err();
    assert!(matches!(huge, DatabaseError::TooLarge { .. }), "{huge:?}");
    assert_eq!(rows(&database, "SELECT 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_deadline_is_answered_and_stops_the_server() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let timeout = Duration::from_millis(300);
    for sql in
        [ENDLESS, "SELECT sum(a.id * b.id) FROM orders_big a JOIN orders_big b ON a.pad <> b.pad"]
    {
        // The statement alone takes minutes. How late the answer is exactly is for `benches/`: other tests share the machine.
        let error = database.query(limited(sql, timeout)).await.unwrap_err();
        assert_eq!(error, DatabaseError::Timeout { timeout });
    }
    until_idle(&database).await;
    fixture.until_busy(0).await;
    assert_eq!(rows(&database, "SELECT 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_dropped_request_stops_on_the_server() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    fixture.keep_busy(&database).await.abort();
    fixture.until_busy(0).await;
    until_idle(&database).await;
    assert_eq!(rows(&database, "SELECT 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_session_is_pinned_and_forgets_its_caller() {
    let fixture = Fixture::new().await;
    let mut settings = fixture.reader().await;
    settings.pool.max = 1;
    settings.time_zone = "+02:00".into();
    settings.session = vec![("group_concat_max_len".into(), "54321".into())];
    let database = Database::open(settings).unwrap();
    let pinned = "SELECT @@sql_mode, @@time_zone, @@character_set_client, @@character_set_connection, @@autocommit, \
                  @@group_concat_max_len, @@tx_read_only, connection_id()";
    let first = rows(&database, pinned).await;
    let expected = json!([
        "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
        "+02:00",
        "utf8mb4",
        "utf8mb4",
        1,
        54321,
        1
    ]);
    assert_eq!(&first[0].as_array().unwrap()[..7], expected.as_array().unwrap());
    rows(&database, "SELECT last_insert_id(99)").await;
    assert_eq!(rows(&database, "SELECT last_insert_id()").await, json!([[0]]));
    assert_eq!(rows(&database, pinned).await, first, "the same connection, pinned again");
}

#[tokio::test]
async fn a_plan_is_shown_and_only_measured_when_asked() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let explain = |sql: &str, analyze| {
        let request = ExplainRequest { sql: sql.into(), analyze, ..ExplainRequest::default() };
        let database = &database;
        async move { Engine::explain(database, request).await }
    };
    let plan = explain("-- why\nSELECT * FROM users WHERE id = 1; -- so", false).await.unwrap();
    assert!(plan.plan.contains("\"table_name\":\"users\"") && !plan.analyzed, "{}", plan.plan);
    let plan = explain("SELECT count(*) FROM orders_big", true).await.unwrap();
    assert!(plan.plan.contains("r_rows") && plan.analyzed, "{}", plan.plan);
    for sql in [
        "(ANALYZE) DELETE FROM users",
        "SELECT 1; DELETE FROM users",
        "DELETE FROM users",
        "FORMAT=JSON SELECT 1",
        "EXPLAIN SELECT 1",
        "ANALYZE SELECT 1",
        "SHOW TABLES",
        "SELECT sleep(30)",
    ] {
        assert!(explain(sql, true).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn errors_say_what_to_do_and_name_no_account() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    for (sql, kind, part) in [
        ("SELECT nope FROM users", ErrorKind::InvalidInput, "nope"),
        ("SELECT * FROM nope", ErrorKind::InvalidInput, "nope"),
        ("SELECT FROM", ErrorKind::InvalidInput, "not understood"),
        ("SELECT * FROM mysql.time_zone_name", ErrorKind::PermissionDenied, "may not"),
        ("SELECT cast(-1 AS unsigned) * 2", ErrorKind::InvalidInput, "out of range"),
        ("SELECT nope(1)", ErrorKind::PermissionDenied, "nope"),
        ("DELETE FROM users", ErrorKind::PermissionDenied, "DELETE FROM users"),
    ] {
        let error = query(&database, sql).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{sql}: {error}");
        let text = format!("{error} {:?}", error.detail());
        assert!(text.contains(part), "{sql}: {text}");
        assert!(!text.contains("127.0.0.1") && !text.contains('@'), "{sql}: {text}");
    }
}

#[tokio::test]
async fn functions_and_engines_can_be_allowed_by_the_operator() {
    let fixture = Fixture::new().await;
    let mut settings = fixture.everything();
    settings.allow_functions = vec![format!("{}.naps", fixture.name.to_uppercase())];
    let database = Database::open(settings).unwrap();
    let timeout = Duration::from_millis(200);
    // It runs, and is stopped like anything else.
    let error = database.query(limited("SELECT naps()", timeout)).await.unwrap_err();
    assert_eq!(error, DatabaseError::Timeout { timeout });
    let error = query(&database, "SELECT purge_users()").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_function_whose_body_is_hidden_must_say_that_it_reads() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    // The role may execute, but not look into the bodies.
    assert_eq!(rows(&database, "SELECT double_it(4)").await, json!([[8]]));
    for sql in
        ["SELECT order_total(1)", "SELECT liar()", "SELECT purge_users()", "SELECT writes_file()"]
    {
        let error = query(&database, sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{sql}: {error}");
    }
    fixture.run(&format!("GRANT SELECT ON mysql.proc TO '{}'@'%'", fixture.name)).await;
    let database = Database::open(fixture_settings(&fixture)).unwrap();
    assert_eq!(rows(&database, "SELECT order_total(1)").await, json!([["1100.00"]]));
}

fn fixture_settings(fixture: &Fixture) -> wharf_database::mysql::MysqlSettings {
    let mut settings = fixture.everything();
    settings.user = fixture.name.clone();
    settings.password = secrecy::SecretString::from(format!("pw{}", fixture.name));
    settings
}
