//! What a caller asks of a database.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::error::DatabaseError;
use crate::names::MAX_PATTERN_BYTES;

/// One query: the SQL, its parameters and how much the caller wants back.
#[derive(Debug, Clone, Default)]
pub struct QueryRequest {
    /// Exactly one statement that reads.
    pub sql: String,
    /// Values for the statement's placeholders. They are bound, never put into the text.
    pub params: Parameters,
    /// Rows wanted at most; `None` takes the default.
    pub row_limit: Option<usize>,
    /// Time wanted at most; `None` takes the default.
    pub timeout: Option<Duration>,
    /// In which form the rows are wanted.
    pub rows: RowForm,
}

/// The form of a result's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowForm {
    /// Cells, for whoever looks at them.
    #[default]
    Cells,
    /// JSON, written while further rows are on their way.
    Json,
}

impl QueryRequest {
    /// A query without parameters and with the default limits.
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), ..Self::default() }
    }
}

/// Values for placeholders: by position (`?`, `?2`) or by name (`:name`, `@name`, `$name`).
///
/// A value is null, a boolean (bound as 1 or 0), a number, a string, `{"base64": "…"}` for a
/// blob or `{"integer": "…"}` for an integer that the caller cannot write exactly.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Parameters {
    /// One value for each placeholder, in order.
    Positional(Vec<Value>),
    /// One value for each name; the prefix may be left out.
    Named(BTreeMap<String, Value>),
    /// Either of them as JSON, in which numbers have all the digits that were sent. See [`Parameters::sent`].
    #[serde(skip)]
    Sent(Box<str>),
}

impl Parameters {
    /// The values in the text of a JSON array or object; `None` if it is neither.
    #[must_use]
    pub fn sent(text: &str) -> Option<Self> {
        let sent = Self::Sent(text.into());
        sent.given().is_some().then_some(sent)
    }
}

impl schemars::JsonSchema for Parameters {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Parameters".into()
    }

    fn inline_schema() -> bool {
        true
    }

    // A model pays for every word of a schema; the argument's description says what the values are.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["array", "object"]})
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self::Positional(Vec::new())
    }
}

/// One statement whose plan is wanted.
#[derive(Debug, Clone, Default)]
pub struct ExplainRequest {
    /// Exactly one statement that reads, without EXPLAIN in front.
    pub sql: String,
    /// Values for the statement's placeholders.
    pub params: Parameters,
    /// Whether to run it, so that the plan says what each step took.
    pub analyze: bool,
    /// Time wanted at most; `None` takes the default.
    pub timeout: Option<Duration>,
}

/// Which tables a listing holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFilter {
    /// Only tables of this schema.
    pub schema: Option<String>,
    /// Only names that match (see [`crate::names::matches_pattern`]).
    pub pattern: Option<String>,
}

impl TableFilter {
    /// Checks the lengths.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the argument that is too long.
    pub fn check(&self) -> Result<(), DatabaseError> {
        for (argument, value) in [("pattern", &self.pattern), ("schema", &self.schema)] {
            if value.as_ref().is_some_and(|value| value.len() > MAX_PATTERN_BYTES) {
                let rule = format!("must be at most {MAX_PATTERN_BYTES} bytes");
                return Err(DatabaseError::invalid(argument, rule));
            }
        }
        Ok(())
    }
}
