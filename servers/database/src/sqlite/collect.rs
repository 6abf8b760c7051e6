//! Runs one query and collects what fits.

use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Rows, Statement};
use tokio::time::Instant;

use super::connection::ReadConnection;
use super::parameters;
use super::statement::{self, Shape};
use super::watch::Watch;
use crate::collector::Collector;
use crate::error::{DatabaseError, ONLY_READ};
use crate::limits::Limits;
use crate::request::QueryRequest;
use crate::result::{Cell, Column, QueryResult};

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
    if connection.hides {
        statement::check_joins(&request.sql)?;
    }
    let prepared = connection.sqlite.prepare(&request.sql);
    let mut statement = prepared.map_err(|error| connection.error(&error, watch))?;
    if connection.boundaries.session && !statement.readonly() {
        let advice = ONLY_READ;
        return Err(DatabaseError::refused("a statement that changes the database", advice));
    }
    parameters::bind(&mut statement, &request.params)?;
    let collector = Collector::new(columns(&statement), row_limit, limits, started)?;
    let mut collector = collector.dynamically_typed().in_form(request.rows);
    let width = statement.column_count();
    let mut rows = statement.raw_query();
    fill(&mut collector, &mut rows, width, limits).map_err(|stopped| match stopped {
        Stopped::BySqlite(error) => connection.error(&error, watch),
        Stopped::ByLimit(error) => error,
    })?;
    collector.finish()
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

/// Takes rows until there are none or no room.
fn fill(
    collector: &mut Collector<'_>,
    rows: &mut Rows<'_>,
    width: usize,
    limits: &Limits,
) -> Result<(), Stopped> {
    'rows: while let Some(row) = rows.next().map_err(Stopped::BySqlite)? {
        if !collector.start_row() {
            break;
        }
        for index in 0..width {
            let value = row.get_ref(index).map_err(Stopped::BySqlite)?;
            let cell = cell(value, limits.max_cell_bytes);
            if !collector.cell(cell).map_err(Stopped::ByLimit)? {
                break 'rows;
            }
        }
        collector.end_row().map_err(Stopped::ByLimit)?;
    }
    Ok(())
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
