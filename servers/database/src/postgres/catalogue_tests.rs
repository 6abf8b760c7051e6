//! What the catalogue says about tables, whatever they are called.

use serde_json::{Value, json};

use super::Postgres;
use super::scratch::Scratch;
use crate::catalog::{RowCount, TableDescription};
use crate::engine::Engine as _;
use crate::error::DatabaseError;
use crate::names::TableName;
use crate::request::{ExplainRequest, QueryRequest, TableFilter};
use crate::search::Search;

const SCHEMA: &str = "CREATE SCHEMA sales; \
     CREATE TABLE sales.region(id int PRIMARY KEY, name varchar(20) NOT NULL UNIQUE); \
     COMMENT ON TABLE sales.region IS 'where'; COMMENT ON COLUMN sales.region.name IS 'its name'; \
     CREATE TABLE sales.deal(id int GENERATED ALWAYS AS IDENTITY, region int DEFAULT 1 REFERENCES sales.region ON DELETE SET NULL, \
       span int4range, price numeric(10,2) CHECK (price > 0), gross numeric GENERATED ALWAYS AS (price * 1.19) STORED, \
       PRIMARY KEY (id), EXCLUDE USING gist (span WITH &&)); \
     CREATE INDEX deal_price ON sales.deal (price, lower(region::text)) WHERE price > 10; \
     CREATE VIEW sales.open AS SELECT id FROM sales.deal; CREATE MATERIALIZED VIEW sales.kept AS SELECT 1 AS x; \
     CREATE FUNCTION sales.total(region int) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT 1.0'; \
     INSERT INTO sales.region SELECT g, 'r' || g FROM generate_series(1, 50) g; ANALYZE sales.region";

async fn open() -> (Scratch, Postgres) {
    let scratch = Scratch::with_fixture().await;
    scratch.execute(SCHEMA).await;
    let database = Postgres::open(scratch.superuser()).unwrap();
    (scratch, database)
}

async fn described(database: &Postgres, name: &str) -> Result<TableDescription, DatabaseError> {
    database.describe(&TableName::new(name)).await
}

#[tokio::test]
async fn tables_are_listed_with_what_is_known_about_them() {
    let (_scratch, database) = open().await;
    let filter = TableFilter { schema: Some("sales".into()), pattern: None };
    let list = serde_json::to_value(database.tables(&filter).await.unwrap()).unwrap();
    let names: Vec<&str> =
        list["tables"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["deal", "kept", "open", "region"]);
    let region = &list["tables"][3];
    assert_eq!(
        json!([
            region["row_count"],
            region["row_count_is"],
            region["column_count"],
            region["comment"],
            region["kind"]
        ]),
        json!([50, "estimate", 2, "where", "table"])
    );
    assert!(region["size_bytes"].as_u64().unwrap() > 8_000);
    assert_eq!(list["tables"][1]["kind"], "materialized_view");
    let all = database.tables(&TableFilter::default()).await.unwrap();
    assert!(all.tables.iter().any(|table| table.name == "we\"ird"));
    assert!(all.tables.iter().all(|table| table.schema.as_deref() != Some("pg_catalog")));
    let items = TableFilter { schema: None, pattern: Some("*item*".into()) };
    assert_eq!(database.tables(&items).await.unwrap().tables[0].name, "Order Items");
    let wrong = TableFilter { schema: Some("sale".into()), pattern: None };
    match database.tables(&wrong).await {
        Err(DatabaseError::UnknownSchema { suggestions }) => assert_eq!(suggestions, ["sales"]),
        other => panic!("{other:?}"),
    }
    database.close().await;
}

