//! Tables of a real PostgreSQL, analysed: its own sampling, its types to the last digit, its privileges.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::Postgres;
use super::scratch::Scratch;
use crate::analysis::{AnalysisType, Interrupted, Stage, Watcher, analyse};
use crate::engine::Engine as _;
use crate::error::ErrorKind;
use crate::names::TableName;

struct Nobody;

impl Watcher for Nobody {
    fn tell<'a>(&'a self, _: Stage, _: usize, _: usize, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

async fn try_analysed(
    database: &Postgres,
    table: &str,
    analysis: AnalysisType,
) -> Result<Value, Interrupted> {
    let report = analyse(database, &TableName::new(table), analysis, &Nobody).await?;
    Ok(serde_json::to_value(&report).unwrap())
}

async fn analysed(database: &Postgres, table: &str, analysis: AnalysisType) -> Value {
    match try_analysed(database, table, analysis).await {
        Ok(report) => report,
        Err(ended) => panic!("{table}: {:?}: {}", ended.stage, ended.error),
    }
}

fn column<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}

#[tokio::test]
async fn values_keep_their_digits_and_their_kinds() {
    let scratch = Scratch::empty().await;
    scratch
        .execute(
            "CREATE TABLE kinds(n numeric, f float8, i bigint, t timestamptz, b boolean, j jsonb, a int[], y bytea, e text);
             INSERT INTO kinds VALUES
               (123456789012345678901234567890.12, 'NaN', 9223372036854775807, '2024-01-01 00:30+02', true, '{\"a\": 1}', '{1,2}', '\\x00', ''),
               ('NaN', 'Infinity', 9223372036854775806, 'infinity', false, '{\"a\": 1}', NULL, '\\x01', 'x'),
               (0.10, 1.5, NULL, '2024-01-03 12:00+00', true, '{\"a\":2}', '{1,2}', '\\x00', NULL)",
        )
        .await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    let report = analysed(&database, "kinds", AnalysisType::Profile).await;
    assert_eq!(report["sample"]["method"], "all_rows");
    let range = |name: &str| {
        (
            column(&report, name)["range"]["min"].clone(),
            column(&report, name)["range"]["max"].clone(),
        )
    };
    assert_eq!(range("n"), (json!("0.10"), json!("123456789012345678901234567890.12")));
    assert_eq!(range("i"), (json!("9223372036854775806"), json!("9223372036854775807")));
    assert_eq!(range("t"), (json!("2023-12-31T22:30:00"), json!("2024-01-03T12:00:00")));
    assert_eq!(column(&report, "n")["not_finite"]["nan"], 1);
    assert_eq!(
        column(&report, "f")["not_finite"],
        json!({"nan": 1, "infinity": 1, "minus_infinity": 0})
    );
    assert_eq!(
        column(&report, "b")["top_values"],
        json!([{"value": true, "count": 2}, {"value": false, "count": 1}])
    );
    for (name, distinct) in [("j", 2), ("a", 1), ("y", 2), ("e", 2)] {
        assert_eq!(column(&report, name)["distinct"], json!({"exact": distinct}), "{name}");
    }
}

