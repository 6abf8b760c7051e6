//! `list_databases`: what can be asked.

use serde::Serialize;
use wharf::{State, ToolError, ToolResult, tool};

use super::answer;
use crate::Databases;

#[derive(Serialize)]
struct List<'a> {
    databases: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    dialect: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default: bool,
}

/// List the databases and their SQL dialects.
#[tool(title = "List databases", read_only, idempotent, open_world = false)]
pub(crate) async fn list_databases(
    State(databases): State<Databases>,
) -> Result<ToolResult, ToolError> {
    let default = databases.default_name();
    let listed = databases.iter().map(|(name, engine)| Listed {
        name,
        dialect: engine.dialect().name(),
        default: Some(name) == default,
    });
    answer(&List { databases: listed.collect() })
}
