//! Binds a caller's values as text, which PostgreSQL reads as it reads a literal of the parameter's type.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use serde_json::Value;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::error::DatabaseError;
use crate::request::Parameters;

/// Deepest nesting of an array.
const MAX_DIMENSIONS: usize = 6;

/// A value as PostgreSQL's text.
#[derive(Debug)]
pub(super) struct TextValue(Option<String>);

impl ToSql for TextValue {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Ok(match &self.0 {
            None => IsNull::Yes,
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                IsNull::No
            }
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// One text for each parameter of a statement.
pub(super) fn bind(
    parameters: &Parameters,
    types: &[Type],
    max: usize,
) -> Result<Vec<TextValue>, DatabaseError> {
    let values = match parameters {
        Parameters::Positional(values) => values.as_slice(),
        Parameters::Named(named) if named.is_empty() => &[],
        Parameters::Named(_) => {
            let rule = "must be an array: PostgreSQL's placeholders are $1, $2, …";
            return Err(DatabaseError::invalid("params", rule));
        }
    };
    if values.len() > max {
        return Err(DatabaseError::invalid("params", format!("must be at most {max}")));
    }
    if values.len() != types.len() {
        let rule = format!(
            "the statement has {} placeholders ($1, $2, …) but {} values were given",
            types.len(),
            values.len()
        );
        return Err(DatabaseError::invalid("params", rule));
    }
    let bound = values.iter().zip(types).enumerate().map(|(index, (value, type_))| {
        text(value, type_).map(TextValue).map_err(|rule| {
            DatabaseError::invalid(
                format!("params[{index}]"),
                format!("{rule} (its type is {type_})"),
            )
        })
    });
    bound.collect()
}

fn text(value: &Value, type_: &Type) -> Result<Option<String>, &'static str> {
    let json = *type_ == Type::JSON || *type_ == Type::JSONB;
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        // Text for a JSON parameter is JSON already, as in psql.
        Value::String(text) => {
            if text.contains('\0') {
                return Err("PostgreSQL's text cannot hold a NUL");
            }
            text.clone()
        }
        Value::Object(object) => match object.iter().next() {
            Some((key, Value::String(inner))) if object.len() == 1 && key == "base64" && !json => {
                hex(inner)?
            }
            Some((key, Value::String(inner))) if object.len() == 1 && key == "integer" && !json => {
                inner.parse::<i128>().map_err(|_| "an integer must be digits")?;
                inner.clone()
            }
            _ if json => value.to_string(),
            _ => {
                return Err(
                    "an object is only for json, or {\"base64\": \"…\"} or {\"integer\": \"…\"}",
                );
            }
        },
        Value::Array(_) if json => value.to_string(),
        Value::Array(values) => match type_.kind() {
            Kind::Array(element) => array(values, element, 1)?,
            _ => return Err("an array is only for arrays and json"),
        },
    }))
}

fn hex(base64: &str) -> Result<String, &'static str> {
    use std::fmt::Write as _;
    let bytes = BASE64.decode(base64).map_err(|_| "base64 must be valid, with its padding")?;
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// PostgreSQL's text of an array; every element but NULL is quoted.
fn array(values: &[Value], element: &Type, depth: usize) -> Result<String, &'static str> {
    if depth > MAX_DIMENSIONS {
        return Err("an array has at most 6 dimensions");
    }
    let mut out = String::from("{");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match value {
            Value::Array(inner) if *element != Type::JSON && *element != Type::JSONB => {
                out.push_str(&array(inner, element, depth + 1)?);
            }
            value => match text(value, element)? {
                None => out.push_str("NULL"),
                Some(text) => {
                    out.push('"');
                    for character in text.chars() {
                        if matches!(character, '"' | '\\') {
                            out.push('\\');
                        }
                        out.push(character);
                    }
                    out.push('"');
                }
            },
        }
    }
    out.push('}');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: Value, type_: &Type, expected: Result<&str, &str>) {
        let bound = bind(&Parameters::Positional(vec![value]), std::slice::from_ref(type_), 10);
        match expected {
            Ok(text) => assert_eq!(bound.unwrap()[0].0.as_deref(), Some(text)),
            Err(part) => {
                let error = bound.unwrap_err().to_string();
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn values_become_postgres_text() {
        check(json!(true), &Type::BOOL, Ok("true"));
        check(json!(1.5), &Type::NUMERIC, Ok("1.5"));
        check(json!({"integer": "9223372036854775807"}), &Type::INT8, Ok("9223372036854775807"));
        check(json!({"base64": "3q2+7w=="}), &Type::BYTEA, Ok("\\xdeadbeef"));
        check(json!({"a": [1]}), &Type::JSONB, Ok("{\"a\":[1]}"));
        check(json!([1]), &Type::JSON, Ok("[1]"));
        check(json!([1, null, 3]), &Type::INT4_ARRAY, Ok("{\"1\",NULL,\"3\"}"));
        check(
            json!(["a\"b\\", "NULL", ""]),
            &Type::TEXT_ARRAY,
            Ok("{\"a\\\"b\\\\\",\"NULL\",\"\"}"),
        );
        check(json!([[1], [2]]), &Type::INT4_ARRAY, Ok("{{\"1\"},{\"2\"}}"));
        let null = bind(&Parameters::Positional(vec![Value::Null]), &[Type::TEXT], 10).unwrap();
        assert!(null[0].0.is_none());
    }

    #[test]
    fn what_has_no_text_is_refused() {
        check(json!({"a": 1}), &Type::TEXT, Err("only for json"));
        check(json!([1]), &Type::INT4, Err("only for arrays"));
        check(json!({"base64": "?"}), &Type::BYTEA, Err("base64"));
        check(json!({"integer": "x"}), &Type::INT8, Err("digits"));
        check(json!("a\0b"), &Type::TEXT, Err("NUL"));
        check(json!([[[[[[[1]]]]]]]), &Type::INT4_ARRAY, Err("dimensions"));
        assert!(bind(&Parameters::default(), &[Type::TEXT], 10).is_err());
        assert!(bind(&Parameters::Positional(vec![json!(1)]), &[], 10).is_err());
        let named = Parameters::Named([("a".to_owned(), json!(1))].into());
        assert!(bind(&named, &[Type::TEXT], 10).unwrap_err().to_string().contains("$1"));
    }
}
