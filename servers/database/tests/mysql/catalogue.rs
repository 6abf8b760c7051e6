//! The catalogue: lists, descriptions, searches and what an operator is told.

use serde_json::json;
use wharf::ErrorKind;
use wharf_database::Databases;
use wharf_database::catalog::{RowCount, TableKind};
use wharf_database::engine::Engine;
use wharf_database::error::DatabaseError;
use wharf_database::mysql::Database;
use wharf_database::names::TableName;
use wharf_database::request::TableFilter;
use wharf_database::search::{FindingKind, Search};
use wharf_testkit::Client;

use super::arguments;
use super::fixture::Fixture;

#[tokio::test]
async fn tables_are_listed_with_what_is_known_about_them() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let filter = TableFilter { pattern: Some("*o*".into()), schema: None };
    let list = database.tables(&filter).await.unwrap();
    let names: Vec<_> = list.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "boxes",
            "nested_totals",
            "Order Items",
            "orders",
            "orders_big",
            "people",
            "user_totals",
            "v_accounts",
            "v_lock"
        ]
    );
    let boxes = &list.tables[0];
    assert_eq!((boxes.kind, boxes.column_count, &boxes.schema), (TableKind::Table, 7, &None));
    assert_eq!(boxes.comment.as_deref(), Some("things that hold things"));
    assert!(matches!(boxes.rows, RowCount::Estimate(_)) && boxes.size_bytes.is_some());
    let view = &list.tables[1];
    assert_eq!((view.kind, view.rows, &view.comment), (TableKind::View, RowCount::Unknown, &None));
    let counted = database
        .tables(&TableFilter { pattern: Some("audit".into()), schema: None })
        .await
        .unwrap();
    assert_eq!(counted.tables[0].rows, RowCount::Exact(0));

    let named = TableFilter { schema: Some(fixture.name.clone()), ..TableFilter::default() };
    assert!(database.tables(&named).await.unwrap().tables.len() > 10);
    let wrong = TableFilter { schema: Some("no_such_schema".into()), ..TableFilter::default() };
    assert!(matches!(database.tables(&wrong).await, Err(DatabaseError::UnknownSchema { .. })));
}

#[tokio::test]
async fn a_listing_is_bounded() {
    let fixture = Fixture::new().await;
    let mut settings = fixture.reader().await;
    settings.limits.max_tables = 3;
    let database = Database::open(settings).unwrap();
    let list = database.tables(&TableFilter::default()).await.unwrap();
    assert_eq!((list.tables.len(), list.truncated), (3, true));
}

#[tokio::test]
async fn a_table_is_described_with_its_keys_and_conditions() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let boxes = database.describe(&TableName::new("boxes")).await.unwrap();
    assert_eq!(boxes.primary_key, ["id"]);
    assert_eq!(boxes.unique, [["width", "height"]]);
    assert_eq!(boxes.comment.as_deref(), Some("things that hold things"));
    let key = &boxes.foreign_keys[0];
    assert_eq!((key.columns[0].as_str(), key.references_table.as_str()), ("parent", "boxes"));
    assert_eq!((key.on_delete.as_str(), key.on_update.as_str()), ("SET NULL", "CASCADE"));
    assert_eq!(boxes.checks, ["`height` in (1,2,3)", "`width` > 0"]);
    let column = |name: &str| boxes.columns.iter().find(|column| column.name == name).unwrap();
    assert!(column("id").generated && column("id").primary_key && !column("id").nullable);
    assert!(column("area").generated && column("area").nullable);
    let label = column("label");
    assert_eq!(label.default.as_deref(), Some("concat('a','b')"));
    assert_eq!((label.max_length, label.comment.as_deref()), (Some(30), Some("what is on it")));
    assert_eq!(column("kind").declared_type, "enum('small','large')");
    assert_eq!(column("kind").default.as_deref(), Some("'small'"));
    assert_eq!(column("parent").default, None);
    let names: Vec<_> = boxes.indexes.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(names, ["boxes_parent", "by_label", "size"]);

    let view = database.describe(&TableName::new("user_totals")).await.unwrap();
    assert_eq!(view.kind, TableKind::View);
    assert!(view.sql.unwrap().contains("sum("));
}

