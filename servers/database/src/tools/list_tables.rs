//! `list_tables`: what can be queried.

use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use wharf::{Args, Json, Tool, ToolError};

use super::{deadline, refuse};
use crate::{catalog::TableList, sqlite::Database};

#[derive(Deserialize, schemars::JsonSchema)]
struct ListTables {
    /// Only names that contain this, or that match it where it has * (any text) or ? (one character). Case is ignored.
    #[schemars(length(min = 1, max = 200))]
    pattern: Option<String>,
}

/// The tool.
pub(crate) fn tool(database: Database) -> Tool {
    Tool::new("list_tables")
        .title("List tables")
        .description("List the tables and views with their number of columns and rows.")
        .read_only()
        .idempotent()
        .open_world(false)
        .timeout(deadline(&database))
        .handler(move |Args(arguments): Args<ListTables>| list(database.clone(), arguments))
}

async fn list(database: Database, arguments: ListTables) -> Result<Json<TableList>, ToolError> {
    // A dropped call stops its statement by itself, so nobody needs to cancel this token.
    let cancel = CancellationToken::new();
    let list = database.list_tables(arguments.pattern.as_deref(), &cancel).await;
    list.map(Json).map_err(refuse)
}
