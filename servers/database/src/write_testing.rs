//! Changes as the tests of every engine ask for them.

use crate::engine::Engine;
use crate::error::DatabaseError;
use crate::write::{Touched, WriteRequest};

/// A change without values.
pub(crate) fn request(sql: &str) -> WriteRequest {
    WriteRequest { sql: sql.to_owned(), ..WriteRequest::default() }
}

/// So many rows, where those behind triggers and references are not counted.
pub(crate) fn touched(rows: u64) -> Touched {
    Touched { rows, further_rows: None }
}

pub(crate) async fn preview(engine: &dyn Engine, sql: &str) -> Result<Touched, DatabaseError> {
    engine.writer().unwrap().preview(&request(sql)).await
}

pub(crate) async fn write(
    engine: &dyn Engine,
    sql: &str,
    rows: u64,
) -> Result<Touched, DatabaseError> {
    engine.writer().unwrap().write(&request(sql), touched(rows)).await
}
