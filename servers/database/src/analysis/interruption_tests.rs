//! Analyses that do not come to their end: failures, hangs and drops in every stage, and tables that change meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::fake::{Act, Fake, File, NUMBERS, Told, analysed};
use super::{AnalysisType, Stage, analyse};
use crate::error::{DatabaseError, ErrorKind};
use crate::names::TableName;
use crate::sqlite::{Database, SqliteSettings};

/// How many requests an analysis makes, by the stage in which it makes them.
async fn requests(settings: &SqliteSettings, table: &str, analysis: AnalysisType) -> usize {
    let fake = Fake::new(settings.clone(), |_, _| Act::Pass);
    analysed(&fake, table, analysis).await.unwrap();
    fake.started.load(Ordering::SeqCst)
}

#[tokio::test]
async fn whichever_request_fails_the_stages_before_it_are_told() {
    let settings = SqliteSettings::sample();
    let all = requests(&settings, "wildlife_strikes", AnalysisType::Quality).await;
    let gone = || DatabaseError::Unavailable { reason: "it is gone".into(), detail: String::new() };
    let mut failed = std::collections::BTreeSet::new();
    for failing in 0..all {
        let fake =
            Fake::new(
                settings.clone(),
                move |n, _| if n == failing { Act::Fail(gone()) } else { Act::Pass },
            );
        let ended = analysed(&fake, "wildlife_strikes", AnalysisType::Quality).await.unwrap_err();
        assert_eq!(ended.error, gone());
        assert_eq!(Stage::ALL[ended.report.completed_stages.len()], ended.stage);
        assert_eq!(ended.report.table.is_some(), ended.stage != Stage::Discover);
        assert_eq!(ended.report.sample.is_some(), ended.stage == Stage::Quality);
        assert!(ended.report.quality.is_none());
        failed.insert(ended.stage.name());
    }
    assert_eq!(failed.into_iter().collect::<Vec<_>>(), ["discover", "quality", "sample"]);
}

#[tokio::test]
async fn a_failure_while_analysing_keeps_the_quality() {
    let file = File::new(&format!(
        "CREATE TABLE big(id INTEGER PRIMARY KEY, day TEXT);
         {NUMBERS} 30000) INSERT INTO big SELECT n, date('2020-01-01', (n % 900) || ' days') FROM c;
         CREATE INDEX big_by_day ON big(day);"
    ));
    let gone = || DatabaseError::Unavailable { reason: "it is gone".into(), detail: String::new() };
    let fake = Fake::new(file.settings(), move |_, sql| {
        if sql.contains("day\" >= ?") { Act::Fail(gone()) } else { Act::Pass }
    });
    let ended = analysed(&fake, "big", AnalysisType::TimeSeries).await.unwrap_err();
    assert_eq!((ended.stage, ended.error), (Stage::Analyse, gone()));
    assert!(ended.report.quality.is_some() && !ended.report.findings.is_empty());
    // The same statement, when it is only too slow, is done without: the sample counts.
    let slow = || DatabaseError::Timeout { timeout: Duration::from_secs(10) };
    let fake = Fake::new(file.settings(), move |_, sql| {
        if sql.contains("day\" >= ?") { Act::Fail(slow()) } else { Act::Pass }
    });
    let report = analysed(&fake, "big", AnalysisType::TimeSeries).await.unwrap();
    let series = report.time_series.unwrap();
    assert_eq!((series.counts_of, series.counts.iter().sum::<u64>()), ("sample", 10_000));
    let report = analysed(&file.open(), "big", AnalysisType::TimeSeries).await.unwrap();
    let series = report.time_series.unwrap();
    assert_eq!((series.counts_of, series.counts.iter().sum::<u64>()), ("table", 30_000));
}

