//! Foreign keys whose rows refer to nothing, asked of the database, which compares by its own rules.

use super::super::dialect;
use super::super::discover::Subject;
use super::super::progress::{Stage, Watcher};
use super::super::questions::{PATIENCE, Questions, may_be_left_out};
use super::super::report::Reference;
use super::super::sample::Sample;
use crate::catalog::{ForeignKey, TableDescription};
use crate::error::DatabaseError;
use crate::names::TableName;
use crate::result::Cell;

/// Foreign keys that are checked.
const MAX_KEYS: usize = 10;
/// Rows of a large table whose references are checked.
const MAX_ROWS: usize = 2_000;
const PAGE: usize = 200;

pub(super) async fn check(
    questions: &Questions<'_>,
    subject: &Subject,
    sample: &Sample,
    watcher: &dyn Watcher,
) -> Result<Vec<Reference>, DatabaseError> {
    let keys = &subject.description.foreign_keys;
    let mut references = Vec::new();
    for (index, key) in keys.iter().take(MAX_KEYS).enumerate() {
        let columns = sample.columns.len();
        watcher
            .tell(Stage::Quality, columns + index, columns + keys.len(), "checking references")
            .await;
        let counted = match count(questions, subject, sample, key).await {
            Ok(counted) => counted,
            Err(error) if may_be_left_out(&error) => None,
            // The table that is referred to is gone.
            Err(DatabaseError::UnknownTable { .. } | DatabaseError::UnknownSchema { .. }) => None,
            Err(error) => return Err(error),
        };
        references.push(Reference {
            columns: key.columns.clone(),
            references: format!("{}({})", key.references_table, key.references_columns.join(", ")),
            rows_checked: counted.map(|(checked, _)| checked),
            orphans: counted.map_or(0, |(_, orphans)| orphans),
            complete: sample.complete && counted.is_some(),
        });
    }
    Ok(references)
}

/// Rows with a whole reference, and those of them whose reference leads nowhere; `None` where rows can't be asked for.
async fn count(
    questions: &Questions<'_>,
    subject: &Subject,
    sample: &Sample,
    key: &ForeignKey,
) -> Result<Option<(u64, u64)>, DatabaseError> {
    let name = TableName::new(key.references_table.as_str());
    let target = questions.within_time(questions.engine.describe(&name)).await?;
    let Some((checked, orphans)) = expressions(subject, key, &target) else { return Ok(None) };
    let select = format!("SELECT count(*), {orphans} FROM {} WHERE {checked}", subject.from);
    if sample.complete {
        let result = questions.ask(select, Vec::new(), 1, PATIENCE).await?;
        return Ok(result.rows.first().and_then(|row| pair(row)));
    }
    let mut sum = (0, 0);
    for keys in sample.keys[..sample.keys.len().min(MAX_ROWS)].chunks(PAGE) {
        let keys: Vec<&[Cell]> = keys.iter().map(Vec::as_slice).collect();
        let Some((condition, params)) = subject.identity.condition(subject.dialect, &keys) else {
            return Ok(None);
        };
        let result =
            questions.ask(format!("{select} AND {condition}"), params, 1, PATIENCE).await?;
        let Some((checked, orphans)) = result.rows.first().and_then(|row| pair(row)) else {
            return Ok(None);
        };
        sum = (sum.0 + checked, sum.1 + orphans);
    }
    Ok((!sample.keys.is_empty()).then_some(sum))
}

/// The condition that a reference is whole, and the count of those that lead nowhere.
fn expressions(
    subject: &Subject,
    key: &ForeignKey,
    target: &TableDescription,
) -> Option<(String, String)> {
    if key.columns.is_empty() || key.columns.len() != key.references_columns.len() {
        return None;
    }
    let column = |name: &String| dialect::column(subject.dialect, name);
    let filled: Vec<String> =
        key.columns.iter().map(|name| format!("{} IS NOT NULL", column(name))).collect();
    let equal: Vec<String> = key
        .columns
        .iter()
        .zip(&key.references_columns)
        .map(|(here, there)| format!("r.{} = {}", subject.dialect.quote(there), column(here)))
        .collect();
    let table = subject.dialect.quote_table(target.schema.as_deref(), &target.name);
    let orphans = format!(
        "count(CASE WHEN NOT EXISTS (SELECT 1 FROM {table} AS r WHERE {}) THEN 1 END)",
        equal.join(" AND ")
    );
    Some((filled.join(" AND "), orphans))
}

fn pair(row: &[Cell]) -> Option<(u64, u64)> {
    match row {
        [Cell::Integer(checked), Cell::Integer(orphans)] => {
            Some((checked.unsigned_abs(), orphans.unsigned_abs()))
        }
        _ => None,
    }
}
