//! Wharf's answers on PostgreSQL against those of `psql`.

use serde_json::{Value, json};
use wharf_database::Databases;
use wharf_database::postgres::{Postgres, PostgresSettings, SecretUrl};
use wharf_testkit::Client;

use crate::compare::{bytes, compare, same_float, same_integer};
use crate::postgres::{NULL, filled, psql};
use crate::postgres_grammar::GRAMMAR;
use crate::query::Query;

#[tokio::test]
async fn postgres_answers_as_psql_does() {
    let own = filled("answers");
    let settings = PostgresSettings::from_url(&SecretUrl(&own.url)).unwrap();
    let databases = Databases::one("main", Postgres::open(settings).unwrap()).unwrap();
    let client = Client::memory(wharf_database::server(databases.clone())).await;
    let expected = |queries: &[Query]| psql(&own.url, "", queries);
    compare(&GRAMMAR, &client, expected, |expected, cell, column, _| same(expected, cell, column))
        .await;
    databases.close().await;
}

/// Whether a cell is what psql writes for it.
fn same(expected: &str, cell: &Value, column: &Value) -> bool {
    if cell.is_null() || expected == NULL {
        return cell.is_null() && expected == NULL;
    }
    match (column["type"].as_str().unwrap(), cell) {
        ("boolean", cell) => *cell == json!(expected == "t"),
        ("smallint" | "integer" | "bigint", cell) => same_integer(expected, cell),
        ("real" | "double precision", cell) => same_float(expected, cell),
        ("bytea", Value::Object(map)) => expected == format!("\\x{}", bytes(map)),
        ("bytea", _) => false,
        (_, cell) => *cell == json!(expected),
    }
}
