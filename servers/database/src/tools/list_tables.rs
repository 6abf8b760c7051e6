//! `list_tables`: what can be queried.

use serde::Serialize;
use wharf::{State, ToolError, ToolResult, tool};

use super::{answer, refuse};
use crate::{Databases, catalog::TableList, request::TableFilter};

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    list: TableList,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

/// List tables and views with their number of columns and rows.
#[tool(title = "List tables", read_only, idempotent, open_world = false)]
pub(crate) async fn list_tables(
    /// Default if left out.
    database: Option<String>,
    /// Only this schema.
    #[arg(min_length = 1, max_length = 200)]
    schema: Option<String>,
    /// Part of a name, or a pattern with * and ?.
    #[arg(min_length = 1, max_length = 200)]
    pattern: Option<String>,
    State(databases): State<Databases>,
) -> Result<ToolResult, ToolError> {
    let (_, engine) = databases.get(database.as_deref()).map_err(refuse)?;
    let list = engine.tables(&TableFilter { schema, pattern }).await.map_err(refuse)?;
    let hint = "there are more tables: narrow them with pattern or schema";
    answer(&Listed { hint: list.truncated.then_some(hint), list })
}
