//! Binds a caller's values to the placeholders of a statement, every one and no other.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::Statement;
use rusqlite::types::Value as SqlValue;
use serde_json::Value;

use crate::error::DatabaseError;
use crate::parameter::{Given, Parameter};
use crate::request::Parameters;

/// Binds all parameters.
pub(super) fn bind(
    statement: &mut Statement<'_>,
    parameters: &Parameters,
) -> Result<(), DatabaseError> {
    match parameters.given() {
        Some(Given::Positional(values)) => bind_by_position(statement, &values),
        Some(Given::Named(values)) => bind_by_name(statement, &values),
        None => Err(DatabaseError::invalid("params", "must be an array or an object")),
    }
}

fn bind_by_position(
    statement: &mut Statement<'_>,
    values: &[Parameter<'_>],
) -> Result<(), DatabaseError> {
    let wanted = statement.parameter_count();
    if values.len() != wanted {
        let rule = format!(
            "the statement has {wanted} placeholders and {} values were given",
            values.len()
        );
        return Err(DatabaseError::invalid("params", rule));
    }
    for (index, value) in values.iter().enumerate() {
        let value = sql_value(&format!("params[{index}]"), value)?;
        bind_one(statement, index + 1, value)?;
    }
    Ok(())
}

fn bind_by_name(
    statement: &mut Statement<'_>,
    values: &BTreeMap<String, Parameter<'_>>,
) -> Result<(), DatabaseError> {
    let mut used = 0;
    for index in 1..=statement.parameter_count() {
        let Some(name) = statement.parameter_name(index).map(str::to_owned) else {
            let rule = "the statement has placeholders without a name; use :name for each, or an array of values";
            return Err(DatabaseError::invalid("params", rule));
        };
        let found = values.get(&name).or_else(|| values.get(&name[1..]));
        let Some(value) = found else {
            return Err(DatabaseError::invalid("params", format!("there is no value for {name}")));
        };
        used += 1;
        let value = sql_value(&format!("params.{name}"), value)?;
        bind_one(statement, index, value)?;
    }
    if used < values.len() {
        let unknown: Vec<&str> = values
            .keys()
            .filter(|key| !has_placeholder(statement, key))
            .map(String::as_str)
            .take(3)
            .collect();
        let rule = format!("the statement has no placeholder for {}", unknown.join(", "));
        return Err(DatabaseError::invalid("params", rule));
    }
    Ok(())
}

fn has_placeholder(statement: &Statement<'_>, key: &str) -> bool {
    (1..=statement.parameter_count())
        .filter_map(|index| statement.parameter_name(index))
        .any(|name| name == key || &name[1..] == key)
}

fn bind_one(
    statement: &mut Statement<'_>,
    index: usize,
    value: SqlValue,
) -> Result<(), DatabaseError> {
    statement.raw_bind_parameter(index, value).map_err(|error| super::failure::of_statement(&error))
}

/// A JSON value as SQLite stores it, without rounding.
fn sql_value(place: &str, parameter: &Parameter<'_>) -> Result<SqlValue, DatabaseError> {
    const RULE: &str = "must be null, a boolean, a number within 64 bits, a string, \
                        {\"base64\": \"…\"} or {\"integer\": \"…\"}";
    let wrong = || DatabaseError::invalid(place, RULE);
    Ok(match parameter.value() {
        Value::Null => SqlValue::Null,
        Value::Bool(flag) => SqlValue::Integer(i64::from(*flag)),
        Value::Number(number) => match (number.as_i64(), number.is_f64(), number.as_f64()) {
            (Some(integer), _, _) => SqlValue::Integer(integer),
            // An integer beyond 64 bits would be rounded; of other numbers SQLite keeps as much itself.
            (None, true, Some(real)) if parameter.json().contains(['.', 'e', 'E']) => {
                SqlValue::Real(real)
            }
            _ => return Err(wrong()),
        },
        Value::String(text) => SqlValue::Text(text.clone()),
        Value::Object(map) if map.len() == 1 => {
            match (
                map.get("base64").and_then(Value::as_str),
                map.get("integer").and_then(Value::as_str),
            ) {
                (Some(text), _) => SqlValue::Blob(BASE64.decode(text).map_err(|_| wrong())?),
                (_, Some(text)) => SqlValue::Integer(text.parse().map_err(|_| wrong())?),
                _ => return Err(wrong()),
            }
        }
        Value::Array(_) | Value::Object(_) => return Err(wrong()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use serde_json::json;

    #[track_caller]
    fn check(sql: &str, params: Value, expected: Result<&str, &str>) {
        let connection = Connection::open_in_memory().unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let params: Parameters = serde_json::from_value(params).unwrap();
        let found = bind(&mut statement, &params)
            .map(|()| statement.raw_query().next().unwrap().unwrap().get(0).unwrap())
            .map_err(|error| error.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{sql}");
    }

    #[test]
    fn values_are_bound_exactly() {
        check("SELECT quote(?)", json!([i64::MAX]), Ok("9223372036854775807"));
        check(
            "SELECT quote(?)",
            json!([{"integer": "-9223372036854775808"}]),
            Ok("-9223372036854775808"),
        );
        check("SELECT quote(?)", json!([1.5]), Ok("1.5"));
        check("SELECT quote(?)", json!([true]), Ok("1"));
        check("SELECT quote(?)", json!([null]), Ok("NULL"));
        check("SELECT quote(?)", json!(["'; DROP TABLE x"]), Ok("'''; DROP TABLE x'"));
        check("SELECT quote(?)", json!([{"base64": "AP8="}]), Ok("X'00FF'"));
        check("SELECT quote(?2 || ?1)", json!(["a", "b"]), Ok("'ba'"));
        check("SELECT :a || @b || $c || :a", json!({"a": "1", "@b": "2", "c": "3"}), Ok("1231"));
    }

    #[test]
    fn numbers_are_what_was_sent() {
        #[track_caller]
        fn check(sent: &str, expected: Option<&str>) {
            let connection = Connection::open_in_memory().unwrap();
            let mut statement = connection.prepare("SELECT quote(?)").unwrap();
            let bound = bind(&mut statement, &Parameters::sent(sent).unwrap()).is_ok();
            let found =
                || statement.raw_query().next().unwrap().unwrap().get::<_, String>(0).unwrap();
            assert_eq!(bound.then(found).as_deref(), expected, "{sent}");
        }
        check("[2]", Some("2"));
        check("[2.0]", Some("2.0"));
        check("[1e3]", Some("1000.0"));
        check("[9223372036854775807]", Some("9223372036854775807"));
        check("[9223372036854775808]", None);
        check("[18446744073709551616]", None);
    }

    #[test]
    fn every_placeholder_has_one_value_and_every_value_a_placeholder() {
        check(
            "SELECT ?",
            json!([]),
            Err("params: the statement has 1 placeholders and 0 values were given"),
        );
        check(
            "SELECT 'x'",
            json!([1]),
            Err("params: the statement has 0 placeholders and 1 values were given"),
        );
        check("SELECT :a", json!({}), Err("params: there is no value for :a"));
        check(
            "SELECT :a",
            json!({"a": "1", "b": 2}),
            Err("params: the statement has no placeholder for b"),
        );
        check(
            "SELECT ?",
            json!({"a": 1}),
            Err(
                "params: the statement has placeholders without a name; use :name for each, or an array of values",
            ),
        );
        let rule = "params[0]: must be null, a boolean, a number within 64 bits, a string, {\"base64\": \"…\"} or {\"integer\": \"…\"}";
        check("SELECT ?", json!([u64::MAX]), Err(rule));
        check("SELECT ?", json!([[1]]), Err(rule));
        check("SELECT ?", json!([{"base64": "!"}]), Err(rule));
        check("SELECT ?", json!([{"integer": "9223372036854775808"}]), Err(rule));
        check("SELECT ?", json!([{"a": 1}]), Err(rule));
    }
}
