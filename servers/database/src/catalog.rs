//! What a database holds, in terms that fit every kind of database.

use serde::Serialize;

/// The tables of a database that match a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableList {
    /// Tables and views, ordered by schema and name.
    pub tables: Vec<TableSummary>,
    /// Whether more tables match than are listed.
    pub truncated: bool,
}

/// One table or view in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableSummary {
    /// The schema, where the database has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The name, as the database spells it.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// How many columns it has.
    pub column_count: usize,
    /// How many rows it has, where that is cheap to know.
    #[serde(flatten, skip_serializing_if = "RowCount::is_unknown")]
    pub rows: RowCount,
    /// Bytes on disk with its indexes, where that is cheap to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// What its owner says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What can be read like a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TableKind {
    /// An ordinary table.
    Table,
    /// A stored query.
    View,
    /// A stored query with its rows, as old as its last refresh.
    MaterializedView,
    /// A table whose rows lie elsewhere.
    Foreign,
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
    /// From the database's statistics.
    Estimate(u64),
    /// Not counted, because counting could be as dear as any query. A listing says nothing then.
    Unknown,
}

impl RowCount {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// Everything needed to write a query against one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableDescription {
    /// The schema, where the database has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The name, as the database spells it.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// What its owner says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
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

impl TableDescription {
    /// Whether an index over all rows begins with the column, so that its ends are found without reading the table.
    pub(crate) fn leads_an_index(&self, column: &str) -> bool {
        let leads = |index: &IndexDescription| {
            !index.partial && matches!(index.columns.first(), Some(Some(first)) if first == column)
        };
        self.primary_key.first().is_some_and(|first| first == column)
            || self.indexes.iter().any(leads)
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub primary_key: bool,
    /// Whether the database computes it from other columns or counts it up by itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub generated: bool,
    /// Characters or bytes that a value may have, where the type limits them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// What its owner says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl ColumnDescription {
    /// A column that can be NULL, with no default and no key.
    pub fn new(name: impl Into<String>, declared_type: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            declared_type: declared_type.into(),
            nullable: true,
            default: None,
            primary_key: false,
            generated: false,
            max_length: None,
            comment: None,
        }
    }
}

/// A reference from columns of this table to columns of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexDescription {
    /// The name.
    pub name: String,
    /// The indexed columns in order; `null` stands for an expression.
    pub columns: Vec<Option<String>>,
    /// Whether an entry occurs once.
    pub unique: bool,
    /// Whether it covers only the rows that meet a condition.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// What the columns do not say: expressions, condition, order, kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}
