//! Binds a caller's values as text, which PostgreSQL reads as it reads a literal of the parameter's type.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use serde_json::{Number, Value};
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::error::DatabaseError;
use crate::parameter::{Given, Parameter};
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
    let values = match parameters.given() {
        Some(Given::Positional(values)) => values,
        Some(Given::Named(named)) if named.is_empty() => Vec::new(),
        _ => {
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
        text(value, base(type_)).map(TextValue).map_err(|rule| {
            DatabaseError::invalid(
                format!("params[{index}]"),
                format!("{rule} (its type is {type_})"),
            )
        })
    });
    bound.collect()
}

/// The type that a domain is of; every other type itself.
fn base(type_: &Type) -> &Type {
    match type_.kind() {
        Kind::Domain(inner) => base(inner),
        _ => type_,
    }
}

fn text(parameter: &Parameter<'_>, type_: &Type) -> Result<Option<String>, &'static str> {
    let json = *type_ == Type::JSON || *type_ == Type::JSONB;
    Ok(Some(match parameter.value() {
        Value::Null => return Ok(None),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => match whole(number, type_) {
            Some(digits) => digits,
            None => parameter.json().into_owned(),
        },
        // Text for a JSON parameter is JSON already, as in psql.
        Value::String(text) => {
            if text.contains('\0') {
                return Err("PostgreSQL's text cannot hold a NUL");
            }
            text.clone()
        }
        Value::Array(_) | Value::Object(_) if json => parameter.json().into_owned(),
        Value::Object(object) => match object.iter().next() {
            Some((key, Value::String(inner))) if object.len() == 1 && key == "base64" => {
                if *type_ != Type::BYTEA {
                    return Err("base64 is only for bytea; write $1::bytea if bytes are meant");
                }
                hex(inner)?
            }
            Some((key, Value::String(inner))) if object.len() == 1 && key == "integer" => {
                inner.parse::<i128>().map_err(|_| "an integer must be digits")?;
                inner.clone()
            }
            _ => {
                return Err(
                    "an object is only for json, or {\"base64\": \"…\"} or {\"integer\": \"…\"}",
                );
            }
        },
        Value::Array(_) => match type_.kind() {
            Kind::Array(element) => array(parameter, element, 1)?,
            _ => return Err("an array is only for arrays and json"),
        },
    }))
}

/// The digits of a whole number that was written as `5.0` or `5e0`, which the input of PostgreSQL's integers does not take.
#[expect(clippy::cast_possible_truncation, reason = "guarded: the value is whole and below 2^53")]
fn whole(number: &Number, type_: &Type) -> Option<String> {
    let is_integer = matches!(*type_, Type::INT2 | Type::INT4 | Type::INT8 | Type::OID);
    let real = number.as_f64().filter(|_| is_integer && number.is_f64())?;
    (real.fract() == 0.0 && real.abs() < 9e15).then(|| (real as i64).to_string())
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
fn array(values: &Parameter<'_>, element: &Type, depth: usize) -> Result<String, &'static str> {
    if depth > MAX_DIMENSIONS {
        return Err("an array has at most 6 dimensions");
    }
    let inner = base(element);
    let mut out = String::from("{");
    for (index, value) in values.elements().iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if value.value().is_array() && *inner != Type::JSON && *inner != Type::JSONB {
            out.push_str(&array(value, element, depth + 1)?);
            continue;
        }
        match text(value, inner)? {
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
    fn numbers_have_the_digits_that_were_sent() {
        #[track_caller]
        fn check(sent: &str, type_: &Type, expected: &str) {
            let sent = Parameters::sent(sent).unwrap();
            let bound = bind(&sent, std::slice::from_ref(type_), 10).unwrap();
            assert_eq!(bound[0].0.as_deref(), Some(expected));
        }
        check("[18446744073709551616]", &Type::NUMERIC, "18446744073709551616");
        check("[0.12345678901234567890]", &Type::NUMERIC, "0.12345678901234567890");
        check("[1.10]", &Type::TEXT, "1.10");
        check("[5.0]", &Type::INT4, "5");
        check("[1e3]", &Type::INT8, "1000");
        check("[5.5]", &Type::INT4, "5.5");
        check("[[1.10, null, [2.20]]]", &Type::NUMERIC_ARRAY, "{\"1.10\",NULL,{\"2.20\"}}");
        let json = r#"[{"b": 18446744073709551616, "a": [1.10]}]"#;
        check(json, &Type::JSON, &json[1..json.len() - 1]);
        check("[[{\"b\":1.0}]]", &Type::JSON_ARRAY, "{\"{\\\"b\\\":1.0}\"}");
    }

    #[test]
    fn a_domain_takes_what_its_type_takes() {
        let domain = |kind| Type::new("d".into(), 99_999, Kind::Domain(kind), "public".into());
        check(json!([1, null]), &domain(Type::INT4_ARRAY), Ok("{\"1\",NULL}"));
        check(json!({"a": 1}), &domain(domain(Type::JSONB)), Ok("{\"a\":1}"));
        check(json!({"base64": "3q0="}), &domain(Type::BYTEA), Ok("\\xdead"));
        check(json!([1]), &domain(Type::TEXT), Err("only for arrays"));
    }

    #[test]
    fn what_has_no_text_is_refused() {
        check(json!({"base64": "3q0="}), &Type::TEXT, Err("only for bytea"));
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
