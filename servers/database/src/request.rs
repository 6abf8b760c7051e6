//! One query as a caller asks it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

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
#[derive(Debug, Clone, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Parameters {
    /// One value for each placeholder, in order.
    Positional(Vec<Value>),
    /// One value for each name; the prefix may be left out.
    Named(BTreeMap<String, Value>),
}

impl Default for Parameters {
    fn default() -> Self {
        Self::Positional(Vec::new())
    }
}
