//! The third stage: what is wrong with the values, and one score for all of it.

pub(crate) mod references;
pub(crate) mod score;
pub(crate) mod texts;

use std::collections::HashSet;

use super::dialect::Class;
use super::discover::Subject;
use super::progress::{Stage, Watcher};
use super::questions::Questions;
use super::report::{Issue, Quality};
use super::sample::Sample;
use super::sample::column::{ColumnSample, Types};
use super::sample::shown::type_name;
use crate::error::DatabaseError;

/// Issues told at most, those of the most rows first.
const MAX_ISSUES: usize = 50;
const EMPTY: &str = "nothing but NULL";
const CONSTANT: &str = "the same value in every row";
const MIXED: &str = "values of another type than most";

/// Looks at the sample and, where references are wanted, asks the database for those that lead nowhere.
pub(crate) async fn check(
    questions: &Questions<'_>,
    subject: &Subject,
    sample: &Sample,
    with_references: bool,
    watcher: &dyn Watcher,
) -> Result<Quality, DatabaseError> {
    let mut quality = Quality::default();
    let mut invalid = 0;
    let steps = sample.columns.len() + 1;
    for (index, column) in sample.columns.iter().enumerate() {
        let issues = issues(column, sample.rows);
        // A blank text is a way to say nothing, and says it in the wrong way.
        let wrong = issues.iter().filter(|issue| ![EMPTY, CONSTANT].contains(&issue.what));
        invalid += wrong.map(|issue| issue.rows).sum::<usize>().min(column.filled());
        quality.issues.extend(issues);
        tokio::task::yield_now().await;
        watcher.tell(Stage::Quality, index, steps, "checking columns").await;
    }
    quality.issues.sort_by_key(|issue| std::cmp::Reverse(issue.rows));
    quality.issues_left_out = quality.issues.len().saturating_sub(MAX_ISSUES);
    quality.issues.truncate(MAX_ISSUES);
    quality.duplicate_rows = duplicates(sample, |_| true);
    quality.duplicates_apart_from_key = apart_from_key(subject, sample);
    if with_references {
        quality.references = references::check(questions, subject, sample, watcher).await?;
    }
    quality.score_parts = score::parts(sample, invalid, &quality);
    quality.score = score::total(&quality.score_parts).filter(|_| sample.rows > 0);
    Ok(quality)
}

fn issues(column: &ColumnSample, rows: usize) -> Vec<Issue> {
    let issue = |what, rows, examples| Issue { column: column.name.clone(), what, rows, examples };
    if rows > 1 && column.nulls == rows {
        return vec![issue(EMPTY, rows, Vec::new())];
    }
    let mut issues = Vec::new();
    if rows > 1 && column.nulls == 0 && column.seen.len() == 1 {
        issues.push(issue(
            CONSTANT,
            rows,
            column.top(1).iter().map(|seen| seen.cell.clone()).collect(),
        ));
    }
    if column.is_mixed() {
        let (rows, examples) = of_another_type(column);
        issues.push(issue(MIXED, rows, examples));
    }
    if matches!(column.class(), Class::Text | Class::Time | Class::Any) {
        for violation in texts::violations(column) {
            let examples = violation.examples.iter().map(|seen| seen.cell.clone()).collect();
            issues.push(issue(violation.what, violation.rows, examples));
        }
    }
    issues
}

/// The values that are not of the most frequent type.
fn of_another_type(column: &ColumnSample) -> (usize, Vec<crate::result::Cell>) {
    const EXAMPLES: usize = 3;
    let Types { number, truth, text, bytes } = column.types;
    let counts = [("number", number), ("boolean", truth), ("text", text), ("bytes", bytes)];
    let most = counts.iter().max_by_key(|(_, count)| *count).map_or("text", |(name, _)| *name);
    let rows = counts.iter().filter(|(name, _)| *name != most).map(|(_, count)| count).sum();
    let others = column.top(usize::MAX).into_iter().filter(|seen| type_name(&seen.cell) != most);
    (rows, others.take(EXAMPLES).map(|seen| seen.cell.clone()).collect())
}

/// Rows that are equal to an earlier one in the columns that count; NULL equals NULL.
fn duplicates(sample: &Sample, counts: impl Fn(&ColumnSample) -> bool) -> usize {
    let columns: Vec<&ColumnSample> =
        sample.columns.iter().filter(|column| counts(column)).collect();
    let mut seen: HashSet<u128> = HashSet::with_capacity(sample.rows);
    let row_hash = |row: usize| {
        columns.iter().fold(0_u128, |sum, column| {
            sum.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
                ^ u128::from(column.hashes[row])
        })
    };
    (0..sample.rows).filter(|row| !seen.insert(row_hash(*row))).count()
}

/// Told only where enough columns are left that equal rows are no coincidence.
fn apart_from_key(subject: &Subject, sample: &Sample) -> Option<usize> {
    const FEWEST_COLUMNS: usize = 3;
    let key = &subject.description.primary_key;
    let left = sample.columns.len() - key.len().min(sample.columns.len());
    (!key.is_empty() && left >= FEWEST_COLUMNS)
        .then(|| duplicates(sample, |column| !key.contains(&column.name)))
}
