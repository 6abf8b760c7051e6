//! Binds a caller's values to the placeholders of a statement, every one and no other.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mysql_async::Value as SqlValue;
use serde_json::Value;

use super::guard::statement::Placeholders;
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::parameter::{Given, Parameter};
use crate::request::Parameters;

/// The values in the order of the placeholders.
pub(super) fn bind(
    placeholders: &Placeholders,
    parameters: &Parameters,
    limits: &Limits,
) -> Result<Vec<SqlValue>, DatabaseError> {
    let Some(given) = parameters.given() else {
        return Err(DatabaseError::invalid("params", "must be an array or an object"));
    };
    let values = match (placeholders, given) {
        (Placeholders::Positional(wanted), Given::Positional(values)) => {
            if values.len() != *wanted {
                let rule = format!(
                    "the statement has {wanted} placeholders and {} values were given",
                    values.len()
                );
                return Err(DatabaseError::invalid("params", rule));
            }
            let numbered = values.iter().enumerate();
            numbered.map(|(at, value)| sql_value(&format!("params[{at}]"), value)).collect()
        }
        (Placeholders::Positional(0), Given::Named(values)) if values.is_empty() => Ok(Vec::new()),
        (Placeholders::Named(names), Given::Named(values)) => by_name(names, &values),
        (Placeholders::Positional(_), Given::Named(_)) => {
            let rule = "the statement has placeholders without a name; use :name for each, or an array of values";
            return Err(DatabaseError::invalid("params", rule));
        }
        (Placeholders::Named(_), Given::Positional(_)) => {
            let rule =
                "the statement has named placeholders; give an object with a value for each name";
            return Err(DatabaseError::invalid("params", rule));
        }
    }?;
    if values.len() > limits.max_parameters {
        return Err(DatabaseError::TooLarge {
            what: "the number of parameters".into(),
            limit: limits.max_parameters.to_string(),
            advice: "send fewer values, for example with JSON_TABLE over one JSON array".into(),
        });
    }
    Ok(values)
}

fn by_name(
    names: &[String],
    values: &BTreeMap<String, Parameter<'_>>,
) -> Result<Vec<SqlValue>, DatabaseError> {
    let key = |name: &str| values.get(name).or_else(|| values.get(&format!(":{name}")));
    let mut bound = Vec::with_capacity(names.len());
    for name in names {
        let Some(value) = key(name) else {
            return Err(DatabaseError::invalid("params", format!("there is no value for :{name}")));
        };
        bound.push(sql_value(&format!("params.{name}"), value)?);
    }
    let used = |key: &str| names.iter().any(|name| name == key.trim_start_matches(':'));
    let unknown: Vec<&str> =
        values.keys().map(String::as_str).filter(|key| !used(key)).take(3).collect();
    if unknown.is_empty() {
        return Ok(bound);
    }
    let rule = format!("the statement has no placeholder for {}", unknown.join(", "));
    Err(DatabaseError::invalid("params", rule))
}

/// A JSON value as the server takes it, without rounding.
fn sql_value(place: &str, parameter: &Parameter<'_>) -> Result<SqlValue, DatabaseError> {
    const RULE: &str = "must be null, a boolean, a number within 64 bits, a string, \
                        {\"base64\": \"…\"} or {\"integer\": \"…\"}";
    let wrong = || DatabaseError::invalid(place, RULE);
    Ok(match parameter.value() {
        Value::Null => SqlValue::NULL,
        Value::Number(_) if !parameter.is_exact() => {
            let rule = "a number with more digits than 64 bits hold must be a string; write CAST(? AS DECIMAL(65,30)) to compare it as a number";
            return Err(DatabaseError::invalid(place, rule));
        }
        Value::Bool(flag) => SqlValue::Int(i64::from(*flag)),
        Value::Number(number) => {
            if let Some(integer) = number.as_i64() {
                SqlValue::Int(integer)
            } else if let Some(integer) = number.as_u64() {
                SqlValue::UInt(integer)
            } else if let (true, Some(real)) = (number.is_f64(), number.as_f64()) {
                SqlValue::Double(real)
            } else {
                return Err(wrong());
            }
        }
        Value::String(text) => SqlValue::Bytes(text.clone().into_bytes()),
        Value::Object(map) if map.len() == 1 => {
            let member = |name: &str| map.get(name).and_then(Value::as_str);
            match (member("base64"), member("integer")) {
                (Some(text), _) => SqlValue::Bytes(BASE64.decode(text).map_err(|_| wrong())?),
                (_, Some(text)) => match (text.parse::<i64>(), text.parse::<u64>()) {
                    (Ok(integer), _) => SqlValue::Int(integer),
                    (_, Ok(integer)) => SqlValue::UInt(integer),
                    _ => return Err(wrong()),
                },
                _ => return Err(wrong()),
            }
        }
        Value::Array(_) | Value::Object(_) => return Err(wrong()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(placeholders: &Placeholders, params: Value, expected: Result<&[SqlValue], &str>) {
        let params: Parameters = serde_json::from_value(params).unwrap();
        let found = bind(placeholders, &params, &Limits::default());
        match (found, expected) {
            (Ok(values), Ok(expected)) => assert_eq!(values, expected),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    }

    #[test]
    fn values_are_bound_exactly_or_refused() {
        let one = Placeholders::Positional(1);
        check(&one, json!([i64::MIN]), Ok(&[SqlValue::Int(i64::MIN)]));
        check(&one, json!([u64::MAX]), Ok(&[SqlValue::UInt(u64::MAX)]));
        check(&one, json!([0.1]), Ok(&[SqlValue::Double(0.1)]));
        check(&one, json!([true]), Ok(&[SqlValue::Int(1)]));
        check(&one, json!([null]), Ok(&[SqlValue::NULL]));
        check(&one, json!([{"base64": "AP8="}]), Ok(&[SqlValue::Bytes(vec![0, 255])]));
        check(&one, json!([{"integer": u64::MAX.to_string()}]), Ok(&[SqlValue::UInt(u64::MAX)]));
        check(&one, json!([{"integer": "x"}]), Err("params[0]"));
        check(&one, json!([[1]]), Err("params[0]"));
        check(&one, json!([]), Err("1 placeholders and 0 values"));
        check(&one, json!({"a": 1}), Err("without a name"));
        check(&Placeholders::Positional(0), json!({}), Ok(&[]));
    }

    #[test]
    fn names_bind_wherever_they_stand() {
        let named = Placeholders::Named(vec!["a".into(), "b".into(), "a".into()]);
        let one = SqlValue::Int(1);
        check(&named, json!({"a": 1, ":b": 2}), Ok(&[one.clone(), SqlValue::Int(2), one]));
        check(&named, json!({"a": 1}), Err("no value for :b"));
        check(&named, json!({"a": 1, "b": 2, "c": 3}), Err("no placeholder for c"));
        check(&named, json!([1, 2, 3]), Err("an object"));
    }
}
