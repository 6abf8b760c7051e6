//! Collects the rows that fit, whichever database they come from.
//!
//! Three budgets end it: rows, bytes of the result as JSON, and bytes of a cell. One row more than asked for is looked at,
//! so that `truncated` is exact.

use tokio::time::Instant;

use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::result::{Cell, Column, QueryResult, Truncation, json_bytes, settle_columns};

/// Bytes that naming the value types may add to a column, and a tag to a number.
const COLUMN_MARGIN: usize = 64;
const CELL_MARGIN: usize = 16;

/// The rows so far and the room that is left.
pub(crate) struct Collector<'a> {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    row: Vec<Cell>,
    row_bytes: usize,
    truncated_by: Option<Truncation>,
    cut_cells: usize,
    bytes: usize,
    row_limit: usize,
    limits: &'a Limits,
    started: Instant,
    /// Whether values of one column can have different types.
    dynamic: bool,
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
            row: Vec::new(),
            row_bytes: 0,
            truncated_by: None,
            cut_cells: 0,
            bytes,
            row_limit,
            limits,
            started,
            dynamic: false,
        })
    }

    /// For a database in which each value has a type of its own, and not each column.
    pub(crate) fn dynamically_typed(self) -> Self {
        Self { dynamic: true, ..self }
    }

    /// Rows that are still wanted, the one more that makes `truncated` exact included.
    pub(crate) fn wanted(&self) -> usize {
        if self.truncated_by.is_some() { 0 } else { self.row_limit + 1 - self.rows.len() }
    }

    /// Bytes of JSON that still fit.
    #[allow(dead_code, reason = "for engines that fetch in batches")]
    pub(crate) fn room_bytes(&self) -> usize {
        self.limits.max_result_bytes.saturating_sub(self.bytes)
    }

    /// Begins a row that the database has; false when no more are wanted.
    pub(crate) fn start_row(&mut self) -> bool {
        if self.truncated_by.is_none() && self.rows.len() == self.row_limit {
            self.truncated_by = Some(Truncation::RowLimit);
        }
        self.row = Vec::with_capacity(self.columns.len());
        self.row_bytes = 2;
        self.truncated_by.is_none()
    }

    /// Adds the next cell of the row; false when the row does not fit and no more are wanted.
    pub(crate) fn cell(&mut self, cell: Cell) -> Result<bool, DatabaseError> {
        self.row_bytes += cell.json_bytes() + 1 + CELL_MARGIN * usize::from(cell.may_be_tagged());
        if self.bytes + self.row_bytes > self.limits.max_result_bytes {
            if self.rows.is_empty() {
                return Err(too_large("the first row", self.limits));
            }
            self.truncated_by = Some(Truncation::ResultBytes);
            return Ok(false);
        }
        self.row.push(cell);
        Ok(true)
    }

    /// Ends a row that fits.
    pub(crate) fn end_row(&mut self) {
        self.bytes += self.row_bytes;
        self.cut_cells += self.row.iter().filter(|cell| cell.is_cut()).count();
        self.rows.push(std::mem::take(&mut self.row));
    }

    pub(crate) fn finish(mut self) -> QueryResult {
        if self.dynamic {
            settle_columns(&mut self.columns, &mut self.rows);
        }
        QueryResult {
            columns: self.columns,
            row_count: self.rows.len(),
            rows: self.rows,
            truncated: self.truncated_by.is_some(),
            truncated_by: self.truncated_by,
            cut_cells: self.cut_cells,
            elapsed_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
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

    fn column(name: &str) -> Column {
        Column { name: name.into(), declared_type: Some("text".into()), value_types: Vec::new() }
    }

    fn collect(
        rows: usize,
        row_limit: usize,
        limits: &Limits,
    ) -> Result<QueryResult, DatabaseError> {
        let mut collector =
            Collector::new(vec![column("a"), column("a")], row_limit, limits, Instant::now())?;
        for row in 0..rows {
            if !collector.start_row() {
                break;
            }
            let text = Cell::Text(format!("{row:>100}"));
            if !collector.cell(text)? || !collector.cell(Cell::Null)? {
                break;
            }
            collector.end_row();
        }
        Ok(collector.finish())
    }

    #[tokio::test]
    async fn truncation_is_exact_at_the_row_limit() {
        for (rows, limit, truncated) in [(3, 3, false), (4, 3, true), (0, 1, false)] {
            let result = collect(rows, limit, &Limits::default()).unwrap();
            assert_eq!(result.row_count, rows.min(limit));
            assert_eq!(result.truncated_by, truncated.then_some(Truncation::RowLimit));
        }
    }

    #[tokio::test]
    async fn the_byte_budget_ends_the_rows_and_refuses_a_first_row_that_does_not_fit() {
        let mut limits = Limits { max_result_bytes: 1_024, ..Limits::default() };
        let result = collect(100, 1_000, &limits).unwrap();
        assert_eq!(result.truncated_by, Some(Truncation::ResultBytes));
        assert!(serde_json::to_string(&result.rows).unwrap().len() <= 1_024);
        limits.max_result_bytes = 250;
        assert!(matches!(collect(1, 1, &limits), Err(DatabaseError::TooLarge { .. })));
    }
}
