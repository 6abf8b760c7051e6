//! What a prompt tells of a table: what is needed to write a query against it, within bounds.
//!
//! Names, defaults, conditions and comments come from the database, whoever made them there: they are data like a question.

use serde::Serialize;
use wharf::ToolError;

use super::data::cut;
use crate::{
    Databases, catalog::TableDescription, engine::Dialect, names::TableName, tools::refuse,
};

/// Columns that are told.
const MAX_COLUMNS: usize = 300;
/// Keys, indexes and conditions that are told, of each kind.
const MAX_OTHERS: usize = 50;
/// Bytes of a comment, a default or a condition that are told.
const MAX_TEXT_BYTES: usize = 500;

/// A table as a prompt tells of it.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    /// The name in quotes, as it stands in SQL.
    sql_name: String,
    #[serde(flatten)]
    table: TableDescription,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns_left_out: Option<usize>,
}

/// The table that a prompt is about, and where it is.
pub(super) struct Subject {
    pub(super) database: String,
    pub(super) dialect: Dialect,
    pub(super) facts: Facts,
}

/// Looks the table up.
///
/// # Errors
/// An unknown database or table, with near names, or what the database says.
pub(super) async fn subject(
    databases: &Databases,
    database: Option<String>,
    table: String,
) -> Result<Subject, ToolError> {
    // Forms send what was left empty as an empty text.
    let database = database.filter(|name| !name.is_empty());
    let (database, engine) = databases.get(database.as_deref()).map_err(refuse)?;
    let described = engine.describe(&TableName::new(table)).await.map_err(refuse)?;
    let dialect = engine.dialect();
    let facts = Facts::new(dialect, described);
    Ok(Subject { database: database.to_owned(), dialect, facts })
}

impl Facts {
    fn new(dialect: Dialect, mut table: TableDescription) -> Self {
        let sql_name = dialect.quote_table(table.schema.as_deref(), &table.name);
        // The same again in other words.
        table.sql = None;
        let columns_left_out = table.columns.len().saturating_sub(MAX_COLUMNS);
        table.columns.truncate(MAX_COLUMNS);
        table.foreign_keys.truncate(MAX_OTHERS);
        table.unique.truncate(MAX_OTHERS);
        table.indexes.truncate(MAX_OTHERS);
        table.checks.truncate(MAX_OTHERS);
        let of_columns = table.columns.iter_mut().flat_map(|column| {
            [Some(&mut column.declared_type), column.default.as_mut(), column.comment.as_mut()]
        });
        let texts = of_columns.flatten().chain(table.comment.as_mut()).chain(&mut table.checks);
        texts.for_each(|text| cut(text, MAX_TEXT_BYTES));
        Self { sql_name, table, columns_left_out: Some(columns_left_out).filter(|left| *left > 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ColumnDescription, TableKind};

    #[test]
    fn a_huge_table_is_told_within_bounds() {
        let long = "x".repeat(100_000);
        let column = |n: usize| ColumnDescription {
            default: Some(long.clone()),
            comment: Some(long.clone()),
            ..ColumnDescription::new(format!("c{n}"), &*long)
        };
        let table = TableDescription {
            schema: Some("s".into()),
            name: "t".into(),
            kind: TableKind::Table,
            comment: Some(long.clone()),
            columns: (0..1_000).map(column).collect(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            unique: Vec::new(),
            indexes: Vec::new(),
            checks: vec![long.clone(); 1_000],
            sql: Some(long.clone()),
        };
        let facts = serde_json::to_value(Facts::new(Dialect::Mysql, table)).unwrap();
        assert_eq!(facts["columns_left_out"], 700);
        assert_eq!(facts["sql_name"], "`s`.`t`");
        assert!(facts.to_string().len() < 700_000);
    }
}
