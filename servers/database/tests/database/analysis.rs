//! `long_running_analysis` as a client meets it: the report, the progress, and failures that keep what was found.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wharf::{ErrorKind, Revision};
use wharf_database::{
    Databases,
    sqlite::{Database, SqliteSettings},
};
use wharf_testkit::Client;

use crate::{rows, sample};

async fn analyse(client: &Client, table: &str, analysis_type: &str) -> wharf_testkit::CallOutcome {
    let arguments = json!({"table": table, "analysis_type": analysis_type});
    client.call("long_running_analysis", arguments).await
}

#[tokio::test]
async fn a_report_comes_as_figures_and_as_text_after_its_progress() {
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = Client::memory(sample(|_| {})).revision(revision).await;
        let outcome = analyse(&client, "wildlife_strikes", "profile").await;
        let report: Value = outcome.structured();
        assert_eq!(report["sample"]["rows"], 1_112);
        let text = outcome.text();
        assert!(text.starts_with("# profile: wildlife_strikes\n"), "{text}");
        assert!(text.contains("| cost_usd | number |"), "{text}");
        let progress = client.progress();
        assert!(!progress.is_empty());
        let done: Vec<f64> = progress.iter().map(|one| one["progress"].as_f64().unwrap()).collect();
        assert!(done.windows(2).all(|pair| pair[0] < pair[1]), "{done:?}");
        let last = progress.last().unwrap();
        assert_eq!((last["progress"].as_f64(), last["total"].as_f64()), (Some(100.0), Some(100.0)));
        assert_eq!(last["message"], "report: done");
        client.close().await;
    }
}

#[tokio::test]
async fn every_kind_of_analysis_answers() {
    let client = Client::memory(sample(|_| {})).await;
    let quality: Value = analyse(&client, "airports", "quality").await.structured();
    let references = &quality["quality"]["references"][0];
    // 12 airports have no state, and the other 3,364 have one that exists.
    assert_eq!((&references["rows_checked"], &references["orphans"]), (&json!(3_364), &json!(0)));
    let correlation: Value = analyse(&client, "wildlife_strikes", "correlation").await.structured();
    assert!(correlation["correlation"]["categories"].as_array().unwrap().len() > 3);
    let series: Value = analyse(&client, "wildlife_strikes", "time_series").await.structured();
    let monthly = rows(
        &client,
        json!({"query": "SELECT count(*) FROM wildlife_strikes GROUP BY substr(flight_date, 1, 7) ORDER BY 1 DESC LIMIT 1"}),
    )
    .await;
    let counts = series["time_series"]["counts"].as_array().unwrap();
    assert_eq!(counts.iter().filter_map(Value::as_u64).max(), monthly[0][0].as_u64());
}

#[tokio::test]
async fn what_cannot_be_analysed_is_refused_with_what_can() {
    let client = Client::memory(sample(|_| {})).await;
    let refused = analyse(&client, "airport", "profile").await;
    refused.expect_error(ErrorKind::ResourceNotFound);
    assert!(refused.message().contains("airports"), "{}", refused.message());
    assert_eq!(refused.details(), Value::Null);
    analyse(&client, "airports", "everything").await.expect_error(ErrorKind::InvalidInput);
    analyse(&client, "'; DROP TABLE airports; --", "profile")
        .await
        .expect_error(ErrorKind::ResourceNotFound);
    // What the stages before found comes with the refusal.
    let refused = analyse(&client, "states", "time_series").await;
    refused.expect_error(ErrorKind::InvalidInput);
    let details = refused.details();
    assert_eq!(details["failed_stage"], "analyse");
    assert_eq!(details["report"]["completed_stages"], json!(["discover", "sample", "quality"]));
    assert_eq!(details["report"]["sample"]["rows"], 56);
}

#[tokio::test]
async fn an_analysis_that_runs_out_of_its_database_keeps_its_stages() {
    // So little work is allowed that only the catalogue can be read.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t(x); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) INSERT INTO t SELECT n FROM c;",
        )
        .unwrap();
    let mut settings = SqliteSettings::file(path);
    settings.limits.max_work_steps = 4_000;
    let engine = Database::open(settings).unwrap();
    let databases = Databases::one("main", engine).unwrap();
    let client = Client::memory(wharf_database::server(databases)).await;
    let stopped = analyse(&client, "t", "profile").await;
    stopped.expect_error(ErrorKind::Timeout);
    assert_eq!(stopped.details()["failed_stage"], "sample");
    assert_eq!(stopped.details()["report"]["table"]["name"], "t");
}

#[tokio::test]
async fn a_caller_who_gives_up_frees_the_connection() {
    let engine = Arc::new(Database::open(SqliteSettings::sample()).unwrap());
    let databases = Databases::new([("main".to_owned(), Arc::clone(&engine) as _)], None).unwrap();
    let client = Client::memory(wharf_database::server(databases)).await;
    for patience in [0, 1, 5, 20] {
        let work = analyse(&client, "airports", "quality");
        let _ = tokio::time::timeout(Duration::from_millis(patience), work).await;
    }
    // With every connection free again this is answered at once, and whole.
    let report: Value = analyse(&client, "states", "profile").await.structured();
    assert_eq!(report["completed_stages"].as_array().unwrap().len(), 5);
}
