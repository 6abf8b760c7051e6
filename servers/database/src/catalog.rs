//! What a database holds, in terms that fit every kind of database.

use schemars::JsonSchema;
use serde::Serialize;

/// The tables of a database that match a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TableList {
    /// Tables and views, ordered by name.
    pub tables: Vec<TableSummary>,
    /// Whether more tables match than are listed.
    pub truncated: bool,
}

/// One table or view in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TableSummary {
    /// The name, as the database spells it.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// How many columns it has.
    pub column_count: usize,
    /// How many rows it has, where that is cheap to know.
    #[serde(flatten)]
    pub rows: RowCount,
}

/// What can be read like a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TableKind {
    /// An ordinary table.
    Table,
    /// A stored query.
    View,
    /// A table that a module computes, such as a full-text index.
    Virtual,
}

/// A number of rows and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "row_count_is", content = "row_count", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RowCount {
    /// Counted.
    Exact(u64),
    /// Counting stopped here.
    AtLeast(u64),
    /// The planner's statistics, as old as the last ANALYZE.
    Estimate(u64),
    /// Not counted, because counting could be as dear as any query.
    Unknown,
}

impl JsonSchema for RowCount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RowCount".into()
    }

    // One object in place of four alternatives: every client pays for each of them in every list of tools.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "properties": {
                "row_count": {"type": "integer", "minimum": 0},
                "row_count_is": {"enum": ["exact", "at_least", "estimate", "unknown"]},
            },
            "required": ["row_count_is"],
        })
    }
}

/// Everything needed to write a query against one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TableDescription {
    /// The name, as the database spells it.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// The columns, in order.
    pub columns: Vec<ColumnDescription>,
    /// The columns of the primary key, in key order.
    pub primary_key: Vec<String>,
    /// References to other tables.
    pub foreign_keys: Vec<ForeignKey>,
    /// Sets of columns whose values occur once, the primary key apart.
    pub unique: Vec<Vec<String>>,
    /// The indexes, so that a query can use them.
    pub indexes: Vec<IndexDescription>,
    /// The conditions that every row keeps, as written.
    pub checks: Vec<String>,
    /// The statement that made the table, with its comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ColumnDescription {
    /// The name, as the database spells it.
    pub name: String,
    /// The declared type; empty where none was declared.
    #[serde(rename = "type")]
    pub declared_type: String,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// The default, as an SQL expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether it is part of the primary key.
    pub primary_key: bool,
    /// Whether the database computes it from other columns.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub generated: bool,
}

/// A reference from columns of this table to columns of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ForeignKey {
    /// The columns here.
    pub columns: Vec<String>,
    /// The table referred to.
    pub references_table: String,
    /// The columns there; the primary key where the schema names none.
    pub references_columns: Vec<String>,
    /// What happens here when the row there is deleted.
    pub on_delete: String,
    /// What happens here when the key there changes.
    pub on_update: String,
}

/// One index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct IndexDescription {
    /// The name.
    pub name: String,
    /// The indexed columns in order; `null` stands for an expression.
    pub columns: Vec<Option<String>>,
    /// Whether an entry occurs once.
    pub unique: bool,
    /// Whether it covers only the rows that meet a condition.
    pub partial: bool,
}
