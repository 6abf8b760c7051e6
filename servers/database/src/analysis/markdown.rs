//! The report for people and models that read text.

use std::fmt::Write as _;

use super::report::{ColumnReport, Correlation, Distinct, Quality, Report, TimeSeries};
use crate::catalog::RowCount;
use crate::format::markdown_cell;
use crate::result::Cell;

/// Columns in the table of the text; the structured content has more.
const MAX_COLUMNS: usize = 60;
/// Lines of any other list.
const MAX_LINES: usize = 15;

/// The report as GitHub's Markdown.
pub(crate) fn markdown(report: &Report) -> String {
    let mut text = String::new();
    if let Some(table) = &report.table {
        let schema = table.schema.as_deref().map(|schema| format!("{schema}.")).unwrap_or_default();
        let _ = writeln!(
            text,
            "# {}: {}{}",
            report.analysis_type.name(),
            escaped(&schema),
            escaped(&table.name)
        );
    }
    if let Some(sample) = &report.sample {
        let _ = writeln!(
            text,
            "\n{} rows read of {}: {}.",
            sample.rows,
            rows(sample.population),
            sample.note
        );
        if let Some(by) = sample.ended_early_by {
            let _ = writeln!(text, "Reading ended early, by the bound on {by}.");
        }
    }
    if !report.findings.is_empty() {
        text.push_str("\n## Findings\n\n");
        for finding in &report.findings {
            let _ = writeln!(text, "- {}", escaped(finding));
        }
    }
    if let Some(keys) =
        report.keys.as_ref().filter(|keys| !(keys.declared.is_empty() && keys.inferred.is_empty()))
    {
        text.push_str("\n## Keys\n\n");
        for (word, keys) in
            [("declared", &keys.declared), ("inferred from the rows read", &keys.inferred)]
        {
            for key in keys {
                let _ = writeln!(text, "- {} ({word})", escaped(&key.join(", ")));
            }
        }
    }
    if let Some(quality) = report.quality.as_ref().filter(|quality| quality.score.is_some()) {
        push_quality(&mut text, quality);
    }
    if let Some(series) = &report.time_series {
        push_series(&mut text, series);
    }
    if let Some(correlation) = &report.correlation {
        push_correlation(&mut text, correlation);
    }
    if !report.columns.is_empty() {
        push_columns(&mut text, report);
    }
    text
}

fn rows(population: RowCount) -> String {
    match population {
        RowCount::Exact(rows) => rows.to_string(),
        RowCount::Estimate(rows) => format!("about {rows}"),
        RowCount::AtLeast(rows) => format!("at least {rows}"),
        RowCount::Unknown => "an unknown number".to_owned(),
    }
}

fn escaped(text: &str) -> String {
    markdown_cell(&Cell::Text(text.to_owned()))
}

fn push_quality(text: &mut String, quality: &Quality) {
    if let Some(score) = quality.score {
        let _ = writeln!(
            text,
            "\n## Quality: {score} of 100\n\n| part | value | weight | why |\n|---|---|---|---|"
        );
    }
    for part in &quality.score_parts {
        let _ =
            writeln!(text, "| {} | {} | {} | {} |", part.part, part.value, part.weight, part.why);
    }
    if quality.issues.is_empty() {
        return;
    }
    text.push_str("\n| column | issue | rows | examples |\n|---|---|---|---|\n");
    for issue in quality.issues.iter().take(MAX_LINES) {
        let examples: Vec<String> = issue.examples.iter().map(markdown_cell).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            escaped(&issue.column),
            issue.what,
            issue.rows,
            examples.join(", ")
        );
    }
    push_left_out(text, quality.issues.len().saturating_sub(MAX_LINES) + quality.issues_left_out);
}

fn push_left_out(text: &mut String, count: usize) {
    if count > 0 {
        let _ = writeln!(text, "\n{count} more are left out here.");
    }
}

