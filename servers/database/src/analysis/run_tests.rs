//! Whole analyses of real SQLite tables: figures against what SQL itself counts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fake::{File, analysed};
use super::report::Report;
use super::{AnalysisType, Stage};
use crate::catalog::RowCount;
use crate::engine::Engine;
use crate::error::ErrorKind;
use crate::request::QueryRequest;
use crate::sqlite::{Database, SqliteSettings};

fn sample() -> Database {
    Database::open(SqliteSettings::sample()).unwrap()
}

pub(super) async fn profile(engine: &dyn Engine, table: &str) -> Report {
    analysed(engine, table, AnalysisType::Profile).await.unwrap()
}

pub(super) fn json_of(report: &Report) -> Value {
    serde_json::to_value(report).unwrap()
}

/// The column of that name in the structured report.
pub(super) fn column<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}

#[tokio::test]
async fn the_states_are_profiled_as_counted_by_hand() {
    let report = json_of(&profile(&sample(), "states").await);
    assert_eq!(
        (
            &report["sample"]["row_count"],
            &report["sample"]["row_count_is"],
            &report["sample"]["method"]
        ),
        (&json!(56), &json!("exact"), &json!("all_rows"))
    );
    let kind = column(&report, "kind");
    assert_eq!(
        kind["top_values"],
        json!([{"value": "state", "count": 50}, {"value": "territory", "count": 5}, {"value": "district", "count": 1}])
    );
    assert_eq!((&kind["nulls"], &kind["distinct"]), (&json!(0), &json!({"exact": 3})));
    assert_eq!(column(&report, "capital")["nulls"], 6);
    assert_eq!(column(&report, "capital_latitude")["holds"], "number");
    assert_eq!(report["keys"]["declared"], json!([["code"], ["name"]]));
    assert_eq!(
        report["completed_stages"],
        json!(["discover", "sample", "quality", "analyse", "report"])
    );
}

#[tokio::test]
async fn figures_of_the_routes_are_those_of_sql() {
    let engine = sample();
    let report = json_of(&profile(&engine, "routes").await);
    let flights = column(&report, "flights");
    let sql =
        "SELECT min(flights), max(flights), avg(flights), count(DISTINCT flights) FROM routes";
    let row = Engine::query(&engine, QueryRequest::new(sql)).await.unwrap().rows.remove(0);
    let row = serde_json::to_value(row).unwrap();
    assert_eq!((&flights["range"]["min"], &flights["range"]["max"]), (&row[0], &row[1]));
    assert_eq!(flights["range"]["of"], "table");
    assert!((flights["mean"].as_f64().unwrap() / row[2].as_f64().unwrap() - 1.0).abs() < 1e-5);
    assert_eq!(flights["distinct"]["exact"], row[3]);
    // The median by SQL: the least value with half of the 5,366 rows at or below.
    let sql = "SELECT flights FROM routes ORDER BY flights LIMIT 1 OFFSET 2682";
    let row = Engine::query(&engine, QueryRequest::new(sql)).await.unwrap().rows.remove(0);
    assert_eq!(flights["quantiles"]["p50"], serde_json::to_value(row).unwrap()[0]);
    assert_eq!(report["keys"]["declared"], json!([["origin", "destination"]]));
}

#[tokio::test]
async fn a_view_without_a_key_is_analysed_and_infers_one() {
    let report = profile(&sample(), "airport_traffic").await;
    let keys = report.keys.as_ref().unwrap();
    assert!(keys.declared.is_empty());
    assert_eq!(keys.inferred, [["iata"]]);
    assert!(matches!(report.sample.as_ref().unwrap().population, RowCount::Exact(3_376)));
}

#[tokio::test]
async fn strikes_over_time_are_counted_by_month() {
    let engine = sample();
    let report = analysed(&engine, "wildlife_strikes", AnalysisType::TimeSeries).await.unwrap();
    let series = report.time_series.as_ref().unwrap();
    assert_eq!((series.column.as_str(), series.period.name()), ("flight_date", "month"));
    assert_eq!(series.counts.iter().sum::<u64>(), 1_112);
    let sql = "SELECT count(*), min(flight_date), max(flight_date) FROM wildlife_strikes WHERE flight_date LIKE '1999-08%'
               UNION ALL SELECT 0, min(flight_date), max(flight_date) FROM wildlife_strikes";
    let rows = Engine::query(&engine, QueryRequest::new(sql)).await.unwrap().rows;
    let rows = serde_json::to_value(rows).unwrap();
    assert_eq!((json!(series.first), json!(series.last)), (rows[1][1].clone(), rows[1][2].clone()));
    let begun: usize = series.first[..4].parse().unwrap();
    let month: usize = series.first[5..7].parse().unwrap();
    let index = (1999 - begun) * 12 + 8 - month;
    assert_eq!(json!(series.counts[index]), rows[0][0]);
    assert_eq!(series.season.as_ref().unwrap().lag_periods, 12);
}

