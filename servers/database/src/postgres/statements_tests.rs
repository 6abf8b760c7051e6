//! A query that is asked again goes another way to the server. It has the same answer and the same limits, and is refused as
//! soon as it would be refused at its first time.

use super::Postgres;
use super::read::Boundaries;
use super::scratch::{Scratch, random};
use crate::engine::{Engine as _, StatementStats};
use crate::error::DatabaseError;
use crate::request::{Parameters, QueryRequest};
use crate::result::{QueryResult, Truncation};

/// A database with one connection, so that every query finds what the last one left.
fn open(scratch: &Scratch, statement_cache: usize) -> Postgres {
    let mut settings = scratch.superuser();
    settings.pool.max = 1;
    settings.pool.statement_cache = statement_cache;
    Postgres::open(settings).unwrap()
}

async fn ask(database: &Postgres, sql: &str) -> Result<QueryResult, DatabaseError> {
    database.query(QueryRequest::new(sql)).await
}

async fn rows(database: &Postgres, sql: &str) -> String {
    let result = ask(database, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    serde_json::to_string(&result.rows).unwrap()
}

/// Names and types of the columns.
async fn columns(database: &Postgres, sql: &str) -> Vec<String> {
    let result = ask(database, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let column = |column: &crate::result::Column| {
        format!("{} {}", column.name, column.declared_type.as_deref().unwrap_or("?"))
    };
    result.columns.iter().map(column).collect()
}

fn stats(database: &Postgres) -> (usize, u64, u64) {
    let StatementStats { kept, hits, misses } = database.pool_stats().statements.unwrap();
    (kept, hits, misses)
}

#[tokio::test]
async fn statements_are_kept_up_to_their_number_and_the_oldest_goes_first() {
    let scratch = Scratch::empty().await;
    let database = open(&scratch, 2);
    for (sql, expected) in [
        ("SELECT 1", (1, 0, 1)),
        ("SELECT 2", (2, 0, 2)),
        ("SELECT 1", (2, 1, 2)),
        ("SELECT 3", (2, 1, 3)),
        ("SELECT 1", (2, 2, 3)),
        ("SELECT 2", (2, 2, 4)),
    ] {
        assert_eq!(rows(&database, sql).await, format!("[[{}]]", &sql[7..]));
        assert_eq!(stats(&database), expected, "{sql}");
    }
    database.close().await;
    assert_eq!(stats(&database).0, 0, "a closed session keeps nothing");
    let none = open(&scratch, 0);
    for _ in 0..2 {
        assert_eq!(rows(&none, "SELECT 1").await, "[[1]]");
    }
    assert_eq!(stats(&none), (0, 0, 2));
    none.close().await;
}

#[tokio::test]
async fn a_query_whose_meaning_changed_does_not_run_even_once() {
    let scratch = Scratch::empty().await;
    scratch.execute("CREATE FUNCTION f(text) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'").await;
    let database = open(&scratch, 64);
    let folder = scratch.value("SHOW data_directory").await;
    let [reached, unreached] =
        [(); 2].map(|()| format!("{folder}/pg_stat_tmp/wharf_touched_{}", random()));
    let sql = |file: &str| format!("SELECT f('{file}')");
    for _ in 0..3 {
        assert_eq!(rows(&database, &sql(&unreached)).await, "[[1]]");
    }
    assert_eq!(stats(&database), (1, 2, 1));
    // What no rollback undoes, and no read-only transaction hinders where the role is a superuser.
    scratch
        .execute(
            "CREATE OR REPLACE FUNCTION f(text) RETURNS int LANGUAGE plpgsql VOLATILE AS \
             $$ BEGIN EXECUTE format('COPY (SELECT 1) TO %L', $1); RETURN 1; END $$",
        )
        .await;
    let is_there = |file: &str| format!("SELECT (pg_stat_file('{file}', true)).size IS NOT NULL");
    scratch.execute(&format!("BEGIN READ ONLY; {}; ROLLBACK", sql(&reached))).await;
    assert_eq!(scratch.value(&is_there(&reached)).await, "t", "the function does what it is for");
    for _ in 0..2 {
        let refused = ask(&database, &sql(&unreached)).await;
        assert!(matches!(refused, Err(DatabaseError::Refused { .. })), "{refused:?}");
    }
    assert_eq!(scratch.value(&is_there(&unreached)).await, "f");
    assert_eq!(stats(&database).0, 0);
    database.close().await;
}

#[tokio::test]
async fn a_column_that_changed_is_told_as_it_is_now() {
    let scratch = Scratch::empty().await;
    scratch
        .execute(
            "CREATE TABLE t(a varchar(10)); INSERT INTO t VALUES ('7'); CREATE TYPE pair AS (x int); \
             CREATE FUNCTION f() RETURNS SETOF pair LANGUAGE sql STABLE AS 'SELECT ROW(1)::pair'; \
             CREATE TYPE mood AS ENUM ('ok'); CREATE SCHEMA other",
        )
        .await;
    let database = open(&scratch, 64);
    for (sql, change, before, after) in [
        // None of these rewrites the table, and most leave its row in pg_class as it is.
        (
            "SELECT * FROM t",
            "ALTER TABLE t ALTER a TYPE varchar(20)",
            "a character varying(10)",
            "a character varying(20)",
        ),
        (
            "SELECT * FROM t",
            "ALTER TABLE t RENAME a TO b",
            "a character varying(20)",
            "b character varying(20)",
        ),
        ("SELECT * FROM t", "ALTER TABLE t ALTER b TYPE text", "b character varying(20)", "b text"),
        ("SELECT * FROM t", "ALTER TABLE t ALTER b TYPE int USING b::int", "b text", "b integer"),
        ("SELECT * FROM f()", "ALTER TYPE pair RENAME ATTRIBUTE x TO y", "x integer", "y integer"),
        (
            "SELECT 'ok'::mood AS m",
            "ALTER TYPE mood RENAME TO old_mood; CREATE DOMAIN mood AS text",
            "m mood",
            "m text",
        ),
        (
            "SELECT 'ok'::old_mood AS m",
            "ALTER TYPE old_mood SET SCHEMA other; CREATE DOMAIN old_mood AS text",
            "m old_mood",
            "m text",
        ),
    ] {
        for _ in 0..2 {
            assert_eq!(columns(&database, sql).await, [before], "before: {change}");
        }
        scratch.execute(change).await;
        for _ in 0..2 {
            assert_eq!(columns(&database, sql).await, [after], "after: {change}");
        }
    }
    assert_eq!(rows(&database, "SELECT * FROM t").await, "[[7]]");
    database.close().await;
}

#[tokio::test]
async fn a_repeated_query_takes_new_values_fails_alike_and_keeps_its_bounds() {
    let scratch = Scratch::empty().await;
    let mut settings = scratch.superuser();
    settings.pool.max = 1;
    settings.limits.max_result_bytes = 2_000;
    settings.limits.max_cell_bytes = 1_000;
    let database = Postgres::open(settings).unwrap();
    let divide = |by: i64| QueryRequest {
        params: Parameters::Positional(vec![by.into()]),
        ..QueryRequest::new("SELECT 12 / $1::int")
    };
    for (by, expected) in [(3, Some("[[4]]")), (0, None), (4, Some("[[3]]")), (0, None)] {
        let answer = database.query(divide(by)).await;
        match (answer, expected) {
            (Ok(result), Some(rows)) => {
                assert_eq!(serde_json::to_string(&result.rows).unwrap(), rows);
            }
            (Err(error), None) => {
                assert!(error.to_string().contains("division by zero"), "{error}")
            }
            (answer, _) => panic!("12 / {by}: {answer:?}"),
        }
    }
    let missing = database.query(QueryRequest::new("SELECT 12 / $1::int")).await;
    assert!(matches!(missing, Err(DatabaseError::InvalidArgument { .. })), "{missing:?}");
    // Left before its end each time, and stopped on the server before somebody else gets the session.
    let long = "SELECT repeat('x', 100) FROM (SELECT generate_series(1, 100000000)) s";
    for _ in 0..3 {
        let result = ask(&database, long).await.unwrap();
        assert_eq!(result.truncated_by, Some(Truncation::ResultBytes));
        assert_eq!(rows(&database, "SELECT 1").await, "[[1]]");
    }
    database.close().await;
}

#[tokio::test]
async fn what_others_commit_is_seen_although_the_statement_is_known() {
    let scratch = Scratch::empty().await;
    scratch.execute("CREATE TABLE t(n int)").await;
    let database = open(&scratch, 64);
    for count in 0..5 {
        assert_eq!(rows(&database, "SELECT count(*) FROM t").await, format!("[[{count}]]"));
        scratch.execute("INSERT INTO t VALUES (1)").await;
    }
    assert_eq!(stats(&database), (1, 4, 1));
    database.close().await;
}

#[tokio::test]
async fn without_the_transaction_a_known_query_is_judged_all_the_same() {
    let scratch = Scratch::empty().await;
    scratch.execute("CREATE FUNCTION f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'").await;
    let boundaries = Boundaries { guard: true, transaction: false };
    let mut settings = scratch.superuser();
    settings.pool.max = 1;
    let database = Postgres::open_behind(settings, boundaries).unwrap();
    for _ in 0..3 {
        assert_eq!(rows(&database, "SELECT f()").await, "[[1]]");
    }
    scratch
        .execute(
            "CREATE TABLE written(n int); CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql VOLATILE AS \
             'BEGIN INSERT INTO written VALUES (1); RETURN 1; END'",
        )
        .await;
    let refused = ask(&database, "SELECT f()").await;
    assert!(matches!(refused, Err(DatabaseError::Refused { .. })), "{refused:?}");
    assert_eq!(scratch.value("SELECT count(*) FROM written").await, "0");
    database.close().await;
}
