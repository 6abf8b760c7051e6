//! Turns PostgreSQL's text for a value into a cell, exactly.
//!
//! Booleans, integers, floats and byte strings get JSON of their own. Everything else stays the text that PostgreSQL writes.

use tokio_postgres::types::Type;

use crate::error::DatabaseError;
use crate::result::Cell;

/// How the values of a column are read. Found once for each column, not for each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Bool,
    Integer,
    Real,
    Bytes,
    Text,
}

impl Reading {
    pub(super) fn of(type_: &Type) -> Self {
        match *type_ {
            Type::BOOL => Self::Bool,
            Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Self::Integer,
            Type::FLOAT4 | Type::FLOAT8 => Self::Real,
            Type::BYTEA => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// The cell for the text of a value.
    pub(super) fn cell(self, text: Option<&str>, limit: usize) -> Result<Cell, DatabaseError> {
        let Some(text) = text else { return Ok(Cell::Null) };
        let malformed = || DatabaseError::internal(format!("a malformed value, not {self:?}"));
        Ok(match self {
            Self::Bool => match text {
                "t" => Cell::Bool(true),
                "f" => Cell::Bool(false),
                _ => return Err(malformed()),
            },
            Self::Integer => Cell::Integer(text.parse().map_err(|_| malformed())?),
            // Rust reads PostgreSQL's shortest digits and its words for what is not finite.
            Self::Real => Cell::Real(text.parse().map_err(|_| malformed())?),
            Self::Bytes => {
                let bytes = text.strip_prefix("\\x").and_then(bytes).ok_or_else(malformed)?;
                Cell::blob(&bytes, limit)
            }
            Self::Text => Cell::str(text, limit),
        })
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell(type_: &Type, text: Option<&str>, limit: usize) -> Result<Cell, DatabaseError> {
        Reading::of(type_).cell(text, limit)
    }

    #[track_caller]
    fn check(type_: &Type, text: &str, json: &str) {
        let cell = cell(type_, Some(text), 20).unwrap();
        assert_eq!(serde_json::to_string(&cell).unwrap(), json);
    }

    #[test]
    fn values_keep_every_digit() {
        check(&Type::BOOL, "t", "true");
        check(&Type::INT8, "9007199254740993", "\"9007199254740993\"");
        check(&Type::INT4, "-1", "-1");
        check(&Type::FLOAT4, "0.1", "0.1");
        check(&Type::FLOAT8, "1e+300", "1e+300");
        check(&Type::FLOAT8, "NaN", "\"NaN\"");
        check(&Type::FLOAT8, "-Infinity", "\"-Infinity\"");
        check(&Type::NUMERIC, "0.10", "\"0.10\"");
        check(&Type::BYTEA, "\\xdeadbeef", r#"{"base64":"3q2+7w==","full_bytes":4}"#);
        check(&Type::TEXT, "äöü", "\"äöü\"");
        assert_eq!(cell(&Type::INT4, None, 9).unwrap(), Cell::Null);
        assert!(cell(&Type::BOOL, Some("x"), 9).is_err());
        assert!(cell(&Type::BYTEA, Some("\\xabc"), 9).is_err());
    }

    proptest! {
        #[test]
        fn byte_strings_read_back(value: Vec<u8>) {
            let text = value.iter().fold(String::from("\\x"), |text, byte| format!("{text}{byte:02x}"));
            let expected = Cell::Bytes { full_bytes: value.len(), bytes: value, stored_as_text: false };
            prop_assert_eq!(cell(&Type::BYTEA, Some(&text), usize::MAX).unwrap(), expected);
        }
    }
}