#[tokio::test]
async fn arrivals_and_departures_go_together() {
    let report = analysed(&sample(), "airport_traffic", AnalysisType::Correlation).await.unwrap();
    let pair = &report.correlation.as_ref().unwrap().numeric[0];
    assert_eq!(pair.columns, ["departures", "arrivals"]);
    assert!(pair.pearson.unwrap() > 0.99, "{pair:?}");
    assert!(report.findings.iter().any(|finding| finding.contains("go together")));
    let none = analysed(&sample(), "states", AnalysisType::TimeSeries).await.unwrap_err();
    assert_eq!((none.error.kind(), none.stage), (ErrorKind::InvalidInput, Stage::Analyse));
}

#[tokio::test]
async fn quality_finds_what_was_put_in() {
    let file = File::new(
        "CREATE TABLE parent(id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
         CREATE TABLE child(parent_id REFERENCES parent(id), email TEXT, day TEXT, mixed, constant, empty);",
    );
    let connection = file.connection();
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for n in 0..40 {
        let (parent, email) = (
            if n == 7 { 99 } else { 1 + n % 2 },
            if n == 3 { "nobody".to_owned() } else { format!("u{n}@example.org") },
        );
        let (day, mixed) =
            (if n == 5 { "2024-02-30" } else { "2024-02-28" }, if n == 9 { "'x'" } else { "1" });
        connection
            .execute_batch(&format!(
                "INSERT INTO child VALUES ({parent}, '{email}', '{day}', {mixed}, 5, NULL)"
            ))
            .unwrap();
    }
    connection.execute_batch("INSERT INTO child SELECT * FROM child WHERE rowid = 1").unwrap();
    let report = analysed(&file.open(), "child", AnalysisType::Quality).await.unwrap();
    let quality = report.quality.as_ref().unwrap();
    let issues: Vec<(&str, &str, usize)> = quality
        .issues
        .iter()
        .map(|issue| (issue.column.as_str(), issue.what, issue.rows))
        .collect();
    for expected in [
        ("email", "no e-mail address, as the others are", 1),
        ("day", "no valid date, as the others are", 1),
        ("mixed", "values of another type than most", 1),
        ("constant", "the same value in every row", 41),
        ("empty", "nothing but NULL", 41),
    ] {
        assert!(issues.contains(&expected), "{expected:?} in {issues:?}");
    }
    assert_eq!(quality.duplicate_rows, 1);
    let reference = &quality.references[0];
    assert_eq!(
        (reference.rows_checked, reference.orphans, reference.complete),
        (Some(41), 1, true)
    );
    // 5 of 6 columns are full; 1 of 41 rows repeats; 3 of 205 values are wrong; 1 of 41 references is.
    let value = |part: &str| quality.score_parts.iter().find(|p| p.part == part).unwrap().value;
    assert_eq!(
        [value("completeness"), value("uniqueness"), value("validity"), value("references")],
        [0.8333, 0.9756, 0.9854, 0.9756]
    );
    let score = 40.0 * 0.8333 + 20.0 * 0.9756 + 25.0 * 0.9854 + 15.0 * 0.9756;
    assert!((quality.score.unwrap() - score).abs() < 1e-3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn figures_agree_with_sql_for_any_small_table(
        rows in proptest::collection::vec((proptest::option::of(-50_i64..50), proptest::option::of("[ab ]{0,3}")), 0..60)
    ) {
        let file = File::new("CREATE TABLE t(n, s)");
        let mut connection = file.connection();
        let transaction = connection.transaction().unwrap();
        for (n, s) in &rows {
            transaction.execute("INSERT INTO t VALUES (?, ?)", rusqlite::params![n, s]).unwrap();
        }
        transaction.commit().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(profile(&file.open(), "t"));
        let json = json_of(&report);
        let counted = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).unwrap();
        for name in ["n", "s"] {
            let found = column(&json, name);
            prop_assert_eq!(found["nulls"].as_i64(), counted(&format!("SELECT count(*) - count({name}) FROM t")));
            prop_assert_eq!(found["distinct"]["exact"].as_i64(), counted(&format!("SELECT count(DISTINCT {name}) FROM t")));
            let most = counted(&format!("SELECT max(c) FROM (SELECT count(*) AS c FROM t WHERE {name} IS NOT NULL GROUP BY {name})"));
            if let Some(top) = found["top_values"][0]["count"].as_i64() {
                prop_assert_eq!(Some(top), most);
            }
        }
        prop_assert_eq!(column(&json, "n")["range"]["min"].as_i64(), counted("SELECT min(n) FROM t"));
        prop_assert_eq!(column(&json, "n")["range"]["max"].as_i64(), counted("SELECT max(n) FROM t"));
        let duplicates = counted("SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT n, s FROM t)) FROM t");
        prop_assert_eq!(json["quality"]["duplicate_rows"].as_i64(), duplicates);
        let padded = counted("SELECT nullif(count(*), 0) FROM t WHERE s <> trim(s) AND trim(s) <> ''");
        let issue = json["quality"]["issues"].as_array().unwrap().iter()
            .find(|issue| issue["what"] == "white space in front or behind").and_then(|issue| issue["rows"].as_i64());
        prop_assert_eq!(issue, padded);
    }
}
