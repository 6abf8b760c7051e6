//! Every value comes exactly as PostgreSQL holds it, and every bound on a result is kept.

use serde_json::{Value, json};

use super::Postgres;
use super::scratch::Scratch;
use crate::engine::Engine as _;
use crate::error::DatabaseError;
use crate::request::{Parameters, QueryRequest, RowForm};
use crate::result::{QueryResult, Truncation};

async fn query(
    database: &Postgres,
    sql: &str,
    params: Value,
) -> Result<QueryResult, DatabaseError> {
    let Value::Array(params) = params else { panic!("parameters are an array") };
    let params = Parameters::Positional(params);
    let request = QueryRequest { params, ..QueryRequest::new(sql) };
    let first = database.query(request.clone()).await;
    // It is asked again on the same session, where the statement may be prepared by then.
    while database.pool_stats().in_use > 0 {
        tokio::task::yield_now().await;
    }
    let again = database.query(request).await;
    match (&first, &again) {
        (Ok(first), Ok(again)) => {
            // Not compared as numbers: NaN is never the same.
            let shown = |result: &QueryResult| {
                format!("{:?}", (&result.columns, &result.rows, result.truncated_by))
            };
            assert_eq!(shown(first), shown(again), "{sql}");
        }
        (Err(first), Err(again)) => assert_eq!(first, again, "{sql}"),
        _ => panic!("{sql}: {first:?}, and then {again:?}"),
    }
    first
}

#[tokio::test]
async fn rows_come_as_json_where_that_is_wanted() {
    let scratch = Scratch::empty().await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    for sql in
        ["SELECT 1, 'a\"b', NULL UNION ALL SELECT 2, '', 0.5", "SHOW ALL", "EXPLAIN SELECT 1"]
    {
        let cells = QueryRequest { row_limit: Some(5), ..QueryRequest::new(sql) };
        let json = QueryRequest { rows: RowForm::Json, ..cells.clone() };
        let cells = database.query(cells).await.unwrap();
        // Asked twice: prepared by then, if it can be.
        for _ in 0..2 {
            let json = database.query(json.clone()).await.unwrap();
            assert!(json.rows.is_empty() && !json.json_rows.is_empty(), "{sql}");
            let written = serde_json::to_string(&json.json_rows).unwrap();
            assert_eq!(written, serde_json::to_string(&cells.rows).unwrap());
        }
    }
    database.close().await;
}

/// Rows and types of a query.
async fn check(database: &Postgres, sql: &str, params: Value, rows: Value, types: &[&str]) {
    let result =
        query(database, sql, params).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert_eq!(serde_json::to_value(&result.rows).unwrap(), rows, "{sql}");
    let found: Vec<&str> =
        result.columns.iter().filter_map(|c| c.declared_type.as_deref()).collect();
    assert_eq!(found, types, "{sql}");
    assert!(!result.truncated, "{sql}");
}

