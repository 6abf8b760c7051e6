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
            arguments["limit"] = limit.clone();
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
        (json!(100_001), "maximum"),
        (json!(1.5), "type"),
    ] {
        let refused =
            client.call("execute_query", json!({"query": "SELECT 1", "limit": limit})).await;
        refused.expect_error(ErrorKind::InvalidInput);
        let details = refused.details();
        assert_eq!(
            (&details[0]["pointer"], &details[0]["rule"]),
            (&json!("/limit"), &json!(rule)),
            "{details}"
        );
    }
}

#[tokio::test]
async fn values_that_are_cut_say_where_they_are_and_how_to_read_them() {
    let client = Client::memory(sample(|settings| settings.limits.max_cell_bytes = 16)).await;
    for format in ["json", "csv", "markdown"] {
        let sql = "SELECT 1 AS n, 'abcdefghijklmnopqrst' AS long, zeroblob(99) AS b UNION ALL SELECT 2, '', ''";
        let arguments = json!({"query": sql, "format": format, "limit": 1});
        let outcome = client.call("execute_query", arguments).await;
        let found: Value = outcome.structured();
        let hint = found["hint"].as_str().unwrap();
        assert!(hint.starts_with("there are more rows: "), "{hint}");
        let cut =
            "; values of \"long\", \"b\" are cut after 16 bytes: read them in pieces with substr()";
        assert!(hint.ends_with(cut), "{hint}");
        assert_eq!(found["cut_cells"], 2);
    }
    let piece = rows(&client, json!({"query": "SELECT substr('abcdefghijklmnopqrst', 17)"})).await;
    assert_eq!(piece, json!([["qrst"]]));
}

#[tokio::test]
async fn large_results_are_cut_by_bytes_and_say_so() {
    let client =
        Client::memory(sample(|settings| settings.limits.max_result_bytes = 100_000)).await;
    let sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) \
               SELECT n, printf('%.1000c', 'x') FROM c";
    let outcome = client.call("execute_query", json!({"query": sql, "limit": 1000})).await;
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
    check(
        "execute_query",
        json!({"query": "SELECT 1", "timeout_seconds": 301}),
        "/timeout_seconds",
    )
    .await;
    check("execute_query", json!({"query": "SELECT 1", "databse": "x"}), "/databse").await;
    check("execute_query", json!({"query": "SELECT 1", "format": "xml"}), "/format").await;
    check("describe_table", json!({"table": "x".repeat(257)}), "/table").await;
    check("list_tables", json!({"pattern": ""}), "/pattern").await;
}

#[tokio::test]
async fn the_other_formats_hold_the_same_rows_as_text() {
    let client = Client::memory(sample(|_| {})).await;
    let sql = "SELECT 9007199254740993 AS big, NULL AS \"none, really\", 'a|b' AS big UNION ALL SELECT 1, '', 'c'";
    for (format, expected) in [
        ("csv", "big,\"none, really\",big\r\n9007199254740993,,a|b\r\n1,\"\",c\r\n"),
        (
            "markdown",
            "| big | none, really | big |\n|---|---|---|\n| 9007199254740993 | NULL | a\\|b |\n| 1 |  | c |\n",
        ),
    ] {
        let outcome = client.call("execute_query", json!({"query": sql, "format": format})).await;
        assert_eq!(outcome.text(), expected);
        let result: Value = outcome.structured();
        assert_eq!(
            (&result["text"], &result["row_count"], &result["truncated"]),
            (&json!(expected), &json!(2), &json!(false))
        );
        assert_eq!(result["columns"][0]["name"], "big");
        let cut = json!({"query": sql, "format": format, "limit": 1});
        let cut = client.call("execute_query", cut).await;
        assert!(cut.structured::<Value>()["hint"].as_str().unwrap().contains("raise limit"));
    }
}

#[tokio::test]
async fn a_plan_is_shown_and_nothing_is_run() {
    let client = Client::memory(sample(|_| {})).await;
    let plan = client
        .call(
            "explain_query",
            json!({"query": "SELECT * FROM airports WHERE iata = ?", "params": ["SFO"]}),
        )
        .await
        .structured::<Value>();
    assert!(plan["plan"].as_str().unwrap().contains("USING PRIMARY KEY (iata=?)"), "{plan}");
    assert_eq!(plan["analyzed"], false);
    for (sql, kind) in [
        ("SELECT 1; DELETE FROM airports", ErrorKind::InvalidInput),
        ("(ANALYZE) DELETE FROM airports", ErrorKind::InvalidInput),
        ("DELETE FROM airports", ErrorKind::PermissionDenied),
    ] {
        let refused = client.call("explain_query", json!({"query": sql})).await;
        assert!(refused.is_error(), "{sql}");
        let code = refused.error_code().unwrap();
        assert!(
            [kind, ErrorKind::PermissionDenied].iter().any(|k| k.code() == code),
            "{sql} {code}"
        );
    }
    let measured = json!({"query": "SELECT 1", "analyze": true});
    client.call("explain_query", measured).await.expect_error(ErrorKind::InvalidInput);
}

#[tokio::test]
async fn what_is_looked_for_is_found_by_name() {
    let client = Client::memory(sample(|_| {})).await;
    let found = client
        .call("search_schema", json!({"pattern": "city*", "detail_level": "names"}))
        .await
        .structured::<Value>();
    assert_eq!(found, json!({"names": ["airports.city"], "truncated": false}));
    let full = client
        .call("search_schema", json!({"pattern": "airports", "detail_level": "full"}))
        .await
        .structured::<Value>();
    assert_eq!(full["found"][0], json!({"kind": "table", "name": "airports"}));
    assert_eq!(full["tables"][0]["columns"][0]["name"], "iata");
}

