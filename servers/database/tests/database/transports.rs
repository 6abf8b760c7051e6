//! The same over every transport and in both eras.

use serde_json::{Value, json};
use wharf::{ErrorKind, Revision};
use wharf_testkit::{Client, ClientBuilder, HttpSite, example};

use crate::{query, rows, sample};

async fn use_it(client: ClientBuilder) {
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = client.clone().revision(revision).await;
        assert_eq!(
            client.tool_names().await,
            [
                "list_databases",
                "list_tables",
                "describe_table",
                "search_schema",
                "execute_query",
                "explain_query",
                "long_running_analysis"
            ]
        );
        let tables: Value = client.call("list_tables", json!({})).await.structured();
        assert_eq!(tables["tables"].as_array().unwrap().len(), 5, "{tables}");
        let sql = json!({"query": "SELECT count(*) FROM airports WHERE state_code = ?", "params": ["HI"]});
        assert!(rows(&client, sql).await[0][0].as_i64().unwrap() > 10);
        query(&client, "DELETE FROM airports").await.expect_error(ErrorKind::PermissionDenied);
        client.close().await;
    }
}

#[tokio::test]
async fn it_works_in_memory() {
    use_it(Client::memory(sample(|_| {}))).await;
}

#[tokio::test]
async fn it_works_over_http() {
    let site = HttpSite::start(sample(|_| {})).await;
    use_it(Client::http(site.url())).await;
    site.shut_down().await;
}

#[tokio::test]
async fn it_works_over_stdio() {
    use_it(Client::command([example("database_stdio")])).await;
}
