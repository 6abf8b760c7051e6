//! `describe_table`: everything needed to write a query against one table.

use tokio_util::sync::CancellationToken;
use wharf::{Json, State, ToolError, tool};

use super::refuse;
use crate::{catalog::TableDescription, sqlite::Database};

/// Show one table or view: columns with types, primary key, foreign keys, unique sets, indexes, checks, and the SQL
/// that made it.
#[tool(title = "Describe table", read_only, idempotent, open_world = false)]
pub(crate) async fn describe_table(
    /// Name of a table or view, as list_tables gives it.
    #[arg(min_length = 1, max_length = 256)]
    table: String,
    State(database): State<Database>,
) -> Result<Json<TableDescription>, ToolError> {
    // A dropped call stops its statement by itself, so nobody needs to cancel this token.
    let cancel = CancellationToken::new();
    database.describe_table(&table, &cancel).await.map(Json).map_err(refuse)
}
