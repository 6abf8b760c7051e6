//! Models often send `"5"` for 5 and `"[1,2]"` for a list. Where the schema can accept no string, what was meant is plain.

use serde_json::{Number, Value};

use super::walk::{applicable, type_of, types};
use crate::protocol::parse_strict;

/// Longest text that is read as JSON, in bytes.
const MAX_TEXT_BYTES: usize = 256 * 1024;

/// Coerces `value` in place; says whether anything changed.
pub(super) fn coerce(schema: &Value, value: &mut Value) -> bool {
    walk(schema, schema, value)
}

fn walk(root: &Value, schema: &Value, value: &mut Value) -> bool {
    let mut changed = false;
    if let Value::String(text) = value
        && let Some(accepted) = types(root, schema)
        && let Some(meant) = meant(text, &accepted)
    {
        *value = meant;
        changed = true;
    }
    let mut here = Vec::new();
    match value {
        Value::Object(members) => {
            applicable(root, schema, "object", &mut here);
            for (name, member) in members {
                let place = here.iter().find_map(|schema| schema["properties"].get(name));
                let place = place.or_else(|| {
                    here.iter().find_map(|schema| {
                        schema.get("additionalProperties").filter(|schema| schema.is_object())
                    })
                });
                if let Some(place) = place {
                    changed |= walk(root, place, member);
                }
            }
        }
        Value::Array(items) => {
            applicable(root, schema, "array", &mut here);
            for (index, item) in items.iter_mut().enumerate() {
                let place = here.iter().find_map(|schema| schema["prefixItems"].get(index));
                let place = place.or_else(|| {
                    here.iter()
                        .find_map(|schema| schema.get("items").filter(|items| items.is_object()))
                });
                if let Some(place) = place {
                    changed |= walk(root, place, item);
                }
            }
        }
        _ => {}
    }
    changed
}

/// What `text` means where only `accepted` is accepted, if it means exactly one thing.
fn meant(text: &str, accepted: &[&str]) -> Option<Value> {
    if accepted.contains(&"string") || text.len() > MAX_TEXT_BYTES || text.trim() != text {
        return None;
    }
    let value = whole(parse_strict(text).ok()?);
    let kind = type_of(&value);
    let fits = accepted.contains(&kind) || (kind == "integer" && accepted.contains(&"number"));
    // A string within the string is no coercion: it is a string that was quoted twice.
    (fits && kind != "string").then_some(value)
}

/// `5.0` is an integer to JSON Schema, and becomes one.
#[expect(clippy::cast_possible_truncation, reason = "guarded: the value is whole and below 2^53")]
fn whole(value: Value) -> Value {
    match value.as_f64() {
        Some(number) if value.is_f64() && number.fract() == 0.0 && number.abs() < 9e15 => {
            Value::Number(Number::from(number as i64))
        }
        _ => value,
    }
}
