//! `execute_query`: one statement that reads, and its rows.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wharf::{Json, State, ToolError, tool};

use super::refuse;
use crate::{
    request::{Parameters, QueryRequest},
    result::QueryResult,
    sqlite::Database,
};

/// Run one read-only SQL statement. Rows come as arrays in the order of columns; truncated says whether there are more.
/// Integers beyond 2^53 come as strings, blobs as base64.
#[tool(title = "Execute query", read_only, idempotent, open_world = false)]
pub(crate) async fn execute_query(
    /// One SELECT, WITH, VALUES or EXPLAIN QUERY PLAN in SQLite's dialect.
    #[arg(min_length = 1)]
    query: String,
    /// Values for placeholders: an array for ?, an object for :name, @name or $name.
    params: Option<Parameters>,
    /// Rows to return at most; 100 unless given.
    #[arg(range = 1..=10_000)]
    row_limit: Option<usize>,
    /// Time for the statement in milliseconds.
    #[arg(range = 1..=300_000)]
    timeout_ms: Option<u64>,
    State(database): State<Database>,
) -> Result<Json<QueryResult>, ToolError> {
    let request = QueryRequest {
        sql: query,
        params: params.unwrap_or_default(),
        row_limit,
        timeout: timeout_ms.map(Duration::from_millis),
    };
    // A dropped call stops its statement by itself, so nobody needs to cancel this token.
    let cancel = CancellationToken::new();
    database.query(request, &cancel).await.map(Json).map_err(refuse)
}