#[tokio::test]
async fn names_are_data_whatever_they_hold() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    for name in ["we\"ird", "we`ird", "Order Items"] {
        assert_eq!(database.describe(&TableName::new(name)).await.unwrap().name, name);
    }
    let apart = TableName { schema: Some(fixture.name.clone()), name: "we`ird".into() };
    assert_eq!(database.describe(&apart).await.unwrap().name, "we`ird");
    let dotted = TableName::new(format!("{}.users", fixture.name));
    assert_eq!(database.describe(&dotted).await.unwrap().name, "users");
    for name in [
        "users); DROP TABLE users; --",
        "`users`; DELETE FROM users",
        "users' OR '1'='1",
        "",
        "x\0y",
    ] {
        let error = database.describe(&TableName::new(name)).await.unwrap_err();
        assert!(matches!(error, DatabaseError::UnknownTable { .. }), "{name:?}: {error:?}");
    }
    match database.describe(&TableName::new("user")).await.unwrap_err() {
        DatabaseError::UnknownTable { suggestions, .. } => assert_eq!(suggestions[0], "users"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn everything_with_a_name_is_found() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let search = |pattern: &str, limit| Search { pattern: pattern.into(), schema: None, limit };
    let found = database.search(&search("*total*", 100)).await.unwrap();
    let seen: Vec<_> = found.found.iter().map(|one| (one.kind, one.name.as_str())).collect();
    assert_eq!(seen[0], (FindingKind::View, "nested_totals"));
    assert!(seen.contains(&(FindingKind::Column, "total")));
    let function = found.found.last().unwrap();
    assert_eq!((function.kind, function.name.as_str()), (FindingKind::Function, "order_total"));
    assert_eq!(function.type_name.as_deref(), Some("(uid int(11)) decimal(12,2)"));
    let few = database.search(&search("*", 3)).await.unwrap();
    assert_eq!((few.found.len(), few.truncated), (3, true));
    let email = database.search(&search("email", 10)).await.unwrap();
    assert_eq!(email.found[0].comment.as_deref(), Some("where to write"));
}

#[tokio::test]
async fn the_operator_is_told_about_a_role_that_may_do_more_than_read() {
    let fixture = Fixture::new().await;
    let reader = fixture.database().await;
    assert_eq!(reader.check().await.unwrap().warnings, Vec::<String>::new());
    let everything = Database::open(fixture.everything()).unwrap();
    let warnings = everything.check().await.unwrap().warnings;
    assert!(warnings[0].contains("ALL PRIVILEGES ON *.*"), "{warnings:?}");
    assert!(warnings[0].contains(&format!("GRANT SELECT, SHOW VIEW ON `{}`.*", fixture.name)));
    assert!(!warnings[0].contains("PASSWORD '*"), "{warnings:?}");
}

#[tokio::test]
async fn a_misspelt_table_is_answered_with_near_names() {
    let fixture = Fixture::new().await;
    let databases = Databases::one("main", fixture.database().await).unwrap();
    let client = Client::memory(wharf_database::server(databases.clone())).await;
    for (tool, sql, expected) in [
        ("execute_query", "SELECT * FROM oders", "did you mean \"orders\""),
        ("explain_query", "SELECT * FROM poeple", "did you mean \"people\""),
        ("execute_query", "SELECT * FROM zzz", "list them to see the names"),
    ] {
        let refused = client.call(tool, json!({"query": sql})).await;
        let message = refused.expect_error(ErrorKind::InvalidInput).message();
        assert!(message.contains(expected), "{message}");
    }
    databases.close().await;
}

#[tokio::test]
async fn attacks_on_other_arguments_fail() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let databases = Databases::one("main", database.clone()).unwrap();
    arguments::meet_all(&wharf_database::server(databases.clone()).build().unwrap()).await;
    let users = super::fixture::rows(&database, "SELECT count(*) FROM users").await;
    assert_eq!(users, json!([[20]]));
    databases.close().await;
}

#[tokio::test]
async fn an_invisible_column_is_in_sample_rows_and_in_the_row_of_a_key() {
    let fixture = Fixture::new().await;
    fixture
        .run(
            "CREATE TABLE shy(id INT PRIMARY KEY, secret INT INVISIBLE DEFAULT 7, last VARCHAR(9), \
             KEY beginning (last(3), id), FULLTEXT KEY words (last)); INSERT INTO shy(id, last) VALUES (1, 'z')",
        )
        .await;
    let databases = Databases::one("main", fixture.database().await).unwrap();
    let client = Client::memory(wharf_database::server(databases.clone())).await;
    let samples = json!({"table": "shy", "samples": true});
    let described: serde_json::Value = client.call("describe_table", samples).await.structured();
    assert_eq!(described["columns"][1]["name"], "secret");
    assert_eq!(described["sample_rows"], json!([[1, 7, "z"]]));
    assert_eq!(
        described["indexes"],
        json!([
            {"name": "beginning", "columns": [null, "id"], "unique": false, "definition": "BTREE (`last`(3), `id`)"},
            {"name": "words", "columns": ["last"], "unique": false, "definition": "FULLTEXT (`last`)"}
        ])
    );
    let row = client.read("db://main/shy/1").await;
    let text = row.result()["contents"][0]["text"].as_str().unwrap();
    let row: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(row["row"], json!({"id": 1, "secret": 7, "last": "z"}));
    databases.close().await;
}
