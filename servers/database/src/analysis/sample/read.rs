//! Reads the chosen rows page by page. No page is kept.

use std::collections::HashSet;
use std::hash::RandomState;

use super::super::dialect::{self, Method};
use super::super::discover::Subject;
use super::super::progress::{Stage, Watcher};
use super::super::questions::{PATIENCE, Questions};
use super::super::stats::random::Random;
use super::column::ColumnSample;
use super::keys::{self, Key};
use super::{MAX_BYTES, Sample, row_target};
use crate::catalog::RowCount;
use crate::error::DatabaseError;
use crate::result::{Cell, QueryResult};

/// Rows of one page.
const PAGE: usize = 200;
/// Characters of a text that are compared at most.
const MAX_CHARACTERS: usize = 1_024;

/// Takes the sample.
pub(crate) async fn sample(
    questions: &Questions<'_>,
    subject: &Subject,
    watcher: &dyn Watcher,
) -> Result<Sample, DatabaseError> {
    let limits = questions.limits();
    let width = subject.description.columns.len();
    let target = row_target(width, limits.max_rows);
    let chosen = keys::choose(questions, subject, target).await?;
    // So few characters of each text that one row always fits into a result, also where each is six bytes of JSON.
    let characters = (limits.max_result_bytes / (8 * width)).clamp(16, MAX_CHARACTERS);
    let mut reader = Reader::new(subject, characters, limits.max_sql_bytes);
    reader.sample.method = chosen.method;
    reader.sample.population = chosen.population;
    match chosen.keys {
        Some(keys) => reader.by_keys(questions, watcher, keys).await?,
        None => reader.as_they_come(questions, target).await?,
    }
    Ok(reader.sample)
}

struct Reader<'a> {
    subject: &'a Subject,
    list: String,
    bytes: usize,
    sample: Sample,
}

impl<'a> Reader<'a> {
    fn new(subject: &'a Subject, characters: usize, max_sql_bytes: usize) -> Self {
        let columns = &subject.description.columns;
        let expressions: Vec<String> = columns
            .iter()
            .zip(&subject.classes)
            .map(|(column, class)| {
                dialect::shortened(subject.dialect, &column.name, *class, characters)
            })
            .collect();
        let mut list = expressions.join(", ");
        if list.len() > max_sql_bytes / 2 && subject.unreadable.is_empty() {
            // Too many columns to name each: they come whole.
            list = "t.*".to_owned();
        }
        let column = |(column, class): (&crate::catalog::ColumnDescription, &_)| {
            ColumnSample::new(&column.name, &column.declared_type, *class, characters)
        };
        let sample = Sample {
            columns: columns.iter().zip(&subject.classes).map(column).collect(),
            rows: 0,
            method: Method::FirstRows,
            complete: false,
            population: RowCount::Unknown,
            ended_early: None,
            compared_characters: characters,
            keys: Vec::new(),
            hasher: RandomState::new(),
        };
        Self { subject, list, bytes: 0, sample }
    }

    async fn by_keys(
        &mut self,
        questions: &Questions<'_>,
        watcher: &dyn Watcher,
        mut keys: Vec<Key>,
    ) -> Result<(), DatabaseError> {
        let all = self.sample.method == Method::AllRows;
        Random::new().shuffle(&mut keys);
        let total = keys.len();
        let width = self.subject.identity.width().max(1);
        let mut page = PAGE
            .min(questions.limits().max_rows)
            .min(questions.limits().max_parameters / width)
            .max(1);
        while !keys.is_empty() {
            if self.bytes >= MAX_BYTES || questions.half_time_is_over() {
                let bytes = self.bytes >= MAX_BYTES;
                self.sample.ended_early = Some(if bytes { "bytes" } else { "time" });
                break;
            }
            let asked = keys.split_off(keys.len().saturating_sub(page));
            let result = self.page(questions, &asked).await?;
            if result.truncated {
                // Large rows: what did not fit is asked for again, in smaller pages from now on.
                let came: HashSet<String> =
                    result.rows.iter().map(|row| self.key_text(row)).collect();
                keys.extend(asked.into_iter().filter(|key| !came.contains(&text(key))));
                page = result.row_count.max(1);
            }
            self.add(result, true)?;
            let done = total.saturating_sub(keys.len());
            let message = format!("read {} of {total} rows", self.sample.rows);
            watcher.tell(Stage::Sample, done, total, &message).await;
        }
        self.sample.complete = all && self.sample.ended_early.is_none();
        if self.sample.complete {
            self.sample.population = RowCount::Exact(self.sample.rows as u64);
        }
        Ok(())
    }

    async fn page(
        &self,
        questions: &Questions<'_>,
        keys: &[Key],
    ) -> Result<QueryResult, DatabaseError> {
        let keys: Vec<&[Cell]> = keys.iter().map(Vec::as_slice).collect();
        let identity = &self.subject.identity;
        let Some((condition, params)) = identity.condition(self.subject.dialect, &keys) else {
            return Err(DatabaseError::invalid(
                "table",
                "has keys that cannot be asked for, such as very long ones",
            ));
        };
        let sql = format!(
            "SELECT {}, {} FROM {} WHERE {condition}",
            self.list,
            identity.select(),
            self.subject.from
        );
        questions.ask(sql, params, keys.len(), PATIENCE).await
    }

    /// The first rows, in one page: without a key nothing tells where the next would begin.
    async fn as_they_come(
        &mut self,
        questions: &Questions<'_>,
        target: usize,
    ) -> Result<(), DatabaseError> {
        let sql = format!("SELECT {} FROM {} LIMIT {}", self.list, self.subject.from, target + 1);
        let result = questions.ask(sql, Vec::new(), target, PATIENCE).await?;
        self.sample.complete = !result.truncated;
        if result.truncated {
            self.sample.population = match self.sample.population {
                RowCount::Unknown => RowCount::AtLeast(result.row_count as u64 + 1),
                known => known,
            };
        } else {
            self.sample.population = RowCount::Exact(result.row_count as u64);
            self.sample.method = Method::AllRows;
        }
        self.add(result, false)
    }

    fn add(&mut self, result: QueryResult, keyed: bool) -> Result<(), DatabaseError> {
        let width = self.sample.columns.len();
        let expected = width + if keyed { self.subject.identity.width() } else { 0 };
        if result.columns.len() != expected {
            let message = "the table was changed while it was read; ask again".to_owned();
            return Err(DatabaseError::Failed { message });
        }
        for mut row in result.rows {
            let key = row.split_off(width);
            for (column, cell) in self.sample.columns.iter_mut().zip(row) {
                self.bytes += column.add(self.sample.rows, cell, &self.sample.hasher);
            }
            self.sample.rows += 1;
            if keyed {
                self.sample.keys.push(key);
            }
        }
        Ok(())
    }

    fn key_text(&self, row: &[Cell]) -> String {
        text(row.get(self.sample.columns.len()..).unwrap_or_default())
    }
}

/// One text for one key.
fn text(key: &[Cell]) -> String {
    serde_json::to_string(key).unwrap_or_default()
}
