//! Collects the rows that fit, whichever database they come from.
//!
//! Three budgets end it: rows, bytes of the result as JSON, and bytes of a cell. One row more than asked for is looked at,
//! so that `truncated` is exact.

use std::collections::BTreeSet;

use serde_json::value::{RawValue, to_raw_value};
use tokio::time::Instant;

use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::request::RowForm;
use crate::result::{Cell, Column, QueryResult, Truncation, json_bytes, settle_columns};

/// Bytes that naming the value types may add to a column, and a tag to a number.
const COLUMN_MARGIN: usize = 64;
const CELL_MARGIN: usize = 16;

/// The rows so far and the room that is left.
pub(crate) struct Collector<'a> {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    json_rows: Vec<Box<RawValue>>,
    row: Vec<Cell>,
    row_bytes: usize,
    truncated_by: Option<Truncation>,
    cut_cells: usize,
    cut_columns: BTreeSet<usize>,
    bytes: usize,
    row_limit: usize,
    limits: &'a Limits,
    started: Instant,
    /// Whether values of one column can have different types.
    dynamic: bool,
    form: RowForm,
}

impl<'a> Collector<'a> {
    /// Room for the rows of a statement that began at `started`.
    pub(crate) fn new(
        columns: Vec<Column>,
        row_limit: usize,
        limits: &'a Limits,
        started: Instant,
    ) -> Result<Self, DatabaseError> {
        let bytes = json_bytes(&columns) + COLUMN_MARGIN * columns.len();
        if bytes > limits.max_result_bytes {
            return Err(too_large("the list of columns", limits));
        }
        Ok(Self {
            columns,
            rows: Vec::new(),
            json_rows: Vec::new(),
            row: Vec::new(),
            row_bytes: 0,
            truncated_by: None,
            cut_cells: 0,
            cut_columns: BTreeSet::new(),
            bytes,
            row_limit,
            limits,
            started,
            dynamic: false,
            form: RowForm::Cells,
        })
    }

    /// For a request that wants its rows so.
    pub(crate) fn in_form(self, form: RowForm) -> Self {
        Self { form, ..self }
    }

    /// For a database in which each value has a type of its own, and not each column.
    pub(crate) fn dynamically_typed(self) -> Self {
        Self { dynamic: true, ..self }
    }

    /// Rows that are still wanted, the one more that makes `truncated` exact included.
    pub(crate) fn wanted(&self) -> usize {
        if self.truncated_by.is_some() { 0 } else { self.row_limit + 1 - self.row_count() }
    }

    fn row_count(&self) -> usize {
        self.rows.len() + self.json_rows.len()
    }

    /// Begins a row that the database has; false when no more are wanted.
    pub(crate) fn start_row(&mut self) -> bool {
        if self.truncated_by.is_none() && self.row_count() == self.row_limit {
            self.truncated_by = Some(Truncation::RowLimit);
        }
        self.row.clear();
        self.row.reserve_exact(self.columns.len());
        self.row_bytes = 2;
        self.truncated_by.is_none()
    }

    /// Adds the next cell of the row; false when the row does not fit and no more are wanted.
    pub(crate) fn cell(&mut self, cell: Cell) -> Result<bool, DatabaseError> {
        self.row_bytes += cell.json_bytes() + 1 + CELL_MARGIN * usize::from(cell.may_be_tagged());
        if self.bytes + self.row_bytes > self.limits.max_result_bytes {
            if self.row_count() == 0 {
                return Err(too_large("the first row", self.limits));
            }
            self.truncated_by = Some(Truncation::ResultBytes);
            return Ok(false);
        }
        self.row.push(cell);
        Ok(true)
    }

