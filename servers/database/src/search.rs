//! Finding tables, columns and functions by name, in terms that fit every kind of database.

use serde::Serialize;

use crate::error::DatabaseError;
use crate::names::MAX_PATTERN_BYTES;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// The pattern (see [`crate::names::matches_pattern`]).
    pub pattern: String,
    /// Only in this schema.
    pub schema: Option<String>,
    /// Findings returned at most.
    pub limit: usize,
}

/// Findings returned at most when the caller names no number.
pub const DEFAULT_FINDINGS: usize = 100;

impl Search {
    /// Checks the lengths.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the argument.
    pub fn check(&self) -> Result<(), DatabaseError> {
        if self.pattern.is_empty() || self.pattern.len() > MAX_PATTERN_BYTES {
            let rule = format!("must have 1 to {MAX_PATTERN_BYTES} bytes");
            return Err(DatabaseError::invalid("pattern", rule));
        }
        if self.schema.as_ref().is_some_and(|schema| schema.len() > MAX_PATTERN_BYTES) {
            let rule = format!("must be at most {MAX_PATTERN_BYTES} bytes");
            return Err(DatabaseError::invalid("schema", rule));
        }
        Ok(())
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Findings {
    /// The findings: tables and views, then columns, then functions, each ordered by name.
    pub found: Vec<Finding>,
    /// Whether more matches than are here.
    pub truncated: bool,
}

/// One thing with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Its schema, where the database has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The table of a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The name, as the database spells it.
    pub name: String,
    /// The type of a column; arguments and result of a function.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// What its owner says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A table that holds rows.
    Table,
    /// A stored query, materialized or not.
    View,
    /// A column of a table or view.
    Column,
    /// A function or procedure.
    Function,
}
