//! What stands out, in words. Names come from the database and are quoted; each sentence says what it stands on.

use super::report::{ColumnReport, Distinct, Report};
use crate::result::Cell;

/// Sentences at most.
const MAX_FINDINGS: usize = 25;
/// Coefficients from which on a pair is called strongly related.
const STRONG: f64 = 0.7;

/// The findings of everything that is in the report.
pub(crate) fn findings(report: &Report) -> Vec<String> {
    let mut findings = Vec::new();
    let Some(sample) = &report.sample else { return findings };
    let rows = sample.rows;
    if rows == 0 {
        return vec!["The table has no rows.".to_owned()];
    }
    let complete = sample.fraction == Some(1.0);
    if !complete {
        findings.push(format!("{rows} rows were read, not all of the table: {}.", sample.note));
    }
    if let Some(table) = report.table.as_ref().filter(|table| !table.unreadable_columns.is_empty())
    {
        let names: Vec<String> =
            table.unreadable_columns.iter().take(10).map(|name| format!("{name:?}")).collect();
        findings.push(format!(
            "{} columns may not be read and are left out: {}.",
            table.unreadable_columns.len(),
            names.join(", ")
        ));
    }
    let scope = if complete { "" } else { " in the sample" };
    time(report, &mut findings);
    correlation(report, &mut findings);
    keys(report, rows, complete, &mut findings);
    quality(report, rows, scope, &mut findings);
    for column in &report.columns {
        about_column(column, rows, scope, &mut findings);
    }
    let more = findings.len().saturating_sub(MAX_FINDINGS);
    findings.truncate(MAX_FINDINGS);
    if more > 0 {
        findings.push(format!("{more} more findings are in the figures."));
    }
    findings
}

fn time(report: &Report, findings: &mut Vec<String>) {
    let Some(series) = &report.time_series else { return };
    let (column, period) = (&series.column, series.period.name());
    match &series.trend {
        Some(trend) if trend.direction != "none" => findings.push(format!(
            "Rows by {column:?} are {}: {} rows per {period} and {period} (Theil-Sen slope over {} whole periods, Mann-Kendall z {}).",
            trend.direction, trend.slope_per_period, trend.periods, trend.z
        )),
        Some(trend) => findings.push(format!(
            "Rows by {column:?} show no trend beyond chance over {} whole periods of a {period} (Mann-Kendall z {}).",
            trend.periods, trend.z
        )),
        None => findings.push(format!("There are too few periods of a {period} in {column:?} for a trend.")),
    }
    if let Some(season) = &series.season {
        findings.push(format!(
            "The counts repeat every {} {period}s (autocorrelation {}, chance stays below {}).",
            season.lag_periods, season.autocorrelation, season.significant_above
        ));
    }
    if let Some(gap) = series.gaps.first() {
        findings.push(format!(
            "Stretches without rows: {}; the longest is from {} to {} (periods: {}).",
            series.gap_count, gap.from, gap.to, gap.periods
        ));
    }
}

fn correlation(report: &Report, findings: &mut Vec<String>) {
    let Some(correlation) = &report.correlation else { return };
    for pair in correlation.numeric.iter().filter(|pair| pair.strength() >= STRONG).take(8) {
        let figure = |x: Option<f64>| x.map_or_else(|| "none".to_owned(), |x| x.to_string());
        let [a, b] = &pair.columns;
        findings.push(format!(
            "{a:?} and {b:?} go together strongly (Pearson {}, Spearman {}, {} rows).",
            figure(pair.pearson),
            figure(pair.spearman),
            pair.rows
        ));
    }
    for pair in correlation.categories.iter().filter(|pair| pair.cramers_v >= STRONG).take(8) {
        let [a, b] = &pair.columns;
        findings.push(format!(
            "{a:?} largely determines {b:?} or the other way round (Cramér's V {}).",
            pair.cramers_v
        ));
    }
    if findings.is_empty() && correlation.columns_compared < 2 {
        findings.push("There are not two columns that can be compared.".to_owned());
    }
}

fn keys(report: &Report, rows: usize, complete: bool, findings: &mut Vec<String>) {
    let Some(keys) = &report.keys else { return };
    if let Some(key) = keys.inferred.first() {
        let also = match keys.inferred.len() - 1 {
            0 => String::new(),
            others => format!(" ({others} more like it)"),
        };
        let trust = if complete { "" } else { ", which does not prove it for the table" };
        findings.push(format!("{} unique in all {rows} rows read{trust}{also}.", named(key)));
    } else if keys.declared.is_empty() {
        findings.push(
            "No key is declared, and no set of up to three columns is unique in the rows read."
                .to_owned(),
        );
    }
}

fn named(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().map(|name| format!("{name:?}")).collect();
    let verb = if names.len() == 1 { "is" } else { "are together" };
    format!("{} {verb}", names.join(", "))
}

fn quality(report: &Report, rows: usize, scope: &str, findings: &mut Vec<String>) {
    let Some(quality) = &report.quality else { return };
    for reference in quality.references.iter().filter(|reference| reference.orphans > 0) {
        findings.push(format!(
            "{} of {} references from {} to {} lead nowhere.",
            reference.orphans,
            reference.rows_checked.unwrap_or_default(),
            reference.columns.join(", "),
            reference.references
        ));
    }
    if quality.duplicate_rows > 0 {
        findings.push(format!(
            "{} rows{scope} repeat another one in every column.",
            quality.duplicate_rows
        ));
    }
    if let Some(duplicates) = quality.duplicates_apart_from_key.filter(|count| *count > 0) {
        findings.push(format!(
            "{duplicates} rows{scope} repeat another one in everything but the primary key."
        ));
    }
    for issue in quality.issues.iter().take(12) {
        findings.push(format!(
            "{:?}: {} ({} of {rows} rows{scope}).",
            issue.column, issue.what, issue.rows
        ));
    }
}

#[expect(clippy::cast_precision_loss, reason = "shares")]
fn about_column(column: &ColumnReport, rows: usize, scope: &str, findings: &mut Vec<String>) {
    let name = &column.name;
    let share = column.nulls as f64 / rows as f64;
    if column.nulls < rows && share >= 0.5 {
        findings.push(format!("{name:?} is NULL in {:.0} % of the rows{scope}.", share * 100.0));
    }
    if let Some(top) = column
        .top_values
        .first()
        .filter(|_| !matches!(column.distinct, Distinct::Exact { exact: 1 }))
    {
        let filled = rows - column.nulls;
        if filled > 1 && top.count < filled && top.count * 10 >= filled * 9 {
            findings.push(format!(
                "{name:?} has the value {} in {} of {filled} rows{scope}.",
                in_words(&top.value),
                top.count
            ));
        }
    }
    if let Some(outliers) = &column.outliers {
        findings.push(format!(
            "{name:?} has {} outliers{scope}, below {} or above {} ({}).",
            outliers.count, outliers.below, outliers.above, outliers.rule
        ));
    }
    if column.not_finite.is_some() {
        findings.push(format!(
            "{name:?} holds NaN or infinity, which mean, range and quantiles leave out."
        ));
    }
}

/// A value in a sentence.
fn in_words(cell: &Cell) -> String {
    serde_json::to_string(cell).unwrap_or_default()
}
