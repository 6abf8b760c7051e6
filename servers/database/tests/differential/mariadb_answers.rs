//! Wharf's answers on MariaDB against those of the client `mariadb`.

use secrecy::SecretString;
use serde_json::{Value, json};
use wharf_database::Databases;
use wharf_database::mysql::{Database, MysqlSettings};
use wharf_testkit::Client;

use crate::compare::{bytes, compare, same_float, same_integer};
use crate::mariadb::{NULL, filled, mariadb};
use crate::mariadb_grammar::GRAMMAR;
use crate::query::Query;

#[tokio::test]
async fn mariadb_answers_as_its_own_client_does() {
    let own = filled("answers");
    let settings = MysqlSettings::from_url(&SecretString::from(own.url.clone())).unwrap();
    let databases = Databases::one("main", Database::open(settings).unwrap()).unwrap();
    let client = Client::memory(wharf_database::server(databases.clone())).await;
    let expected = |queries: &[Query]| mariadb(&own.url, "", queries);
    compare(&GRAMMAR, &client, expected, |expected, cell, column, _| same(expected, cell, column))
        .await;
    databases.close().await;
}

/// Whether a cell is what the client writes for it.
fn same(expected: &str, cell: &Value, column: &Value) -> bool {
    if cell.is_null() || expected == NULL {
        return cell.is_null() && expected == NULL;
    }
    let number = |digits: &str, radix| u64::from_str_radix(digits, radix).ok();
    match (column["type"].as_str().unwrap(), cell) {
        (name, cell) if name.contains("int") || name == "year" => same_integer(expected, cell),
        ("float" | "double", cell) => same_float(expected, cell),
        (name, Value::String(bits)) if name.starts_with("bit(") => {
            name == format!("bit({})", bits.len())
                && number(bits, 2) == expected.strip_prefix("0x").and_then(|hex| number(hex, 16))
        }
        (_, Value::Object(map)) => expected.to_lowercase() == format!("0x{}", bytes(map)),
        (_, cell) => *cell == json!(expected),
    }
}
