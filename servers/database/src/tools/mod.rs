//! The server's tools, one per file, and how the database's failures become theirs.

mod describe_table;
mod execute_query;
mod list_tables;

use std::time::Duration;

use wharf::{ErrorKind, Tool, ToolError};

use crate::{
    error::{DatabaseError, ErrorKind as DatabaseErrorKind},
    sqlite::Database,
};

/// The tools, each with the time that `database` may need.
pub(crate) fn all(database: &Database) -> [Tool; 3] {
    let deadline = deadline(database);
    [
        Tool::of(list_tables::list_tables),
        Tool::of(describe_table::describe_table),
        Tool::of(execute_query::execute_query),
    ]
    .map(|tool| tool.configure(|tool| tool.timeout(deadline)))
}

/// What a call may take: the longest statement and the wait for a connection. The database stops its own work before, so
/// the caller learns which of its bounds was met.
fn deadline(database: &Database) -> Duration {
    const SLACK: Duration = Duration::from_secs(1);
    database.limits().max_timeout + database.acquire_timeout() + SLACK
}

/// The public message is the error's own; file names and the like go to the log.
fn refuse(error: DatabaseError) -> ToolError {
    let kind = match error.kind() {
        DatabaseErrorKind::InvalidInput => ErrorKind::InvalidInput,
        DatabaseErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        DatabaseErrorKind::NotFound => ErrorKind::ResourceNotFound,
        DatabaseErrorKind::Timeout => ErrorKind::Timeout,
        DatabaseErrorKind::Cancelled => ErrorKind::Cancelled,
        DatabaseErrorKind::Unavailable => ErrorKind::ServiceUnavailable,
        DatabaseErrorKind::Internal => ErrorKind::Internal,
    };
    let mut failure = ToolError::new(kind, error.to_string());
    if let DatabaseError::Syntax { offset: Some(offset), .. } = &error {
        failure = failure.details(serde_json::json!({"offset_bytes": offset}));
    }
    match error.detail() {
        Some(detail) => failure.source(detail.to_owned()),
        None => failure,
    }
}