#[tokio::test]
async fn legitimate_queries_have_their_exact_answers() {
    let scratch = Scratch::with_fixture().await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    let none = || json!([]);
    for (sql, rows, types) in [
        (
            "SELECT id, name FROM users ORDER BY id LIMIT 2",
            json!([[1, "user 1"], [2, "user 2"]]),
            &["integer", "text"][..],
        ),
        ("/* app:dash */ SELECT count(*) FROM users", json!([[20]]), &["bigint"]),
        ("SELECT 1; -- done", json!([[1]]), &["integer"]),
        ("VALUES (1,'a'),(2,'b')", json!([[1, "a"], [2, "b"]]), &["integer", "text"]),
        (
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t WHERE n < 10) SELECT sum(n) FROM t",
            json!([[55]]),
            &["bigint"],
        ),
        (
            "SELECT $tag$it's; DELETE FROM users$tag$ AS note",
            json!([["it's; DELETE FROM users"]]),
            &["text"],
        ),
        (
            "SELECT o.total AS delete FROM orders o ORDER BY id LIMIT 1",
            json!([["1.00"]]),
            &["numeric(12,2)"],
        ),
        (
            "SELECT id FROM orders ORDER BY id FETCH FIRST 2 ROWS WITH TIES",
            json!([[1], [2]]),
            &["integer"],
        ),
        (
            "SELECT DISTINCT ON (user_id) user_id, id FROM orders ORDER BY user_id, id DESC LIMIT 1",
            json!([[1, 200]]),
            &["integer", "integer"],
        ),
        (
            "SELECT meta->>'k', jsonb_path_query_first(meta,'$.a') FROM orders WHERE meta @> '{\"k\":1}' LIMIT 1",
            json!([["1", "2"]]),
            &["text", "jsonb"],
        ),
        ("SELECT order_total(1)", json!([["1100.00"]]), &["numeric"]),
        (
            "SELECT count(*) FROM orders WHERE to_tsvector('english', coalesce(meta->>'note','')) @@ websearch_to_tsquery('late delivery')",
            json!([[200]]),
            &["bigint"],
        ),
        (
            "SELECT col_description('users'::regclass, 1), format_type(23, NULL), pg_size_pretty(8192::bigint)",
            json!([[null, "integer", "8192 bytes"]]),
            &["text", "text", "text"],
        ),
    ] {
        check(&database, sql, none(), rows, types).await;
    }
    let explained =
        query(&database, "EXPLAIN SELECT * FROM users WHERE id=1", none()).await.unwrap();
    assert_eq!(explained.columns[0].name, "QUERY PLAN");
    assert!(serde_json::to_string(&explained.rows).unwrap().contains("users"));
    database.close().await;
}

