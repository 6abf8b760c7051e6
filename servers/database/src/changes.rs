//! Changes of rows that a database tells of by itself, where somebody made it do so.
//!
//! A change names the row and says nothing of what is in it: whoever wants to know reads the row, and may do so or not.
//! [`RowChange::parse`] reads the JSON that `migrations/notify_row_changes.sql` makes a PostgreSQL database send. Anyone who
//! can connect there can send such a message, so it is foreign input like any other.

use serde::Deserialize;
use tokio::sync::mpsc;

use crate::error::DatabaseError;

/// The channel of PostgreSQL's LISTEN and NOTIFY on which rows are told of.
pub const CHANNEL: &str = "wharf_rows";
/// The longest message; PostgreSQL sends none of 8,000 bytes or more.
pub const MAX_MESSAGE_BYTES: usize = 8_000;
/// The most columns of a key; PostgreSQL has keys of at most 32.
pub const MAX_KEY_PARTS: usize = 32;

/// What an engine tells, in the order in which it learns of it. The engine bounds it.
pub type Changes = mpsc::Receiver<Change>;

/// Something that happened in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A row is new, different or gone.
    Row(RowChange),
    /// Changes may have been missed, as after a reconnect: any row may be different.
    Missed,
}

/// One row that is new, different or gone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RowChange {
    /// The schema, where the database has several.
    #[serde(default)]
    pub schema: Option<String>,
    /// The table, as the database spells it.
    pub table: String,
    /// The values of the primary key in key order, each as the database writes it; bytes are `0x` and hexadecimal digits.
    #[serde(deserialize_with = "key")]
    pub id: Vec<String>,
}

impl RowChange {
    /// A change of the row with this key.
    pub fn new(
        schema: Option<String>,
        table: impl Into<String>,
        id: impl IntoIterator<Item = String>,
    ) -> Self {
        Self { schema, table: table.into(), id: id.into_iter().collect() }
    }

    /// Reads `{"schema": …, "table": …, "id": …}`, where `id` is a text, an integer, or an array of these.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`]: it is something else, or longer than such a message can be.
    pub fn parse(message: &str) -> Result<Self, DatabaseError> {
        let wrong = || {
            let rule = "must be JSON such as {\"schema\": \"public\", \"table\": \"users\", \"id\": [\"1\"]}";
            DatabaseError::invalid("message", rule)
        };
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(wrong());
        }
        let change: Self = serde_json::from_str(message).map_err(|_| wrong())?;
        let named = change.schema.as_deref() != Some("") && !change.table.is_empty();
        let keyed = (1..=MAX_KEY_PARTS).contains(&change.id.len());
        if named && keyed { Ok(change) } else { Err(wrong()) }
    }
}

fn key<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Part {
        Text(String),
        Integer(i64),
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Key {
        One(Part),
        Several(Vec<Part>),
    }
    let text = |part| match part {
        Part::Text(text) => text,
        Part::Integer(number) => number.to_string(),
    };
    Ok(match Key::deserialize(deserializer)? {
        Key::One(part) => vec![text(part)],
        Key::Several(parts) => parts.into_iter().map(text).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_a_row() {
        #[track_caller]
        fn check(message: &str, schema: Option<&str>, table: &str, id: &[&str]) {
            let change = RowChange::parse(message).unwrap();
            let id = id.iter().map(|part| (*part).to_owned());
            assert_eq!(change, RowChange::new(schema.map(str::to_owned), table, id), "{message}");
        }
        check(r#"{"schema":"public","table":"users","id":["1"]}"#, Some("public"), "users", &["1"]);
        check(r#"{"schema":null,"table":"users","id":"a/b"}"#, None, "users", &["a/b"]);
        check(r#"{"table":"routes","id":["SFO",7]}"#, None, "routes", &["SFO", "7"]);
        check(r#"{"table":"t","id":-9223372036854775808}"#, None, "t", &["-9223372036854775808"]);
        check(r#"{"table":"t","id":""}"#, None, "t", &[""]);
    }

    #[test]
    fn what_names_no_row_is_refused() {
        let long = format!(r#"{{"table":"t","id":"{}"}}"#, "x".repeat(MAX_MESSAGE_BYTES));
        let parts = vec!["1"; MAX_KEY_PARTS + 1].join(",");
        let many = format!(r#"{{"table":"t","id":[{parts}]}}"#);
        let deep = format!(r#"{{"table":"t","id":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
        for message in [
            "",
            "users",
            "[]",
            r#"{"table":"t"}"#,
            r#"{"table":"","id":"1"}"#,
            r#"{"schema":"","table":"t","id":"1"}"#,
            r#"{"table":"t","id":[]}"#,
            r#"{"table":"t","id":null}"#,
            r#"{"table":"t","id":1.5}"#,
            r#"{"table":"t","id":{"a":1}}"#,
            r#"{"table":"t","id":"1","row":{"password":"x"}}"#,
            r#"{"table":"t","id":"1"} {}"#,
            &long,
            &many,
            &deep,
        ] {
            let refused = RowChange::parse(message).unwrap_err().to_string();
            assert!(refused.len() < 200, "{refused}");
        }
    }
}
