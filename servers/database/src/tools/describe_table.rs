//! `describe_table`: everything needed to write a query against one table.

use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use wharf::{Args, Json, Tool, ToolError};

use super::{deadline, refuse};
use crate::{catalog::TableDescription, sqlite::Database};

#[derive(Deserialize, schemars::JsonSchema)]
struct DescribeTable {
    /// Name of a table or view, as list_tables gives it.
    #[schemars(length(min = 1, max = 256))]
    table: String,
}

/// The tool.
pub(crate) fn tool(database: Database) -> Tool {
    Tool::new("describe_table")
        .title("Describe table")
        .description(
            "Show one table or view: columns with types, primary key, foreign keys, unique sets, indexes, checks, and the \
             SQL that made it.",
        )
        .read_only()
        .idempotent()
        .open_world(false)
        .timeout(deadline(&database))
        .handler(move |Args(arguments): Args<DescribeTable>| describe(database.clone(), arguments))
}

async fn describe(
    database: Database,
    arguments: DescribeTable,
) -> Result<Json<TableDescription>, ToolError> {
    // A dropped call stops its statement by itself, so nobody needs to cancel this token.
    let cancel = CancellationToken::new();
    database.describe_table(&arguments.table, &cancel).await.map(Json).map_err(refuse)
}
