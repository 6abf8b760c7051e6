//! Legitimate calls, their bounds, and refusals that a model can act on.

use serde_json::{Value, json};
use wharf::ErrorKind;
use wharf_testkit::{Client, assert_snapshots};

use crate::{query, rows, sample};

#[tokio::test]
async fn what_models_read_is_under_review() {
    assert_snapshots(sample(|_| {}), "tests/snapshots").await;
}

#[tokio::test]
async fn a_model_finds_its_way_from_tables_to_rows() {
    let client = Client::memory(sample(|_| {})).await;
    let tables: Value = client.call("list_tables", json!({"pattern": "AIR*"})).await.structured();
    let names: Vec<_> =
        tables["tables"].as_array().unwrap().iter().map(|table| &table["name"]).collect();
    assert_eq!(names, ["airport_traffic", "airports"]);
    let table: Value =
        client.call("describe_table", json!({"table": "airports"})).await.structured();
    assert_eq!(table["columns"][0]["name"], "iata");
    let found =
        rows(&client, json!({"query": "SELECT city FROM airports WHERE iata = 'SFO'"})).await;
    assert_eq!(found, json!([["San Francisco"]]));
}

#[tokio::test]
async fn parameters_are_bound_by_position_and_by_name() {
    let client = Client::memory(sample(|_| {})).await;
    let sql = "SELECT ?1 || ?2, typeof(?2)";
    assert_eq!(
        rows(&client, json!({"query": sql, "params": ["a", 1]})).await,
        json!([["a1", "integer"]])
    );
    for prefix in [":", "@", "$"] {
        let sql = format!("SELECT {prefix}city");
        for name in ["city".to_owned(), format!("{prefix}city")] {
            let found =
                rows(&client, json!({"query": sql, "params": {name: "'; DROP TABLE x; --"}})).await;
            assert_eq!(found, json!([["'; DROP TABLE x; --"]]));
        }
    }
    for (sql, params) in [
        ("SELECT ?", json!([])),
        ("SELECT ?", json!([1, 2])),
        ("SELECT :a", json!({"b": 1})),
        ("SELECT :a", json!({"a": {"base64": "?"}})),
        ("SELECT ?", json!([[1]])),
    ] {
        let refused = client.call("execute_query", json!({"query": sql, "params": params})).await;
        refused.expect_error(ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn row_limits_are_kept_at_their_edges_and_truncation_is_exact() {
    let client = Client::memory(sample(|_| {})).await;
    let count = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) SELECT n FROM c";
    let check = async |have: u32, limit: Value, expected: usize, truncated: bool| {
        let mut arguments = json!({"query": count, "params": [have]});
        if !limit.is_null() {
            arguments["row_limit"] = limit.clone();
        }
        let result: Value = client.call("execute_query", arguments).await.structured();
        assert_eq!(result["rows"].as_array().unwrap().len(), expected, "{have} of {limit}");
        assert_eq!(
            (&result["row_count"], &result["truncated"]),
            (&json!(expected), &json!(truncated))
        );
        let by = truncated.then(|| json!("row_limit"));
        assert_eq!(result.get("truncated_by"), by.as_ref(), "{have} of {limit}");
    };
    check(100, Value::Null, 100, false).await;
    check(101, Value::Null, 100, true).await;
    check(2, json!(1), 1, true).await;
    check(1, json!(1), 1, false).await;
    check(10_000, json!(10_000), 10_000, false).await;
    check(10_001, json!(10_000), 10_000, true).await;
    for (limit, rule) in [
        (json!(0), "minimum"),
        (json!(-1), "minimum"),
        (json!(10_001), "maximum"),
        (json!(1.5), "type"),
    ] {
        let refused =
            client.call("execute_query", json!({"query": "SELECT 1", "row_limit": limit})).await;
        refused.expect_error(ErrorKind::InvalidInput);
        let details = refused.details();
        assert_eq!(
            (&details[0]["pointer"], &details[0]["rule"]),
            (&json!("/row_limit"), &json!(rule)),
            "{details}"
        );
    }
}

#[tokio::test]
async fn large_results_are_cut_by_bytes_and_say_so() {
    let client =
        Client::memory(sample(|settings| settings.limits.max_result_bytes = 100_000)).await;
    let sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) \
               SELECT n, printf('%.1000c', 'x') FROM c";
    let outcome = client.call("execute_query", json!({"query": sql, "row_limit": 1000})).await;
    let result: Value = outcome.structured();
    assert_eq!(
        (&result["truncated"], &result["truncated_by"]),
        (&json!(true), &json!("result_bytes"))
    );
    assert!(result["rows"].to_string().len() <= 100_000);
}

#[tokio::test]
async fn a_wrong_name_is_answered_with_the_near_ones() {
    let client = Client::memory(sample(|_| {})).await;
    let refused = client.call("describe_table", json!({"table": "airport"})).await;
    refused.expect_error(ErrorKind::ResourceNotFound);
    assert!(refused.message().contains("did you mean \"airports\""), "{}", refused.message());
    let refused = query(&client, "SELECT * FROM airport").await;
    refused.expect_error(ErrorKind::InvalidInput);
    assert!(refused.message().contains("no such table: airport"), "{}", refused.message());
    let refused = query(&client, "SELECT cty FROM airports").await;
    refused.expect_error(ErrorKind::InvalidInput);
    let unknown = client.call("list_table", json!({})).await;
    assert!(unknown.message().contains("did you mean \"list_tables\""), "{}", unknown.message());
}

#[tokio::test]
async fn arguments_outside_the_schema_are_refused_with_their_pointer() {
    let client = Client::memory(sample(|_| {})).await;
    let check = async |tool: &str, arguments: Value, pointer: &str| {
        let refused = client.call(tool, arguments).await;
        refused.expect_error(ErrorKind::InvalidInput);
        assert_eq!(refused.details()[0]["pointer"], pointer, "{}", refused.json());
    };
    check("execute_query", json!({}), "/query").await;
    check("execute_query", json!({"query": ""}), "/query").await;
    check("execute_query", json!({"query": ["SELECT 1"]}), "/query").await;
    check("execute_query", json!({"query": "SELECT 1", "params": 5}), "/params").await;
    check("execute_query", json!({"query": "SELECT 1", "timeout_ms": 300_001}), "/timeout_ms")
        .await;
    check("execute_query", json!({"query": "SELECT 1", "database": "x"}), "/database").await;
    check("describe_table", json!({"table": "x".repeat(257)}), "/table").await;
    check("list_tables", json!({"pattern": ""}), "/pattern").await;
}