#[tokio::test]
async fn dropping_it_in_any_request_stops_that_request() {
    let settings = SqliteSettings::sample();
    let all = requests(&settings, "wildlife_strikes", AnalysisType::Quality).await;
    for hanging in 0..all {
        let fake = Fake::new(
            settings.clone(),
            move |n, _| if n == hanging { Act::Hang } else { Act::Pass },
        );
        let mut work = Box::pin(analysed(&fake, "wildlife_strikes", AnalysisType::Quality));
        while fake.started.load(Ordering::SeqCst) <= hanging {
            assert!(work.as_mut().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        assert_eq!(fake.running.load(Ordering::SeqCst), 1);
        drop(work);
        assert_eq!(fake.running.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn every_stage_can_be_dropped_where_it_only_computes() {
    let engine = Database::open(SqliteSettings::sample()).unwrap();
    for stage in Stage::ALL {
        let told = Told::default();
        let table = TableName::new("wildlife_strikes");
        let mut work = Box::pin(analyse(&engine, &table, AnalysisType::Correlation, &told));
        let reached =
            || told.0.lock().unwrap().last().is_some_and(|(reached, _)| *reached == stage);
        loop {
            let ended = work.as_mut().now_or_never().is_some();
            if reached() || ended {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert!(reached(), "{stage:?}");
        drop(work);
    }
    // Nothing is left behind: the next analysis is whole.
    assert_eq!(
        analysed(&engine, "states", AnalysisType::Profile).await.unwrap().completed_stages.len(),
        5
    );
}

#[tokio::test]
async fn progress_rises_through_all_stages_to_the_end() {
    let told = Told::default();
    let table = TableName::new("airports");
    analyse(
        &Database::open(SqliteSettings::sample()).unwrap(),
        &table,
        AnalysisType::Profile,
        &told,
    )
    .await
    .unwrap();
    let told = told.0.into_inner().unwrap();
    assert!(told.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{told:?}");
    let mut stages: Vec<Stage> = told.iter().map(|(stage, _)| *stage).collect();
    stages.dedup();
    assert_eq!(stages, Stage::ALL);
    assert!((told.last().unwrap().1 - 100.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_database_ends_the_analysis_at_its_deadline_with_what_is_known() {
    let fake = Fake::new(SqliteSettings::sample(), |_, sql| {
        if sql.contains("WHERE") && sql.contains("airports") { Act::Hang } else { Act::Pass }
    });
    let started = tokio::time::Instant::now();
    let ended = analysed(&fake, "airports", AnalysisType::Profile).await.unwrap_err();
    assert_eq!((ended.error.kind(), ended.stage), (ErrorKind::Timeout, Stage::Sample));
    assert_eq!(started.elapsed().as_secs(), 120);
    assert!(ended.report.table.is_some());
    assert_eq!(fake.running.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_table_that_is_dropped_half_way_ends_the_stage_that_reads_it() {
    let file = Arc::new(File::new(&format!(
        "CREATE TABLE gone(id INTEGER PRIMARY KEY, x); {NUMBERS} 1000) INSERT INTO gone SELECT n, n FROM c;"
    )));
    let outside = Arc::clone(&file);
    let fake = Fake::new(file.settings(), move |n, _| {
        if n == 4 {
            outside.run("DROP TABLE gone");
        }
        Act::Pass
    });
    let ended = analysed(&fake, "gone", AnalysisType::Profile).await.unwrap_err();
    assert_eq!((ended.error.kind(), ended.stage), (ErrorKind::InvalidInput, Stage::Sample));
    assert_eq!(ended.report.completed_stages, [Stage::Discover]);
    let unknown = analysed(&fake, "gone", AnalysisType::Profile).await.unwrap_err();
    assert!(matches!(unknown.error, DatabaseError::UnknownTable { .. }));
    assert!(unknown.report.completed_stages.is_empty());
}

#[tokio::test]
async fn a_table_that_loses_a_column_half_way_is_not_misread() {
    let file = Arc::new(File::new(&format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x, y); {NUMBERS} 1000) INSERT INTO t SELECT n, n, n FROM c;"
    )));
    let outside = Arc::clone(&file);
    let fake = Fake::new(file.settings(), move |n, _| {
        if n == 4 {
            outside.run("ALTER TABLE t DROP COLUMN y");
        }
        Act::Pass
    });
    let ended = analysed(&fake, "t", AnalysisType::Profile).await.unwrap_err();
    assert_eq!(ended.stage, Stage::Sample);
}
