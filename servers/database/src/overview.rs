//! All tables of a database at a glance: columns, types and keys, and nothing else.
//!
//! It is meant for a model that is about to write its first query, so it is short, and bounded in tables, bytes and time.
//! What was left out is counted; it refuses to look complete when it is not.

use std::time::Duration;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use tokio::time::{Instant, timeout_at};

use crate::catalog::{ForeignKey, TableDescription, TableKind, TableSummary};
use crate::engine::Engine;
use crate::error::DatabaseError;
use crate::names::{TableName, unique_names};
use crate::request::TableFilter;
use crate::result::json_bytes;

/// Tables described at most.
const MAX_TABLES: usize = 200;
/// Bytes of JSON at most.
const MAX_BYTES: usize = 128 << 10;
/// Longest time for describing tables; the first one may take as long as any request.
const MAX_TIME: Duration = Duration::from_secs(10);

/// What the tables of a database look like.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Overview {
    dialect: &'static str,
    tables: Vec<Table>,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Debug, serde::Serialize)]
struct Table {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "is_table")]
    kind: TableKind,
    columns: Columns,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    primary_key: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    foreign_keys: Vec<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unique: Vec<Vec<String>>,
}

/// Types by the names of their columns.
#[derive(Debug)]
struct Columns(Vec<(String, String)>);

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, declared) in &self.0 {
            map.serialize_entry(name, declared)?;
        }
        map.end()
    }
}

#[derive(Debug, serde::Serialize)]
struct Reference {
    columns: Vec<String>,
    table: String,
    table_columns: Vec<String>,
}

fn is_table(kind: &TableKind) -> bool {
    *kind == TableKind::Table
}

/// Looks at the tables, in the order in which they are listed.
///
/// # Errors
/// What listing the tables, or describing the first, ends with.
pub(crate) async fn of(engine: &dyn Engine) -> Result<Overview, DatabaseError> {
    let list = engine.tables(&TableFilter::default()).await?;
    let until = Instant::now() + MAX_TIME;
    let max_bytes = MAX_BYTES.min(engine.limits().max_result_bytes);
    let mut tables = Vec::new();
    let (mut looked_at, mut bytes) = (0, 0);
    for summary in list.tables.iter().take(MAX_TABLES) {
        let described = match timeout_at(until, describe(engine, summary)).await {
            Ok(described) => described?,
            Err(_) if looked_at == 0 => {
                return Err(DatabaseError::Timeout { timeout: MAX_TIME });
            }
            Err(_) => break,
        };
        if let Some(table) = described {
            bytes += json_bytes(&table) + 1;
            if bytes > max_bytes {
                break;
            }
            tables.push(table);
        }
        looked_at += 1;
    }
    let left_out = list.tables.len() - looked_at;
    let truncated = list.truncated || left_out > 0;
    let hint = truncated.then(|| {
        let or_more = if list.truncated { " or more" } else { "" };
        format!(
            "{left_out}{or_more} tables are left out; list_tables and search_schema find them, describe_table shows one"
        )
    });
    Ok(Overview { dialect: engine.dialect().name(), tables, truncated, hint })
}

/// `None` when it was dropped since it was listed.
async fn describe(
    engine: &dyn Engine,
    table: &TableSummary,
) -> Result<Option<Table>, DatabaseError> {
    let name = TableName { schema: table.schema.clone(), name: table.name.clone() };
    match engine.describe(&name).await {
        Ok(description) => Ok(Some(Table::new(description))),
        Err(DatabaseError::UnknownTable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Table {
    fn new(description: TableDescription) -> Self {
        let TableDescription {
            schema, name, kind, columns, primary_key, foreign_keys, unique, ..
        } = description;
        let names = unique_names(columns.iter().map(|column| column.name.as_str()));
        let types = columns.iter().map(|column| {
            let mut declared = column.declared_type.clone();
            if !column.nullable {
                declared.push_str(if declared.is_empty() { "NOT NULL" } else { " NOT NULL" });
            }
            declared
        });
        let reference = |key: ForeignKey| Reference {
            columns: key.columns,
            table: key.references_table,
            table_columns: key.references_columns,
        };
        Self {
            schema,
            name,
            kind,
            columns: Columns(names.into_iter().zip(types).collect()),
            primary_key,
            foreign_keys: foreign_keys.into_iter().map(reference).collect(),
            unique,
        }
    }
}
