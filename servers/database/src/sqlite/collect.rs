//! Runs one query and collects what fits.

use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Row, Rows, Statement};
use tokio::time::Instant;

use super::connection::ReadConnection;
use super::parameters;
use super::statement::{self, Shape};
use super::watch::Watch;
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::request::QueryRequest;
use crate::result::{Cell, Column, QueryResult, Truncation, json_bytes, settle_columns};

/// Bytes that naming the value types may add to a column, and a tag to a number.
const COLUMN_MARGIN: usize = 64;
const CELL_MARGIN: usize = 16;

/// Runs the query of a request.
pub(super) fn query(
    connection: &mut ReadConnection,
    request: &QueryRequest,
    row_limit: usize,
    limits: &Limits,
    watch: &Arc<Watch>,
) -> Result<QueryResult, DatabaseError> {
    let started = Instant::now();
    statement::check_text(&request.sql, limits)?;
    if connection.boundaries.session {
        // A pragma could leave its mark on the session, so the connection then serves nobody else.
        connection.spent |= statement::check_shape(&request.sql)? == Shape::Pragma;
    }
    let prepared = connection.sqlite.prepare(&request.sql);
    let mut statement = prepared.map_err(|error| connection.error(&error, watch))?;
    if connection.boundaries.session && !statement.readonly() {
        let advice = "send a statement that only reads";
        return Err(DatabaseError::refused("a statement that changes the database", advice));
    }
    parameters::bind(&mut statement, &request.params)?;
    let columns = columns(&statement);
    let mut collected = Collected::new(columns, row_limit, limits)?;
    let mut rows = statement.raw_query();
    collected.fill(&mut rows).map_err(|stopped| match stopped {
        Stopped::BySqlite(error) => connection.error(&error, watch),
        Stopped::ByLimit(error) => error,
    })?;
    Ok(collected.finish(started))
}

fn columns(statement: &Statement<'_>) -> Vec<Column> {
    let column = |column: rusqlite::Column<'_>| Column {
        name: column.name().to_owned(),
        declared_type: column.decl_type().map(str::to_owned),
        value_types: Vec::new(),
    };
    statement.columns().map(column).collect()
}

enum Stopped {
    BySqlite(rusqlite::Error),
    ByLimit(DatabaseError),
}

/// The rows so far and the room that is left.
struct Collected<'a> {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    truncated_by: Option<Truncation>,
    cut_cells: usize,
    bytes: usize,
    row_limit: usize,
    limits: &'a Limits,
}

impl<'a> Collected<'a> {
    fn new(
        columns: Vec<Column>,
        row_limit: usize,
        limits: &'a Limits,
    ) -> Result<Self, DatabaseError> {
        let bytes = json_bytes(&columns) + COLUMN_MARGIN * columns.len();
        if bytes > limits.max_result_bytes {
            return Err(too_large("the list of columns", limits));
        }
        let rows = Vec::new();
        Ok(Self { columns, rows, truncated_by: None, cut_cells: 0, bytes, row_limit, limits })
    }

    /// Takes rows until there are none or no room, and then looks for one more, so that `truncated` is exact.
    fn fill(&mut self, rows: &mut Rows<'_>) -> Result<(), Stopped> {
        while let Some(row) = rows.next().map_err(Stopped::BySqlite)? {
            if self.rows.len() == self.row_limit {
                self.truncated_by = Some(Truncation::RowLimit);
                return Ok(());
            }
            let Some(cells) = self.take(row)? else {
                if self.rows.is_empty() {
                    return Err(Stopped::ByLimit(too_large("the first row", self.limits)));
                }
                self.truncated_by = Some(Truncation::ResultBytes);
                return Ok(());
            };
            self.rows.push(cells);
        }
        Ok(())
    }

    /// One row, or `None` when it does not fit.
    fn take(&mut self, row: &Row<'_>) -> Result<Option<Vec<Cell>>, Stopped> {
        let mut cells = Vec::with_capacity(self.columns.len());
        let mut bytes = self.bytes + 2;
        let mut cut_cells = 0;
        for index in 0..self.columns.len() {
            let value = row.get_ref(index).map_err(Stopped::BySqlite)?;
            let cell = cell(value, self.limits.max_cell_bytes);
            bytes += json_bytes(&cell) + 1 + CELL_MARGIN * usize::from(cell.may_be_tagged());
            if bytes > self.limits.max_result_bytes {
                return Ok(None);
            }
            cut_cells += usize::from(cell.is_cut());
            cells.push(cell);
        }
        self.bytes = bytes;
        self.cut_cells += cut_cells;
        Ok(Some(cells))
    }

    fn finish(mut self, started: Instant) -> QueryResult {
        settle_columns(&mut self.columns, &mut self.rows);
        QueryResult {
            columns: self.columns,
            row_count: self.rows.len(),
            rows: self.rows,
            truncated: self.truncated_by.is_some(),
            truncated_by: self.truncated_by,
            cut_cells: self.cut_cells,
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

fn cell(value: ValueRef<'_>, limit: usize) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(integer) => Cell::Integer(integer),
        ValueRef::Real(real) => Cell::Real(real),
        ValueRef::Text(text) => Cell::text(text, limit),
        ValueRef::Blob(blob) => Cell::blob(blob, limit),
    }
}

fn too_large(what: &str, limits: &Limits) -> DatabaseError {
    DatabaseError::TooLarge {
        what: what.into(),
        limit: format!("{} bytes for a result", limits.max_result_bytes),
        advice: "select fewer columns, or shorten long values with substr()".into(),
    }
}
