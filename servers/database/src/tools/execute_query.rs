//! `execute_query`: one statement that reads, and its rows.

use std::time::Duration;

use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use wharf::{Args, Json, Tool, ToolError};

use super::{deadline, refuse};
use crate::{
    request::{Parameters, QueryRequest},
    result::QueryResult,
    sqlite::Database,
};

#[derive(Deserialize, schemars::JsonSchema)]
struct ExecuteQuery {
    /// One SELECT, WITH, VALUES or EXPLAIN QUERY PLAN in SQLite's dialect.
    #[schemars(length(min = 1))]
    query: String,
    /// Values for placeholders: an array for ?, an object for :name, @name or $name.
    #[serde(default)]
    params: Option<Parameters>,
    /// Rows to return at most; 100 unless given.
    #[schemars(range(min = 1, max = 10_000))]
    row_limit: Option<usize>,
    /// Time for the statement in milliseconds.
    #[schemars(range(min = 1, max = 300_000))]
    timeout_ms: Option<u64>,
}

/// The tool.
pub(crate) fn tool(database: Database) -> Tool {
    Tool::new("execute_query")
        .title("Execute query")
        .description(
            "Run one read-only SQL statement. Rows come as arrays in the order of columns; truncated says whether there are \
             more. Integers beyond 2^53 come as strings, blobs as base64.",
        )
        .read_only()
        .idempotent()
        .open_world(false)
        .timeout(deadline(&database))
        .handler(move |Args(arguments): Args<ExecuteQuery>| execute(database.clone(), arguments))
}

async fn execute(
    database: Database,
    arguments: ExecuteQuery,
) -> Result<Json<QueryResult>, ToolError> {
    let request = QueryRequest {
        sql: arguments.query,
        params: arguments.params.unwrap_or_default(),
        row_limit: arguments.row_limit,
        timeout: arguments.timeout_ms.map(Duration::from_millis),
    };
    // A dropped call stops its statement by itself, so nobody needs to cancel this token.
    let cancel = CancellationToken::new();
    database.query(request, &cancel).await.map(Json).map_err(refuse)
}
