//! Questions to `information_schema`, and the schemas that they are about.

use futures_util::StreamExt as _;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Params, Row, Value};

use crate::engine::Dialect;
use crate::error::DatabaseError;
use crate::mysql::failure;
use crate::names::near_names;

/// The rows of a question, whose placeholders take these texts.
pub(super) async fn ask(
    conn: &mut Conn,
    sql: &str,
    values: &[&str],
) -> Result<Vec<Row>, DatabaseError> {
    let values: Vec<Value> = values.iter().map(|value| Value::from(*value)).collect();
    let params = if values.is_empty() { Params::Empty } else { Params::Positional(values) };
    conn.exec(sql, params).await.map_err(|error| failure::of_catalogue(&error))
}

/// Shows each row of a question to `seen` until it says that it has seen enough.
pub(super) async fn each(
    conn: &mut Conn,
    sql: &str,
    values: &[&str],
    mut seen: impl FnMut(&Row) -> bool,
) -> Result<(), DatabaseError> {
    let values = values.iter().map(|value| Value::from(*value)).collect();
    let failed = |error| failure::of_catalogue(&error);
    let mut result = conn.exec_iter(sql, Params::Positional(values)).await.map_err(failed)?;
    let Some(mut rows) = result.stream::<Row>().await.map_err(failed)? else { return Ok(()) };
    while let Some(row) = rows.next().await {
        if !seen(&row.map_err(failed)?) {
            break;
        }
    }
    Ok(())
}

/// A text, or `None` for NULL.
pub(super) fn text(row: &Row, at: usize) -> Option<String> {
    match row.as_ref(at)? {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text that says something.
pub(super) fn said(row: &Row, at: usize) -> Option<String> {
    text(row, at).filter(|text| !text.is_empty())
}

/// A number, or `None` for NULL.
pub(super) fn number(row: &Row, at: usize) -> Option<u64> {
    match row.as_ref(at)? {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::UInt(number) => Some(*number),
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}

/// The schemas that a request is about: the one it names, or the configured one, or all but the server's own.
pub(super) async fn schemas(
    conn: &mut Conn,
    named: Option<&str>,
    configured: Option<&str>,
) -> Result<Vec<String>, DatabaseError> {
    let rows =
        ask(conn, "SELECT schema_name FROM information_schema.schemata ORDER BY 1", &[]).await?;
    let all: Vec<String> = rows.iter().filter_map(|row| text(row, 0)).collect();
    let Some(wanted) = named.or(configured) else {
        return Ok(all.into_iter().filter(|name| !Dialect::Mysql.is_system_schema(name)).collect());
    };
    // A server that folds names answers to any letter case.
    let found = all.iter().find(|name| *name == wanted);
    let found = found.or_else(|| all.iter().find(|name| name.eq_ignore_ascii_case(wanted)));
    match found {
        Some(name) => Ok(vec![name.clone()]),
        None => Err(DatabaseError::UnknownSchema {
            suggestions: near_names(wanted, all.iter().map(String::as_str)),
        }),
    }
}

/// How a schema is shown: not at all when it is the configured one, which bare names mean anyway.
pub(super) fn shown_schema(schema: &str, configured: Option<&str>) -> Option<String> {
    (configured != Some(schema)).then(|| schema.to_owned())
}