#[tokio::test]
async fn sample_rows_and_names_with_quotes_are_shown() {
    let file = crate::File::new();
    let client = Client::memory(&file.service).await;
    let described = client
        .call("describe_table", json!({"table": "main.users", "samples": true}))
        .await
        .structured::<Value>();
    assert_eq!(described["sample_rows"][0][1], "user 1");
    for table in ["users); DROP TABLE users; --", "\"users\"; DELETE FROM users", "x.users"] {
        let refused = client.call("describe_table", json!({"table": table})).await;
        refused.expect_error(ErrorKind::ResourceNotFound);
    }
}

#[tokio::test]
async fn databases_are_chosen_by_name() {
    let client = Client::memory(sample(|_| {})).await;
    let list = client.call("list_databases", json!({})).await.structured::<Value>();
    assert_eq!(
        list,
        json!({"databases": [{"name": "main", "dialect": "SQLite", "default": true}]})
    );
    for (tool, arguments) in [
        ("execute_query", json!({"query": "SELECT 1", "database": "../../etc/passwd"})),
        ("list_tables", json!({"schema": "no_such_schema"})),
    ] {
        let refused = client.call(tool, arguments).await;
        refused.expect_error(ErrorKind::ResourceNotFound);
        assert!(refused.message().contains("did you mean \"main\""), "{}", refused.message());
    }
}

#[tokio::test]
async fn the_largest_result_by_default_is_whole_beside_its_text() {
    let client = Client::memory(sample(|_| {})).await;
    let sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9999) \
               SELECT n, printf('%.100c', '\"') FROM c";
    for format in ["json", "csv", "markdown"] {
        let arguments = json!({"query": sql, "limit": 10_000, "format": format});
        let outcome = client.call("execute_query", arguments).await;
        let result: Value = outcome.structured();
        assert_eq!(result["truncated_by"], "result_bytes");
        assert!(outcome.json().to_string().len() > 700_000);
        assert_eq!(outcome.json()["_meta"].get("dev.wharf/truncated"), None);
    }
}

#[tokio::test]
async fn a_misspelt_table_is_answered_with_near_names() {
    let client = Client::memory(sample(|_| {})).await;
    for (tool, sql, expected) in [
        ("execute_query", "SELECT * FROM airport", "did you mean \"airports\""),
        ("execute_query", "SELECT 1 FROM main.airprots a", "did you mean \"airports\""),
        ("explain_query", "SELECT * FROM wildlife_strike", "did you mean \"wildlife_strikes\""),
        ("execute_query", "SELECT * FROM zzz", "list them to see the names"),
    ] {
        let refused = client.call(tool, json!({"query": sql})).await;
        let message = refused.expect_error(ErrorKind::InvalidInput).message();
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn numbers_in_parameters_keep_what_was_sent() {
    let client = Client::memory(sample(|_| {})).await;
    let sql = "SELECT 7 / ?1, typeof(?1)";
    let sent = |params: &str| {
        let text = format!(r#"{{"query": "{}", "params": {params}}}"#, sql);
        client.call("execute_query", serde_json::from_str(&text).unwrap())
    };
    let found: Value = sent("[2.0]").await.structured();
    assert_eq!(found["rows"], json!([[3.5, "real"]]));
    let found: Value = sent("[2]").await.structured();
    assert_eq!(found["rows"], json!([[3, "integer"]]));
    // A model that sends the array as a text is understood, too.
    let found: Value = sent("\"[2]\"").await.structured();
    assert_eq!(found["rows"], json!([[3, "integer"]]));
}

#[tokio::test]
async fn a_statement_that_already_explains_is_told_what_to_leave_out() {
    let client = Client::memory(sample(|_| {})).await;
    for query in ["EXPLAIN SELECT 1", " explain\nquery plan SELECT 1", "Explain(ANALYZE) SELECT 1"]
    {
        let refused = client.call("explain_query", json!({"query": query})).await;
        let error = refused.expect_error(ErrorKind::InvalidInput);
        assert!(error.message().contains("leave EXPLAIN out"), "{query}: {}", error.message());
    }
    let refused = client.call("explain_query", json!({"query": "explains"})).await;
    let error = refused.expect_error(ErrorKind::InvalidInput);
    assert!(!error.message().contains("leave EXPLAIN out"), "{}", error.message());
    let unfinished = query(&client, "SELECT").await;
    let unfinished = unfinished.expect_error(ErrorKind::InvalidInput);
    assert!(
        unfinished.message().starts_with("the SQL was not understood"),
        "{}",
        unfinished.message()
    );
}

#[tokio::test]
async fn a_list_that_is_cut_says_how_to_narrow_it() {
    let client = Client::memory(sample(|settings| settings.limits.max_tables = 2)).await;
    let list: Value = client.call("list_tables", json!({})).await.structured();
    assert_eq!((list["tables"].as_array().unwrap().len(), &list["truncated"]), (2, &json!(true)));
    assert!(list["hint"].as_str().unwrap().contains("pattern"));
    let list: Value = client.call("list_tables", json!({"pattern": "airports"})).await.structured();
    assert_eq!(list.get("hint"), None);
    let found: Value =
        client.call("search_schema", json!({"pattern": "airports"})).await.structured();
    assert_eq!(found.get("hint"), None);
}
