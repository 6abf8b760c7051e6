//! `list_tables`: what can be queried.

use tokio_util::sync::CancellationToken;
use wharf::{Json, State, ToolError, tool};

use super::refuse;
use crate::{catalog::TableList, sqlite::Database};

/// List the tables and views with their number of columns and rows.
#[tool(title = "List tables", read_only, idempotent, open_world = false)]
pub(crate) async fn list_tables(
    /// Only names that contain this, or that match it where it has * (any text) or ? (one character). Case is ignored.
    #[arg(min_length = 1, max_length = 200)]
    pattern: Option<String>,
    State(database): State<Database>,
) -> Result<Json<TableList>, ToolError> {
    // A dropped call stops its statement by itself, so nobody needs to cancel this token.
    let cancel = CancellationToken::new();
    let list = database.list_tables(pattern.as_deref(), &cancel).await;
    list.map(Json).map_err(refuse)
}
