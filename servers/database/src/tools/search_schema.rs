//! `search_schema`: where something is, by its name.

use serde::{Deserialize, Serialize};
use wharf::{State, ToolError, ToolResult, tool};

use super::{answer, refuse};
use crate::{
    Databases,
    catalog::TableDescription,
    engine::Engine,
    error::DatabaseError,
    names::TableName,
    search::{DEFAULT_FINDINGS, Finding, FindingKind, Findings, Search},
};

/// Tables described in full at most, because each costs several queries.
const MAX_DESCRIBED: usize = 10;

// How much is told about what is found.
#[derive(Debug, Clone, Copy, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum DetailLevel {
    Names,
    #[default]
    Summary,
    Full,
}

#[derive(Serialize)]
struct Found<T> {
    #[serde(flatten)]
    found: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

#[derive(Serialize)]
struct Names {
    names: Vec<String>,
    truncated: bool,
}

#[derive(Serialize)]
struct Full {
    #[serde(flatten)]
    findings: Findings,
    tables: Vec<TableDescription>,
}

/// Find tables, views, columns and functions by name.
#[tool(title = "Search schema", read_only, idempotent, open_world = false)]
pub(crate) async fn search_schema(
    /// Part of a name, or a pattern with * and ?.
    #[arg(min_length = 1, max_length = 200)]
    pattern: String,
    /// Default if left out.
    database: Option<String>,
    /// Only this schema.
    #[arg(min_length = 1, max_length = 200)]
    schema: Option<String>,
    /// full also describes the tables found.
    #[arg(default)]
    detail_level: DetailLevel,
    State(databases): State<Databases>,
) -> Result<ToolResult, ToolError> {
    let (_, engine) = databases.get(database.as_deref()).map_err(refuse)?;
    let search = Search { pattern, schema, limit: DEFAULT_FINDINGS };
    let findings = engine.search(&search).await.map_err(refuse)?;
    let hint = "there is more: narrow it with a longer pattern or a schema";
    let hint = findings.truncated.then_some(hint);
    match detail_level {
        DetailLevel::Names => answer(&Found { found: names(&findings), hint }),
        DetailLevel::Summary => answer(&Found { found: findings, hint }),
        DetailLevel::Full => {
            let tables = described(&**engine, &findings).await.map_err(refuse)?;
            answer(&Found { found: Full { findings, tables }, hint })
        }
    }
}

/// `schema.table.column`, as far as each part is there.
fn names(findings: &Findings) -> Names {
    let full_name = |finding: &Finding| {
        let parts = [finding.schema.as_deref(), finding.table.as_deref(), Some(&*finding.name)];
        let mut name = parts.into_iter().flatten().collect::<Vec<_>>().join(".");
        if finding.kind == FindingKind::Function {
            name.push_str("()");
        }
        name
    };
    let mut names: Vec<String> = findings.found.iter().map(full_name).collect();
    // Functions may share a name, one beside the other.
    names.dedup();
    Names { names, truncated: findings.truncated }
}

async fn described(
    engine: &dyn Engine,
    findings: &Findings,
) -> Result<Vec<TableDescription>, DatabaseError> {
    let mut tables: Vec<TableName> = Vec::new();
    for finding in &findings.found {
        let name = match finding.kind {
            FindingKind::Table | FindingKind::View => &finding.name,
            FindingKind::Column => finding.table.as_ref().unwrap_or(&finding.name),
            FindingKind::Function => continue,
        };
        let table = TableName { schema: finding.schema.clone(), name: name.clone() };
        if !tables.contains(&table) && tables.len() < MAX_DESCRIBED {
            tables.push(table);
        }
    }
    let mut all = Vec::with_capacity(tables.len());
    for table in &tables {
        match engine.describe(table).await {
            Ok(description) => all.push(description),
            // It was dropped since it was found.
            Err(DatabaseError::UnknownTable { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
