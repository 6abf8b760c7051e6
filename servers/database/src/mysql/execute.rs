//! Runs one statement that was judged, and collects what fits.

use futures_util::StreamExt as _;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Params, Row, Value};
use tokio::time::Instant;

use super::failure;
use super::guard::{Shape, Statement, is_secret_variable};
use super::value::{Decoder, column};
use crate::collector::Collector;
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::request::RowForm;
use crate::result::{Cell, QueryResult};

/// What a statement gave, and whether the server still has more of it to send.
pub(super) struct Answered {
    pub(super) result: QueryResult,
    pub(super) pending: bool,
}

/// Sends the statement by the binary protocol, which takes exactly one, and reads rows until there are none or no room.
pub(super) async fn run(
    conn: &mut Conn,
    statement: &Statement,
    params: Vec<Value>,
    row_limit: usize,
    form: RowForm,
    limits: &Limits,
    started: Instant,
) -> Result<Answered, DatabaseError> {
    let prepared = conn.prep(statement.text.as_str()).await;
    let prepared = prepared.map_err(|error| failure::of_statement(&error, true))?;
    let params = fitting(&prepared, params)?;
    let failed = |error| failure::of_statement(&error, false);
    let mut result = conn.exec_iter(&prepared, params).await.map_err(failed)?;
    let metadata = result.columns().unwrap_or_default();
    let columns = metadata.iter().map(column).collect();
    let decoders: Vec<Decoder> =
        metadata.iter().map(|metadata| Decoder::new(metadata, limits.max_cell_bytes)).collect();
    let mut collector = Collector::new(columns, row_limit, limits, started)?.in_form(form);
    let hides = statement.shape == Shape::ShowVariables;
    let mut pending = false;
    if let Some(mut rows) = result.stream::<Row>().await.map_err(failed)? {
        while let Some(row) = rows.next().await {
            if !add(&mut collector, &decoders, row.map_err(failed)?, hides)? {
                pending = true;
                break;
            }
        }
    }
    Ok(Answered { result: collector.finish()?, pending })
}

/// The values, if there is one for each placeholder.
pub(super) fn fitting(
    prepared: &mysql_async::Statement,
    params: Vec<Value>,
) -> Result<Params, DatabaseError> {
    if usize::from(prepared.num_params()) != params.len() {
        let rule = format!(
            "the statement has {} placeholders and {} values were given",
            prepared.num_params(),
            params.len()
        );
        return Err(DatabaseError::invalid("params", rule));
    }
    Ok(if params.is_empty() { Params::Empty } else { Params::Positional(params) })
}

/// Adds a row; false when no more are wanted.
fn add(
    collector: &mut Collector<'_>,
    decoders: &[Decoder],
    row: Row,
    hides: bool,
) -> Result<bool, DatabaseError> {
    if !collector.start_row() {
        return Ok(false);
    }
    let mut secret = false;
    for (at, (decoder, value)) in decoders.iter().zip(row.unwrap()).enumerate() {
        let mut cell = decoder.cell(value);
        match &cell {
            Cell::Text(name) if hides && at == 0 => secret = is_secret_variable(name),
            _ if secret => cell = Cell::Text("(hidden)".into()),
            _ => {}
        }
        if !collector.cell(cell)? {
            return Ok(false);
        }
    }
    collector.end_row()?;
    Ok(true)
}