    /// Ends a row that fits.
    pub(crate) fn end_row(&mut self) -> Result<(), DatabaseError> {
        self.bytes += self.row_bytes;
        for (index, cell) in self.row.iter().enumerate() {
            if cell.is_cut() {
                self.cut_cells += 1;
                self.cut_columns.insert(index);
            }
        }
        // How a value is written may depend on what else its column turns out to hold.
        if self.form == RowForm::Json && !self.dynamic {
            self.json_rows.push(json(&self.row)?);
        } else {
            self.rows.push(std::mem::take(&mut self.row));
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<QueryResult, DatabaseError> {
        if self.dynamic {
            settle_columns(&mut self.columns, &mut self.rows);
        }
        if self.form == RowForm::Json {
            for row in std::mem::take(&mut self.rows) {
                self.json_rows.push(json(&row)?);
            }
        }
        Ok(QueryResult {
            row_count: self.row_count(),
            columns: self.columns,
            rows: self.rows,
            json_rows: self.json_rows,
            truncated: self.truncated_by.is_some(),
            truncated_by: self.truncated_by,
            cut_cells: self.cut_cells,
            cut_columns: self.cut_columns,
            elapsed_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

fn json(row: &[Cell]) -> Result<Box<RawValue>, DatabaseError> {
    to_raw_value(row).map_err(|error| DatabaseError::internal(error.to_string()))
}

fn too_large(what: &str, limits: &Limits) -> DatabaseError {
    DatabaseError::TooLarge {
        what: what.into(),
        limit: format!("{} bytes for a result", limits.max_result_bytes),
        advice: "select fewer columns, or shorten long values with substr()".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::JsonRows;

    fn column(name: &str) -> Column {
        Column { name: name.into(), declared_type: Some("text".into()), value_types: Vec::new() }
    }

    const FORMS: [RowForm; 2] = [RowForm::Cells, RowForm::Json];

    fn rows(result: &QueryResult) -> String {
        serde_json::to_string(&JsonRows(result)).unwrap()
    }

    fn collect(
        rows: usize,
        row_limit: usize,
        limits: &Limits,
        form: RowForm,
    ) -> Result<QueryResult, DatabaseError> {
        let columns = vec![column("a"), column("a")];
        let mut collector =
            Collector::new(columns, row_limit, limits, Instant::now())?.in_form(form);
        for row in 0..rows {
            if !collector.start_row() {
                break;
            }
            let text = Cell::Text(format!("{row:>100}"));
            if !collector.cell(text)? || !collector.cell(Cell::Null)? {
                break;
            }
            collector.end_row()?;
        }
        collector.finish()
    }

    #[tokio::test]
    async fn truncation_is_exact_at_the_row_limit() {
        for (rows, limit, truncated) in [(3, 3, false), (4, 3, true), (0, 1, false)] {
            for form in FORMS {
                let result = collect(rows, limit, &Limits::default(), form).unwrap();
                assert_eq!(result.row_count, rows.min(limit));
                assert_eq!(result.truncated_by, truncated.then_some(Truncation::RowLimit));
            }
        }
    }

    #[tokio::test]
    async fn the_byte_budget_ends_the_rows_and_refuses_a_first_row_that_does_not_fit() {
        let mut limits = Limits { max_result_bytes: 1_024, ..Limits::default() };
        for form in FORMS {
            limits.max_result_bytes = 1_024;
            let result = collect(100, 1_000, &limits, form).unwrap();
            assert_eq!(result.truncated_by, Some(Truncation::ResultBytes));
            assert!(result.row_count > 0 && rows(&result).len() <= 1_024);
            limits.max_result_bytes = 250;
            let refused = collect(1, 1, &limits, form);
            assert!(matches!(refused, Err(DatabaseError::TooLarge { .. })));
        }
    }

    #[tokio::test]
    async fn rows_are_the_same_in_either_form() {
        let (limits, infinite) = (Limits::default(), Cell::Real(f64::INFINITY));
        let collected = |form, dynamic, values: &[&Cell]| {
            let collector = Collector::new(vec![column("a")], 9, &limits, Instant::now()).unwrap();
            let mut collector = collector.in_form(form);
            if dynamic {
                collector = collector.dynamically_typed();
            }
            for value in values {
                assert!(collector.start_row() && collector.cell((*value).clone()).unwrap());
                collector.end_row().unwrap();
            }
            collector.finish().unwrap()
        };
        let cells = [Cell::Null, infinite, Cell::str("cut here", 3), Cell::Text("\"".into())];
        for (dynamic, values, expected) in [
            (false, &[][..], "[]"),
            (true, &[], "[]"),
            (
                false,
                &[0, 1, 2, 3],
                r#"[[null],["Infinity"],[{"text":"cut","full_bytes":8}],["\""]]"#,
            ),
            // A number is told from texts that only come after it.
            (true, &[1, 3], r#"[[{"real":"Infinity"}],["\""]]"#),
            (true, &[1], r#"[["Infinity"]]"#),
        ] {
            let values: Vec<&Cell> = values.iter().map(|index: &usize| &cells[*index]).collect();
            for form in FORMS {
                let result = collected(form, dynamic, &values);
                assert_eq!(rows(&result), expected, "{form:?}");
                assert_eq!(result.rows.is_empty(), form == RowForm::Json || values.is_empty());
                assert_eq!(result.row_count, values.len());
                let cut = usize::from(expected.contains("cut"));
                assert_eq!((result.cut_cells, result.cut_columns.len()), (cut, cut));
            }
        }
    }
}