#[tokio::test]
async fn nothing_is_rounded_lost_or_merged() {
    let scratch = Scratch::empty().await;
    scratch.execute("CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TYPE pair AS (a int, b text)").await;
    let database = Postgres::open(scratch.superuser()).unwrap();
    for (sql, rows, types) in [
        (
            "SELECT 9007199254740991::int8, 9007199254740993::int8, '-9223372036854775808'::int8",
            json!([[9_007_199_254_740_991_i64, "9007199254740993", "-9223372036854775808"]]),
            &["bigint", "bigint", "bigint"][..],
        ),
        (
            "SELECT 0.1::numeric + 0.2::numeric AS n, 1.10::numeric, 'NaN'::numeric, '-Infinity'::numeric",
            json!([["0.3", "1.10", "NaN", "-Infinity"]]),
            &["numeric"; 4],
        ),
        (
            "SELECT 0.1::float4, 0.1::float8 + 0.2::float8, 'NaN'::float8, 'Infinity'::float4, '-0'::float8, 1e300::float8",
            json!([[0.1, 0.300_000_000_000_000_04, "NaN", "Infinity", -0.0, 1e300]]),
            &[
                "real",
                "double precision",
                "double precision",
                "real",
                "double precision",
                "double precision",
            ],
        ),
        ("SELECT true, false, NULL::bool", json!([[true, false, null]]), &["boolean"; 3]),
        (
            "SELECT 'infinity'::timestamptz AS t, '0044-03-15 BC'::date AS d, '-infinity'::date",
            json!([["infinity", "0044-03-15 BC", "-infinity"]]),
            &["timestamp with time zone", "date", "date"],
        ),
        (
            "SELECT '2024-03-01 12:00:00.123456+02'::timestamptz, '2024-03-01 12:00'::timestamp(0), '12:00+02'::timetz",
            json!([["2024-03-01 10:00:00.123456+00", "2024-03-01 12:00:00", "12:00:00+02"]]),
            &["timestamp with time zone", "timestamp(0) without time zone", "time with time zone"],
        ),
        (
            "SELECT interval '1 mon -2 days', interval '-1 year 3 sec'",
            json!([["1 mon -2 days", "-1 years +00:00:03"]]),
            &["interval"; 2],
        ),
        (
            "SELECT '\\xdeadbeef'::bytea AS b, ''::bytea",
            json!([[{"base64": "3q2+7w==", "full_bytes": 4}, {"base64": "", "full_bytes": 0}]]),
            &["bytea"; 2],
        ),
        (
            "SELECT ARRAY[1,NULL,3], ROW(1,'x'), int4range(1,5), '10.0.0.1/8'::inet",
            json!([["{1,NULL,3}", "(1,x)", "[1,5)", "10.0.0.1/8"]]),
            &["integer[]", "record", "int4range", "inet"],
        ),
        (
            "SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, B'101', '08:00:2b:01:02:03'::macaddr, '1/2'::pg_lsn",
            json!([["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "101", "08:00:2b:01:02:03", "1/2"]]),
            &["uuid", "\"bit\"", "macaddr", "pg_lsn"],
        ),
        (
            "SELECT '{\"b\": 1, \"a\": 1.00}'::json, '{\"b\": 1, \"a\": 1.00}'::jsonb",
            json!([["{\"b\": 1, \"a\": 1.00}", "{\"a\": 1.00, \"b\": 1}"]]),
            &["json", "jsonb"],
        ),
        (
            "SELECT 'ok'::mood, 5::positive, ROW(1,'y')::pair, ARRAY['ok'::mood]",
            json!([["ok", 5, "(1,y)", "{ok}"]]),
            &["mood", "integer", "pair", "mood[]"],
        ),
        ("SELECT 1 AS a, 2 AS a, 3 AS \"A\"", json!([[1, 2, 3]]), &["integer"; 3]),
        ("SELECT FROM generate_series(1,2)", json!([[], []]), &[]),
        (
            "SELECT 'ä€😀' || chr(1) || E'\\t\\n\"\\\\', ''",
            json!([["ä€😀\u{1}\t\n\"\\", ""]]),
            &["text"; 2],
        ),
        (
            "SELECT 'x'::char(5), 'a'::\"char\", 'n'::name, 12::oid, 7::int2, '$1.50'::money",
            json!([["x    ", "a", "n", 12, 7, "$1.50"]]),
            &["character(5)", "\"char\"", "name", "oid", "smallint", "money"],
        ),
    ] {
        check(&database, sql, json!([]), rows, types).await;
    }
    let huge = query(&database, "SELECT 1e400::numeric", json!([])).await.unwrap();
    assert_eq!(
        serde_json::to_value(&huge.rows).unwrap()[0][0],
        json!(format!("1{}", "0".repeat(400)))
    );
    database.close().await;
}

#[tokio::test]
async fn parameters_are_bound_as_values() {
    let scratch = Scratch::with_fixture().await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    let big = json!({"integer": "9223372036854775807"});
    for (sql, params, rows, types) in [
        ("SELECT name FROM users WHERE id = $1", json!([2]), json!([["user 2"]]), &["text"][..]),
        (
            "SELECT $1::text",
            json!(["'; DROP TABLE users; --"]),
            json!([["'; DROP TABLE users; --"]]),
            &["text"],
        ),
        (
            "SELECT $1::int8, $2::numeric, $3::bool",
            json!([big, 1.25, true]),
            json!([["9223372036854775807", "1.25", true]]),
            &["bigint", "numeric", "boolean"],
        ),
        (
            "SELECT $1::bytea, $2::jsonb",
            json!([{"base64": "AP8="}, {"a": [1, "x"]}]),
            json!([[{"base64": "AP8=", "full_bytes": 2}, "{\"a\": [1, \"x\"]}"]]),
            &["bytea", "jsonb"],
        ),
        (
            "SELECT $1::int[], $2::text[]",
            json!([[1, null], ["a,b", "{}"]]),
            json!([["{1,NULL}", "{\"a,b\",\"{}\"}"]]),
            &["integer[]", "text[]"],
        ),
        (
            "SELECT count(*) FROM users WHERE id = ANY ($1)",
            json!([[1, 2, 99]]),
            json!([[2]]),
            &["bigint"],
        ),
        (
            "SELECT $1::timestamptz, $2::date",
            json!(["2024-01-01T00:00:00+02:00", null]),
            json!([["2023-12-31 22:00:00+00", null]]),
            &["timestamp with time zone", "date"],
        ),
        ("EXPLAIN (COSTS off) SELECT $1::int", json!([1]), json!([["Result"]]), &["text"]),
    ] {
        check(&database, sql, params, rows, types).await;
    }
    for (sql, params, part) in [
        ("SELECT $1::int", json!([]), "1 placeholders"),
        ("SELECT 1", json!([1]), "0 placeholders"),
        ("SELECT $1::int", json!(["x"]), "invalid input syntax"),
        ("SELECT $1::text", json!(["a\0b"]), "NUL"),
        ("SELECT $1::int", json!([{"a": 1}]), "params[0]"),
    ] {
        let error = query(&database, sql, params).await.unwrap_err().to_string();
        assert!(error.contains(part), "{sql}: {error}");
    }
    database.close().await;
}

#[tokio::test]
async fn rows_bytes_and_cells_are_bounded_exactly() {
    let scratch = Scratch::empty().await;
    let mut settings = scratch.superuser();
    settings.limits.max_result_bytes = 100_000;
    settings.limits.max_cell_bytes = 1_000;
    settings.max_message_bytes = 1 << 20;
    let database = Postgres::open(settings).unwrap();
    for (count, limit, truncated) in [(5, 5, false), (6, 5, true), (0, 1, false)] {
        let sql = format!("SELECT generate_series(1, {count})");
        let request = QueryRequest { row_limit: Some(limit), ..QueryRequest::new(sql) };
        let result = database.query(request).await.unwrap();
        assert_eq!((result.row_count, result.truncated), (count.min(limit), truncated));
    }
    let wide =
        query(&database, "SELECT repeat('x', 900) FROM generate_series(1, 1000000)", json!([]))
            .await
            .unwrap();
    assert_eq!(wide.truncated_by, Some(Truncation::RowLimit));
    let request = QueryRequest {
        row_limit: Some(10_000),
        ..QueryRequest::new("SELECT repeat('x', 900) FROM generate_series(1, 1000000)")
    };
    let wide = database.query(request).await.unwrap();
    assert_eq!(wide.truncated_by, Some(Truncation::ResultBytes));
    let cut = query(&database, "SELECT repeat('ä', 1000)", json!([])).await.unwrap();
    assert_eq!(
        serde_json::to_value(&cut.rows).unwrap(),
        json!([[{"text": "ä".repeat(500), "full_bytes": 2000}]])
    );
    // A row larger than a message may be ends the connection, not the program's memory; the next caller gets a fresh one.
    let error =
        query(&database, "SELECT repeat(chr(120), 300000000)", json!([])).await.unwrap_err();
    assert!(matches!(error, DatabaseError::TooLarge { .. }), "{error:?}");
    assert_eq!(query(&database, "SELECT 1", json!([])).await.unwrap().row_count, 1);
    database.close().await;
}

#[tokio::test]
async fn errors_point_at_the_place_and_say_what_to_do() {
    let scratch = Scratch::with_fixture().await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    for (sql, expected) in [("SELECT 'ä', nope FROM users", 13), ("SELECT FROM WHERE", 12)] {
        match query(&database, sql, json!([])).await {
            Err(DatabaseError::Syntax { offset, .. }) => {
                assert_eq!(offset, Some(expected), "{sql}")
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
    for (sql, part) in [
        ("SELECT 1/0", "division by zero"),
        // An internal error, as functions of extensions report a value that they do not understand.
        ("SELECT * FROM ts_token_type(999999)", "cache lookup failed for text search parser"),
        (
            "SELECT pg_read_file('x')",
            "function pg_catalog.pg_read_file (it reads the server's files)",
        ),
        ("SELECT purge_users()", "ask its owner to declare it STABLE"),
        ("SELECT * FROM v_purge", "which view public.v_purge uses"),
        ("DELETE FROM users", "the command DELETE"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT * FROM users FOR UPDATE", "locks rows"),
        ("", "not only spaces and comments"),
    ] {
        let error = query(&database, sql, json!([])).await.unwrap_err().to_string();
        assert!(error.contains(part), "{sql}: {error}");
    }
    let long = format!("SELECT '{}'", "x".repeat(200_000));
    assert!(matches!(
        query(&database, &long, json!([])).await,
        Err(DatabaseError::TooLarge { .. })
    ));
    database.close().await;
}
