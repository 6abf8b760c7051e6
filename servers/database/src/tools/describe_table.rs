//! `describe_table`: everything needed to write a query against one table.

use serde::Serialize;
use wharf::{State, ToolError, ToolResult, tool};

use super::{answer, refuse};
use crate::{
    Databases, catalog::TableDescription, engine::Engine, error::DatabaseError, names::TableName,
    request::QueryRequest, result::Cell, rows,
};

/// Rows shown as samples.
const SAMPLES: usize = 5;

#[derive(Serialize)]
struct Described {
    #[serde(flatten)]
    table: TableDescription,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    samples: Option<Samples>,
}

#[derive(Serialize)]
struct Samples {
    /// Those of the rows, where nobody may read the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_columns: Option<Vec<String>>,
    sample_rows: Vec<Vec<Cell>>,
}

/// Show one table or view: columns, keys, constraints, indexes.
#[tool(title = "Describe table", read_only, idempotent, open_world = false)]
pub(crate) async fn describe_table(
    /// As list_tables gives it, or schema.table.
    #[arg(min_length = 1, max_length = 256)]
    table: String,
    /// Default if left out.
    database: Option<String>,
    /// If several have such a table.
    #[arg(min_length = 1, max_length = 200)]
    schema: Option<String>,
    /// Also show some rows.
    #[arg(default)]
    samples: bool,
    State(databases): State<Databases>,
) -> Result<ToolResult, ToolError> {
    let (_, engine) = databases.get(database.as_deref()).map_err(refuse)?;
    let name = TableName { schema, name: table };
    let table = engine.describe(&name).await.map_err(refuse)?;
    let samples = match samples {
        true => Some(sample(&**engine, &table).await.map_err(refuse)?),
        false => None,
    };
    answer(&Described { table, samples })
}

/// Some rows, in no order. The names come from the catalogue and are quoted.
async fn sample(engine: &dyn Engine, table: &TableDescription) -> Result<Samples, DatabaseError> {
    let name = engine.dialect().quote_table(table.schema.as_deref(), &table.name);
    let shown = rows::shown(engine, table);
    let mut request =
        QueryRequest::new(format!("SELECT {} FROM {name} LIMIT {SAMPLES}", shown.sql));
    request.row_limit = Some(SAMPLES.min(engine.limits().max_rows));
    let some_hidden = shown.names.len() < table.columns.len();
    let names = || shown.names.iter().map(|name| (*name).to_owned()).collect();
    Ok(Samples {
        sample_columns: some_hidden.then(names),
        sample_rows: engine.query(request).await?.rows,
    })
}
