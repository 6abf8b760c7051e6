//! The analysis itself: five stages, one after the other.
//!
//! A stage writes into the report when it is done, and not before: when one fails, what the report holds is whole, and nothing
//! half-done is kept or resumed. Dropping the future drops the statement that runs, in every stage.

use tokio::time::Instant;

use super::AnalysisType;
use super::dialect::Method;
use super::discover::{Subject, discover};
use super::findings::findings;
use super::inferred_keys::keys;
use super::profile::{self, Detail};
use super::progress::{Stage, Watcher};
use super::questions::Questions;
use super::report::{Report, SampleReport, Table};
use super::sample::{Sample, read};
use super::{correlations, quality, time_series};
use crate::analysis::stats::round;
use crate::engine::Engine;
use crate::error::DatabaseError;
use crate::names::TableName;

/// An analysis that a stage ended.
#[derive(Debug)]
pub(crate) struct Interrupted {
    pub(crate) error: DatabaseError,
    /// The stage that failed.
    pub(crate) stage: Stage,
    /// What the stages before it found.
    pub(crate) report: Box<Report>,
}

/// Analyses one table.
///
/// # Errors
/// [`Interrupted`] by the stage that failed, with what is known until then.
pub(crate) async fn analyse(
    engine: &dyn Engine,
    table: &TableName,
    analysis_type: AnalysisType,
    watcher: &dyn Watcher,
) -> Result<Report, Interrupted> {
    let started = Instant::now();
    let mut report = Report::new(analysis_type);
    let outcome = stages(engine, table, &mut report, watcher).await;
    report.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(()) => Ok(report),
        Err(error) => {
            let stage = report.next_stage();
            report.findings = findings(&report);
            Err(Interrupted { error, stage, report: Box::new(report) })
        }
    }
}

async fn stages(
    engine: &dyn Engine,
    table: &TableName,
    report: &mut Report,
    watcher: &dyn Watcher,
) -> Result<(), DatabaseError> {
    let questions = Questions::new(engine);
    watcher.tell(Stage::Discover, 0, 1, "looking the table up").await;
    let subject = discover(&questions, table).await?;
    report.table = Some(told(&subject));
    report.completed_stages.push(Stage::Discover);

    watcher.tell(Stage::Sample, 0, 1, "choosing rows").await;
    let sample = read::sample(&questions, &subject, watcher).await?;
    report.sample = Some(sample_report(&sample));
    report.completed_stages.push(Stage::Sample);

    watcher.tell(Stage::Quality, 0, 1, "checking the values").await;
    let references = report.analysis_type == AnalysisType::Quality;
    report.quality =
        Some(Box::pin(quality::check(&questions, &subject, &sample, references, watcher)).await?);
    report.completed_stages.push(Stage::Quality);

    watcher.tell(Stage::Analyse, 0, 1, report.analysis_type.name()).await;
    Box::pin(look(&questions, &subject, &sample, report, watcher)).await?;
    report.completed_stages.push(Stage::Analyse);

    watcher.tell(Stage::Report, 0, 1, "writing the report").await;
    report.findings = findings(report);
    report.completed_stages.push(Stage::Report);
    watcher.tell(Stage::Report, 1, 1, "done").await;
    Ok(())
}

/// The stage that the analysis is for.
async fn look(
    questions: &Questions<'_>,
    subject: &Subject,
    sample: &Sample,
    report: &mut Report,
    watcher: &dyn Watcher,
) -> Result<(), DatabaseError> {
    match report.analysis_type {
        AnalysisType::Profile | AnalysisType::Quality => {
            let full = report.analysis_type == AnalysisType::Profile;
            let detail = if full { Detail::Full } else { Detail::Short };
            let (columns, left_out) =
                profile::columns(questions, subject, sample, detail, watcher).await?;
            report.keys = Some(keys(&subject.description, sample));
            (report.columns, report.columns_left_out) = (columns, left_out);
        }
        AnalysisType::Correlation => {
            report.correlation = Some(correlations::correlations(sample, watcher).await);
        }
        AnalysisType::TimeSeries => {
            let found = time_series::time_series(questions, subject, sample, watcher).await?;
            if found.is_none() && sample.rows > 0 {
                let rule = "profile, quality or correlation: no column of this table holds dates or times in a span that can be counted";
                return Err(DatabaseError::invalid("analysis_type", rule));
            }
            report.time_series = found;
        }
    }
    Ok(())
}

fn told(subject: &Subject) -> Table {
    let description = &subject.description;
    Table {
        schema: description.schema.clone(),
        name: description.name.clone(),
        kind: description.kind,
        column_count: description.columns.len() + subject.unreadable.len(),
        unreadable_columns: subject.unreadable.clone(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn sample_report(sample: &Sample) -> SampleReport {
    let fraction = match sample.population() {
        _ if sample.complete => Some(1.0),
        Some(rows) if rows > 0 => Some(round(sample.rows as f64 / rows as f64).min(1.0)),
        _ => None,
    };
    let method = if sample.method == Method::AllRows && !sample.complete {
        Method::RandomRows
    } else {
        sample.method
    };
    let note = match method {
        Method::AllRows => "all rows were read",
        Method::KeyRanges => "one row from a random place in each of many equal ranges of the key",
        Method::RandomRows => "each row had the same chance",
        Method::TablesampleBernoulli => "each row had the same chance (TABLESAMPLE BERNOULLI)",
        Method::TablesampleSystem => {
            "random blocks of the table (TABLESAMPLE SYSTEM), so that neighbours come together"
        }
        Method::FirstRows => "the rows that came first, which is no random choice",
    };
    SampleReport {
        population: sample.population,
        rows: sample.rows,
        fraction,
        method,
        note,
        ended_early_by: sample.ended_early,
        compared_by_characters: sample
            .columns
            .iter()
            .any(|column| column.cut > 0)
            .then_some(sample.compared_characters),
    }
}