#[tokio::test]
async fn large_tables_are_sampled_by_the_database_and_counted_over_time_exactly() {
    let scratch = Scratch::empty().await;
    scratch
        .execute(
            "CREATE TABLE big AS SELECT n AS id, n % 50 AS bucket, timestamptz '2020-01-01 00:00+00' + n * interval '10 minutes' AS at
               FROM generate_series(1, 100000) n;
             ALTER TABLE big ADD PRIMARY KEY (id);
             CREATE TABLE parts(id int, x int) PARTITION BY RANGE (id);
             CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (30000);
             CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (30000) TO (100000);
             INSERT INTO parts SELECT n, n FROM generate_series(1, 60000) n;
             CREATE VIEW seen AS SELECT id, bucket FROM big;
             ANALYZE",
        )
        .await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    let report = analysed(&database, "big", AnalysisType::Profile).await;
    assert_eq!(report["sample"]["method"], "tablesample_bernoulli");
    assert_eq!(
        (&report["sample"]["row_count"], &report["sample"]["row_count_is"]),
        (&json!(100_000), &json!("exact"))
    );
    assert_eq!(column(&report, "id")["range"], json!({"min": 1, "max": 100_000, "of": "table"}));
    assert_eq!(column(&report, "bucket")["distinct"]["estimate"], 50);
    let median = column(&report, "id")["quantiles"]["p50"].as_i64().unwrap();
    assert!((47_000..53_000).contains(&median), "{median}");

    let report = analysed(&database, "big", AnalysisType::TimeSeries).await;
    let series = &report["time_series"];
    assert_eq!((&series["counts_of"], &series["column"]), (&json!("table"), &json!("at")));
    let counts: Vec<u64> =
        series["counts"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert_eq!(counts.iter().sum::<u64>(), 100_000);
    let most = counts.iter().max().unwrap();
    let by_sql = format!(
        "SELECT max(c) FROM (SELECT count(*) AS c FROM big GROUP BY date_trunc('{}', at AT TIME ZONE 'UTC')) x",
        series["period"].as_str().unwrap()
    );
    assert_eq!(most.to_string(), scratch.value(&by_sql).await);

    let report = analysed(&database, "parts", AnalysisType::Profile).await;
    let median = column(&report, "x")["quantiles"]["p50"].as_i64().unwrap();
    assert!((27_000..33_000).contains(&median), "both parts are sampled: {median}");
    assert!(report["quality"]["duplicate_rows"] == 0);

    let report = analysed(&database, "seen", AnalysisType::Profile).await;
    assert_eq!(
        (&report["sample"]["method"], &report["sample"]["rows"]),
        (&json!("first_rows"), &json!(10_000))
    );
}

#[tokio::test]
async fn orphans_are_found_and_columns_without_privilege_left_out() {
    let scratch = Scratch::empty().await;
    scratch
        .execute(
            "CREATE TABLE parent(id int PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
             CREATE TABLE child(id int PRIMARY KEY, parent_id int, secret text);
             INSERT INTO child SELECT n, CASE WHEN n = 7 THEN 99 ELSE 1 END, 's' FROM generate_series(1, 50) n;
             ALTER TABLE child ADD FOREIGN KEY (parent_id) REFERENCES parent(id) NOT VALID",
        )
        .await;
    let settings = scratch.reader().await;
    let role = &settings.user;
    let database = Postgres::open(settings.clone()).unwrap();
    let report = analysed(&database, "child", AnalysisType::Quality).await;
    let reference = &report["quality"]["references"][0];
    assert_eq!((&reference["rows_checked"], &reference["orphans"]), (&json!(50), &json!(1)));

    scratch
        .execute(&format!(
            "REVOKE SELECT ON child FROM {role}; GRANT SELECT (id, parent_id) ON child TO {role}"
        ))
        .await;
    let database = Postgres::open(settings.clone()).unwrap();
    let report = analysed(&database, "child", AnalysisType::Profile).await;
    assert_eq!(report["table"]["unreadable_columns"], json!(["secret"]));
    assert_eq!(report["sample"]["rows"], 50);
    assert_eq!(report["columns"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_analysis_that_is_dropped_leaves_no_statement_behind() {
    let scratch = Scratch::empty().await;
    scratch.execute("CREATE TABLE t(id int); INSERT INTO t SELECT generate_series(1, 100)").await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    analysed(&database, "t", AnalysisType::Profile).await;
    scratch.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE").await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass";
    let mut work = Box::pin(try_analysed(&database, "t", AnalysisType::Profile));
    let mut ended = false;
    while !ended && scratch.value(waiting).await == "0" {
        ended = work.as_mut().now_or_never().is_some();
    }
    assert!(!ended, "the lock is in the way");
    drop(work);
    while scratch.value(waiting).await != "0" {}
    scratch.execute("ROLLBACK").await;
    analysed(&database, "t", AnalysisType::Profile).await;
    // Connections come back in tasks of their own.
    let returned = async {
        while database.pool_stats().in_use > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), returned).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let scratch = Scratch::empty().await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    let ended = try_analysed(&database, "nothing", AnalysisType::Profile).await.unwrap_err();
    assert_eq!((ended.error.kind(), ended.stage), (ErrorKind::NotFound, Stage::Discover));
}