fn push_series(text: &mut String, series: &TimeSeries) {
    let _ = writeln!(
        text,
        "\n## Rows per {} by {}\n\nFrom {} to {}, {} periods, counted in the {}.\n",
        series.period.name(),
        escaped(&series.column),
        series.first,
        series.last,
        series.counts.len(),
        series.counts_of
    );
    let counts: Vec<String> = series.counts.iter().map(u64::to_string).collect();
    let _ = writeln!(text, "{}", counts.join(" "));
}

fn push_correlation(text: &mut String, correlation: &Correlation) {
    let figure = |x: Option<f64>| x.map_or_else(|| "none".to_owned(), |x| x.to_string());
    if !correlation.numeric.is_empty() {
        text.push_str(
            "\n## Numbers\n\n| columns | Pearson | Spearman | rows |\n|---|---|---|---|\n",
        );
        for pair in correlation.numeric.iter().take(MAX_LINES) {
            let [a, b] = &pair.columns;
            let _ = writeln!(
                text,
                "| {}, {} | {} | {} | {} |",
                escaped(a),
                escaped(b),
                figure(pair.pearson),
                figure(pair.spearman),
                pair.rows
            );
        }
        push_left_out(text, correlation.numeric.len().saturating_sub(MAX_LINES));
    }
    if !correlation.categories.is_empty() {
        text.push_str("\n## Categories\n\n| columns | Cramér's V | rows |\n|---|---|---|\n");
        for pair in correlation.categories.iter().take(MAX_LINES) {
            let [a, b] = &pair.columns;
            let _ = writeln!(
                text,
                "| {}, {} | {} | {} |",
                escaped(a),
                escaped(b),
                pair.cramers_v,
                pair.rows
            );
        }
        push_left_out(text, correlation.categories.len().saturating_sub(MAX_LINES));
    }
}

fn push_columns(text: &mut String, report: &Report) {
    let in_full =
        report.columns.iter().any(|column| column.range.is_some() || !column.top_values.is_empty());
    let (more, lines) = if in_full {
        (" min | median | max | most frequent |", "---|---|---|---|")
    } else {
        ("", "")
    };
    let _ = writeln!(
        text,
        "\n## Columns\n\n| column | holds | NULL | distinct |{more}\n|---|---|---|---|{lines}"
    );
    for column in report.columns.iter().take(MAX_COLUMNS) {
        let distinct = match column.distinct {
            Distinct::Exact { exact } => exact.to_string(),
            Distinct::Estimated { in_sample, estimate, .. } => {
                format!("about {estimate} ({in_sample} read)")
            }
            Distinct::InSample { in_sample } => format!("{in_sample} read"),
        };
        let _ = write!(
            text,
            "| {} | {} | {} | {distinct} |",
            escaped(&column.name),
            column.holds,
            column.nulls
        );
        if in_full {
            push_values(text, column);
        }
        text.push('\n');
    }
    push_left_out(text, report.columns.len().saturating_sub(MAX_COLUMNS) + report.columns_left_out);
    let of = |of| {
        report
            .columns
            .iter()
            .any(|column| column.range.as_ref().is_some_and(|range| range.of == of))
    };
    if of("sample") {
        let exact = if of("table") { ", those without are exact" } else { "" };
        let _ = writeln!(text, "\nEnds with ~ are those of the rows read{exact}.");
    }
}

fn push_values(text: &mut String, column: &ColumnReport) {
    let mark =
        if column.range.as_ref().is_some_and(|range| range.of == "sample") { "~" } else { "" };
    let end = |cell: Option<&Cell>| cell.map(|cell| markdown_cell(cell) + mark).unwrap_or_default();
    let median =
        column.quantiles.as_ref().map(|found| markdown_cell(&found.p50)).unwrap_or_default();
    let top = column.top_values.iter().take(3);
    let top: Vec<String> =
        top.map(|top| format!("{} ({})", markdown_cell(&top.value), top.count)).collect();
    let _ = write!(
        text,
        " {} | {median} | {} | {} |",
        end(column.range.as_ref().map(|range| &range.min)),
        end(column.range.as_ref().map(|range| &range.max)),
        top.join(", ")
    );
}