#[tokio::test]
async fn a_table_is_described_whole() {
    let (_scratch, database) = open().await;
    let deal = described(&database, "sales.deal").await.unwrap();
    let deal: Value = serde_json::to_value(deal).unwrap();
    assert_eq!(deal["primary_key"], json!(["id"]));
    assert_eq!(
        deal["foreign_keys"],
        json!([{"columns": ["region"], "references_table": "region", "references_columns": ["id"], "on_delete": "SET NULL", "on_update": "NO ACTION"}])
    );
    let columns = deal["columns"].as_array().unwrap();
    assert_eq!(columns[0]["generated"], true);
    assert_eq!(columns[1]["default"], "1");
    assert_eq!(columns[3]["type"], "numeric(10,2)");
    assert_eq!(columns[4]["generated"], true);
    let checks: Vec<&str> =
        deal["checks"].as_array().unwrap().iter().map(|check| check.as_str().unwrap()).collect();
    assert!(checks.iter().any(|check| check.contains("price > ")), "{checks:?}");
    assert!(checks.iter().any(|check| check.contains("EXCLUDE")), "{checks:?}");
    let index = deal["indexes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|index| index["name"] == "deal_price")
        .unwrap();
    assert_eq!(
        *index,
        json!({
            "name": "deal_price", "columns": ["price", null], "unique": false, "partial": true,
            "definition": "btree (price, lower(region::text)) WHERE price > 10::numeric"
        })
    );
    let region: Value =
        serde_json::to_value(described(&database, "Sales.REGION").await.unwrap()).unwrap();
    assert_eq!(region["unique"], json!([["name"]]));
    assert_eq!(region["columns"][1]["max_length"], 20);
    assert_eq!(region["columns"][1]["comment"], "its name");
    let view = described(&database, "sales.open").await.unwrap();
    assert!(view.sql.unwrap().contains("deal"));
    database.close().await;
}

#[tokio::test]
async fn rows_are_estimated_before_anybody_analyzes_and_over_partitions() {
    let scratch = Scratch::empty().await;
    scratch
        .execute(
            "CREATE TABLE fresh(id int PRIMARY KEY) WITH (autovacuum_enabled = off); \
             CREATE TABLE none(id int); \
             CREATE TABLE whole(id int) PARTITION BY RANGE (id); \
             CREATE TABLE low PARTITION OF whole FOR VALUES FROM (0) TO (100); \
             CREATE TABLE high PARTITION OF whole FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id); \
             CREATE TABLE highest PARTITION OF high FOR VALUES FROM (150) TO (200); \
             CREATE TABLE parentless(id int) PARTITION BY LIST (id); \
             INSERT INTO fresh SELECT generate_series(1, 30); \
             INSERT INTO whole SELECT g FROM generate_series(1, 199) g WHERE g < 100 OR g >= 150; ANALYZE whole",
        )
        .await;
    let database = Postgres::open(scratch.superuser()).unwrap();
    // A session reports what it has counted when it has something to do a second later.
    for _ in 0..10_000 {
        scratch.execute("SELECT 1").await;
        let list = database.tables(&TableFilter::default()).await.unwrap();
        let rows: Vec<_> = list.tables.iter().map(|table| (&*table.name, table.rows)).collect();
        let expected = [
            ("fresh", RowCount::Estimate(30)),
            ("none", RowCount::Estimate(0)),
            ("parentless", RowCount::Unknown),
            ("whole", RowCount::Estimate(149)),
        ];
        let is_counted = rows[0].1 != RowCount::Unknown;
        if is_counted {
            assert_eq!(rows, expected);
            assert!(list.tables[3].size_bytes.is_some_and(|bytes| bytes >= 16_384));
            let list = serde_json::to_value(&list.tables[2]).unwrap();
            let expected = json!({"schema": "public", "name": "parentless", "kind": "table", "column_count": 1});
            assert_eq!(list, expected);
            return database.close().await;
        }
    }
    panic!("the server does not say how many rows were inserted");
}

#[tokio::test]
async fn names_are_data_whatever_they_hold() {
    let (scratch, database) = open().await;
    assert_eq!(described(&database, "we\"ird").await.unwrap().columns[0].name, "x");
    assert_eq!(described(&database, "Order Items").await.unwrap().columns.len(), 2);
    for name in [
        "users); DROP TABLE users; --",
        "\"users\"; DELETE FROM users",
        "no_such",
        "pg_toast.x",
        "",
    ] {
        let refused = described(&database, name).await;
        assert!(matches!(refused, Err(DatabaseError::UnknownTable { .. })), "{name}: {refused:?}");
    }
    match described(&database, "user").await {
        Err(DatabaseError::UnknownTable { suggestions, .. }) => {
            assert!(suggestions.contains(&"users".to_owned()))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(scratch.value("SELECT count(*) FROM users").await, "20");
    database.close().await;
}

#[tokio::test]
async fn tables_columns_and_functions_are_found_by_name() {
    let (_scratch, database) = open().await;
    let search = Search { pattern: "region".into(), schema: None, limit: 10 };
    let found = serde_json::to_value(database.search(&search).await.unwrap()).unwrap();
    assert_eq!(
        found["found"],
        json!([
            {"kind": "table", "schema": "sales", "name": "region", "comment": "where"},
            {"kind": "column", "schema": "sales", "table": "deal", "name": "region", "type": "integer"},
        ])
    );
    let search = Search { pattern: "t?tal".into(), schema: Some("sales".into()), limit: 10 };
    let found = serde_json::to_value(database.search(&search).await.unwrap()).unwrap();
    assert_eq!(
        found["found"],
        json!([{"kind": "function", "schema": "sales", "name": "total", "type": "(region integer) -> numeric"}])
    );
    let search = Search { pattern: "*".into(), schema: None, limit: 3 };
    let found = database.search(&search).await.unwrap();
    assert_eq!((found.found.len(), found.truncated), (3, true));
    database.close().await;
}

#[tokio::test]
async fn plans_are_shown_and_measured_only_for_what_may_run() {
    let (_scratch, database) = open().await;
    let request = |sql: &str, analyze| ExplainRequest {
        sql: sql.into(),
        analyze,
        ..ExplainRequest::default()
    };
    let plan = database.explain(request("SELECT * FROM users", false)).await.unwrap();
    assert!(
        plan.plan.contains("Seq Scan on users") && !plan.plan.contains("actual"),
        "{}",
        plan.plan
    );
    let plan = database.explain(request("-- why\nSELECT count(*) FROM users", true)).await.unwrap();
    assert!(plan.plan.contains("actual"), "{}", plan.plan);
    for sql in [
        "(ANALYZE) DELETE FROM users",
        "SELECT 1; DELETE FROM users",
        "DELETE FROM users",
        "SELECT purge_users()",
        "ANALYZE SELECT purge_users()",
    ] {
        for analyze in [false, true] {
            assert!(database.explain(request(sql, analyze)).await.is_err(), "{sql}");
        }
    }
    database.close().await;
}

/// Makes an operator of the search path for every two types for which PostgreSQL has none. It would be taken before one of
/// PostgreSQL's own for which a side has to be converted.
const MEDDLING: &str = "DO $do$ DECLARE l text; r text; n text; \
       types text[] := ARRAY['oid', 'name', '\"char\"', 'int2', 'int4', 'int8', 'float4', 'float8', 'text', 'bool', 'regclass', 'varchar']; \
     BEGIN FOREACH l IN ARRAY types LOOP FOREACH r IN ARRAY types LOOP \
       EXECUTE format('CREATE FUNCTION meddles(%s, %s) RETURNS boolean LANGUAGE plpgsql AS $f$BEGIN RAISE EXCEPTION $$meddled$$; END$f$', l, r); \
       FOREACH n IN ARRAY ARRAY['=', '<>', '<', '<=', '>', '>=', '~', '!~', '~~', '~~*', '||', '+', '-'] LOOP \
         IF NOT EXISTS (SELECT FROM pg_operator o WHERE o.oprname = n AND o.oprleft = l::regtype AND o.oprright = r::regtype) THEN \
           EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = meddles)', n, l, r); \
         END IF; \
       END LOOP; END LOOP; END LOOP; END $do$";

#[tokio::test]
async fn no_operator_of_somebody_else_runs_when_the_catalogue_is_read() {
    let (scratch, database) = open().await;
    scratch
        .execute(
            "CREATE TABLE lengths(a char(3), b varchar(5), c bit(3), d int CHECK (d > 1) UNIQUE, e numeric(5, 2)); \
             CREATE TABLE parts(k int) PARTITION BY LIST (k); CREATE TABLE part PARTITION OF parts FOR VALUES IN (1); ANALYZE",
        )
        .await;
    scratch.execute(MEDDLING).await;
    let lengths = described(&database, "lengths").await.unwrap();
    assert_eq!(lengths.columns[1].max_length, Some(5));
    assert_eq!(lengths.columns[2].max_length, Some(3));
    for name in ["sales.deal", "sales.region", "sales.open", "sales.kept", "parts"] {
        described(&database, name).await.unwrap();
    }
    assert!(described(&database, "nothing").await.is_err_and(|error| error.detail().is_none()));
    assert!(!database.tables(&TableFilter::default()).await.unwrap().tables.is_empty());
    let search = Search { pattern: "*".into(), schema: None, limit: 500 };
    assert!(!database.search(&search).await.unwrap().found.is_empty());
    database.check().await.unwrap();
    assert_eq!(database.query(QueryRequest::new("SELECT 1")).await.unwrap().row_count, 1);
    database.close().await;
}
