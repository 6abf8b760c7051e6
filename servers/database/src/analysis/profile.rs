//! What the values of each column are.

use super::dialect::{self, Class};
use super::discover::Subject;
use super::progress::{Stage, Watcher};
use super::questions::Questions;
use super::report::{ColumnReport, Distinct, Quantiles, TopValue, ValueRange};
use super::sample::Sample;
use super::sample::column::{ColumnSample, NotFinite};
use super::stats::distinct::estimate_distinct;
use super::stats::number::{Number, Reading};
use super::stats::outliers::outliers;
use super::stats::quantiles::quantile;
use super::stats::{round, round_beside};
use crate::engine::Dialect;
use crate::error::DatabaseError;
use crate::result::Cell;

/// Columns that are described in full; those behind get the short form.
const IN_FULL: usize = 50;
/// Columns that are described at all.
const IN_SHORT: usize = 300;
/// Columns whose ends are asked for.
const ENDS_ASKED: usize = 16;
/// Values shown of a column with many, and of one with few.
const TOP: usize = 5;
const TOP_OF_FEW: usize = 10;

/// How much is told of each column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Full,
    Short,
}

/// The columns as far as they are told, and how many are left out.
pub(crate) async fn columns(
    questions: &Questions<'_>,
    subject: &Subject,
    sample: &Sample,
    detail: Detail,
    watcher: &dyn Watcher,
) -> Result<(Vec<ColumnReport>, usize), DatabaseError> {
    let total = sample.columns.len().min(IN_SHORT);
    let mut columns = Vec::with_capacity(total);
    for (index, column) in sample.columns.iter().take(total).enumerate() {
        let full = detail == Detail::Full && index < IN_FULL;
        columns.push(describe(column, sample, full));
        // Others may run, and a caller who is gone is noticed.
        tokio::task::yield_now().await;
        watcher.tell(Stage::Analyse, index, total, "describing columns").await;
    }
    if detail == Detail::Full && !sample.complete {
        exact_ends(questions, subject, sample, &mut columns).await?;
    }
    Ok((columns, sample.columns.len() - total))
}

fn describe(column: &ColumnSample, sample: &Sample, full: bool) -> ColumnReport {
    let class = column.class();
    let mut report = ColumnReport {
        name: column.name.clone(),
        declared_type: column.declared_type.clone(),
        holds: word(class),
        nulls: column.nulls,
        distinct: distinct(column, sample),
        range: None,
        mean: None,
        standard_deviation: None,
        quantiles: None,
        not_finite: Some(column.not_finite).filter(|found| *found != NotFinite::default()),
        top_values: Vec::new(),
        outliers: None,
        cut_values: column.cut,
    };
    if !full {
        return report;
    }
    let of = if sample.complete { "table" } else { "sample" };
    report.range = column.ends().map(|(min, max)| ValueRange { min, max, of });
    if class == Class::Number {
        let sorted = column.sorted_numbers();
        let (mean, deviation) = column.mean_and_deviation();
        report.mean = mean.map(|mean| round_beside(mean, deviation.unwrap_or(0.0)));
        report.standard_deviation = deviation.map(round);
        report.quantiles = quantiles(&sorted);
        report.outliers = outliers(&sorted).filter(|outliers| outliers.count > 0);
    }
    report.top_values = top_values(column);
    report
}

/// The word for what a column holds.
fn word(class: Class) -> &'static str {
    match class {
        Class::Any => "mixed",
        Class::Number => "number",
        Class::Truth => "boolean",
        Class::Time => "time",
        Class::Text => "text",
        Class::Bytes => "bytes",
        Class::Other => "other",
    }
}

fn distinct(column: &ColumnSample, sample: &Sample) -> Distinct {
    let count = column.seen.len();
    if sample.complete {
        return Distinct::Exact { exact: count };
    }
    let Some(population) = sample.population().filter(|_| sample.rows > 0) else {
        return Distinct::InSample { in_sample: count };
    };
    // As many of all rows are filled as of those that were read.
    let filled = u128::from(population) * column.filled() as u128 / sample.rows as u128;
    let filled = u64::try_from(filled).unwrap_or(u64::MAX);
    let estimate =
        estimate_distinct(column.filled() as u64, count as u64, column.once() as u64, filled);
    Distinct::Estimated { in_sample: count, estimate, method: "haas_stokes_duj1" }
}

fn quantiles(sorted: &[Number]) -> Option<Quantiles> {
    let at = |p| quantile(sorted, p).map(Number::cell);
    Some(Quantiles { p5: at(0.05)?, p25: at(0.25)?, p50: at(0.5)?, p75: at(0.75)?, p95: at(0.95)? })
}

/// The most frequent values; of a column where each occurs once, none.
fn top_values(column: &ColumnSample) -> Vec<TopValue> {
    let few = column.seen.len() <= TOP_OF_FEW;
    column
        .top(if few { TOP_OF_FEW } else { TOP })
        .into_iter()
        .filter(|seen| few || seen.count > 1)
        .filter(|seen| !matches!(seen.cell, Cell::Bytes { .. }))
        .map(|seen| TopValue { value: seen.cell.clone(), count: seen.count })
        .collect()
}

/// Asks the database for the least and the greatest value of columns that lead an index, which it reads off the ends.
async fn exact_ends(
    questions: &Questions<'_>,
    subject: &Subject,
    sample: &Sample,
    columns: &mut [ColumnReport],
) -> Result<(), DatabaseError> {
    let table = &subject.description;
    let asked = columns
        .iter_mut()
        .zip(&sample.columns)
        .take(IN_FULL)
        .filter(|(report, _)| table.leads_an_index(&report.name))
        .take(ENDS_ASKED);
    for (report, column) in asked {
        // Texts have another order in the database than here, unless they are dates.
        if !matches!(column.class(), Class::Number | Class::Time) {
            continue;
        }
        let (value, from) = (dialect::column(subject.dialect, &report.name), &subject.from);
        let sql =
            format!("SELECT (SELECT min({value}) FROM {from}), (SELECT max({value}) FROM {from})");
        let row = questions.try_row(sql).await?;
        let Some([min, max]) = row.and_then(|row| <[Cell; 2]>::try_from(row).ok()) else {
            continue;
        };
        // NaN and infinity are no ends of the finite numbers that everything else here is about.
        let text_is_number = subject.dialect != Dialect::Sqlite;
        let is_end = |cell| is_an_end(cell, column.class(), text_is_number);
        if is_end(&min) && is_end(&max) {
            report.range = Some(ValueRange { min, max, of: "table" });
        }
    }
    Ok(())
}

fn is_an_end(cell: &Cell, class: Class, text_is_number: bool) -> bool {
    match cell {
        Cell::Text(text) if class == Class::Time => super::time::calendar::parse(text).is_some(),
        cell => matches!(Number::read(cell, text_is_number), Reading::Finite(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_and_dates_are_ends() {
        let text = |text: &str| Cell::Text(text.into());
        assert!(
            is_an_end(&Cell::Integer(1), Class::Number, false)
                && is_an_end(&text("1.50"), Class::Number, true)
        );
        assert!(is_an_end(&text("2024-01-01"), Class::Time, false));
        for (cell, class) in [
            (Cell::Null, Class::Number),
            (Cell::Real(f64::NAN), Class::Number),
            (text("NaN"), Class::Number),
            (text("infinity"), Class::Time),
        ] {
            assert!(!is_an_end(&cell, class, true), "{cell:?}");
        }
    }
}
