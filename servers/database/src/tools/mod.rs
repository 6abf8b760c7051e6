//! The server's tools, one per file, and how the database's failures become theirs.
//!
//! They declare no output schemas: a model pays for each of them in every list, and what comes back says itself what it is.

mod describe_table;
mod execute_query;
mod execute_write;
mod explain_query;
mod list_databases;
mod list_tables;
mod long_running_analysis;
mod search_schema;
mod sent;

use std::time::Duration;

use wharf::{ErrorKind, Tool, ToolError, ToolResult};

use crate::{
    Databases,
    engine::Engine,
    error::{DatabaseError, ErrorKind as DatabaseErrorKind},
};

/// Each analysis may hold some tens of megabytes while it runs.
const ANALYSES_AT_ONCE: usize = 4;

/// The time that the slowest database may need. The databases stop their own work before, so that the caller learns which
/// of their bounds was met.
pub(crate) fn deadline(databases: &Databases) -> Duration {
    const SLACK: Duration = Duration::from_secs(1);
    databases.longest_call() + SLACK
}

/// The tools, each with its deadline.
pub(crate) fn all(databases: &Databases) -> Vec<Tool> {
    let deadline = deadline(databases);
    let mut tools = vec![
        Tool::of(list_databases::list_databases),
        Tool::of(list_tables::list_tables),
        Tool::of(describe_table::describe_table),
        Tool::of(search_schema::search_schema),
        Tool::of(execute_query::execute_query),
        Tool::of(explain_query::explain_query),
        Tool::of(long_running_analysis::long_running_analysis)
            .configure(|tool| tool.concurrency(ANALYSES_AT_ONCE)),
    ];
    // A tool that nobody can use would only cost tokens.
    if databases.iter().any(|(_, engine)| engine.writer().is_some()) {
        tools.push(Tool::of(execute_write::execute_write));
    }
    tools.into_iter().map(|tool| tool.configure(|tool| tool.timeout(deadline))).collect()
}

/// What a tool gives back: structured, and as text.
fn answer(value: &impl serde::Serialize) -> Result<ToolResult, ToolError> {
    ToolResult::structured(value)
}

/// Like [`refuse`], for a caller's statement: where it names a table that is not there, with the names that are near.
pub(crate) async fn refuse_statement(engine: &dyn Engine, error: DatabaseError) -> ToolError {
    /// Longest time for looking at the names, which are bounded in number.
    const PATIENCE: Duration = Duration::from_secs(2);
    let DatabaseError::NoSuchTable { message, offset, name, .. } = error else {
        return refuse(error);
    };
    let looked = tokio::time::timeout(PATIENCE, engine.describe(&name)).await;
    let suggestions = match looked {
        Ok(Err(DatabaseError::UnknownTable { suggestions, .. })) => suggestions,
        // It is somewhere the statement does not look, or nobody knows.
        Ok(Ok(table)) => {
            vec![
                table
                    .schema
                    .map_or(table.name.clone(), |schema| format!("{schema}.{}", table.name)),
            ]
        }
        _ => Vec::new(),
    };
    refuse(DatabaseError::NoSuchTable { message, offset, name, suggestions })
}

/// The public message is the error's own; file names and the like go to the log.
pub(crate) fn refuse(error: DatabaseError) -> ToolError {
    let kind = match error.kind() {
        DatabaseErrorKind::InvalidInput => ErrorKind::InvalidInput,
        DatabaseErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        DatabaseErrorKind::NotFound => ErrorKind::ResourceNotFound,
        DatabaseErrorKind::Timeout => ErrorKind::Timeout,
        DatabaseErrorKind::Cancelled => ErrorKind::Cancelled,
        DatabaseErrorKind::Conflict => ErrorKind::Conflict,
        DatabaseErrorKind::Unavailable => ErrorKind::ServiceUnavailable,
        DatabaseErrorKind::Internal => ErrorKind::Internal,
    };
    let mut failure = ToolError::new(kind, error.to_string());
    if let DatabaseError::Syntax { offset: Some(offset), .. }
    | DatabaseError::NoSuchTable { offset: Some(offset), .. } = &error
    {
        failure = failure.details(serde_json::json!({"offset_bytes": offset}));
    }
    match error.detail() {
        Some(detail) => failure.source(detail.into_owned()),
        None => failure,
    }
}
