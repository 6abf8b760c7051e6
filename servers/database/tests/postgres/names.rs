//! A statement that names a table that is not there is answered with the names that are near.

use serde_json::json;
use wharf::ErrorKind;
use wharf_database::Databases;
use wharf_database::postgres::{Postgres, PostgresSettings, SecretUrl};
use wharf_testkit::Client;

use super::support::database::OwnDatabase;

#[tokio::test]
async fn a_misspelt_table_is_answered_with_near_names() {
    let own = OwnDatabase::postgres("names");
    own.run(
        "CREATE SCHEMA sales; CREATE TABLE customers(id int); CREATE TABLE sales.invoices(id int)",
    );
    let mut settings = PostgresSettings::from_url(&SecretUrl(&own.url)).unwrap();
    settings.writes = true;
    let databases = Databases::one("main", Postgres::open(settings).unwrap()).unwrap();
    let client = Client::memory(wharf_database::server(databases.clone())).await;
    let long = format!("SELECT * FROM {}", "x".repeat(60_000));
    for (tool, sql, expected) in [
        ("execute_query", "SELECT * FROM custmers", "did you mean \"customers\"?"),
        ("execute_query", "SELECT * FROM sales.invoice", "did you mean \"invoices\"?"),
        ("execute_query", "SELECT * FROM invoices", "did you mean \"sales.invoices\"?"),
        ("explain_query", "SELECT * FROM customer", "did you mean \"customers\"?"),
        ("execute_query", "SELECT * FROM zzz", "list them to see the names"),
        ("execute_query", long.as_str(), "list them to see the names"),
    ] {
        let refused = client.call(tool, json!({"query": sql})).await;
        let message = refused.expect_error(ErrorKind::InvalidInput).message();
        assert!(message.contains(expected) && message.len() < 2_000, "{message}");
    }
    // A name that the caller has misspelt in another way is the database's own to explain.
    let column = client.call("execute_query", json!({"query": "SELECT nme FROM customers"})).await;
    assert!(!column.expect_error(ErrorKind::InvalidInput).message().contains("did you mean"));
    databases.close().await;
}
