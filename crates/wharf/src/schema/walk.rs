//! Finding one's way in a schema: local references, and which types a place accepts.

use serde_json::Value;

/// Most references and combinations that are followed from one place: schemas may refer to themselves.
const MAX_DEPTH: usize = 32;
/// Most places that are looked at for one answer, over all branches together.
const MAX_STEPS: usize = 256;

/// Follows local `$ref`s.
pub(super) fn resolve<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..MAX_DEPTH {
        let Some(pointer) = schema["$ref"].as_str().and_then(|uri| uri.strip_prefix('#')) else {
            return schema;
        };
        let Some(target) = root.pointer(pointer) else { return schema };
        schema = target;
    }
    schema
}

/// The JSON types that a place accepts; `None` when it does not say.
pub(super) fn types(root: &Value, schema: &Value) -> Option<Vec<&'static str>> {
    types_within(root, schema, &mut { MAX_STEPS })
}

fn types_within(root: &Value, schema: &Value, steps: &mut usize) -> Option<Vec<&'static str>> {
    *steps = steps.checked_sub(1)?;
    let schema = resolve(root, schema);
    if let Some(declared) = declared(&schema["type"]) {
        return Some(declared);
    }
    if let Some(values) = schema["enum"].as_array() {
        return Some(values.iter().map(type_of).collect());
    }
    if let Some(value) = schema.get("const") {
        return Some(vec![type_of(value)]);
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(branches) = schema[keyword].as_array() {
            let mut all = Vec::new();
            for branch in branches {
                // A branch that accepts anything makes the whole accept anything.
                all.extend(types_within(root, branch, steps)?);
            }
            return Some(all);
        }
    }
    schema["allOf"].as_array()?.iter().find_map(|branch| types_within(root, branch, steps))
}

fn declared(value: &Value) -> Option<Vec<&'static str>> {
    const NAMES: [&str; 7] = ["string", "integer", "number", "boolean", "array", "object", "null"];
    let name = |value: &Value| NAMES.into_iter().find(|name| value == name);
    match value {
        Value::String(_) => name(value).map(|name| vec![name]),
        Value::Array(values) => Some(values.iter().filter_map(name).collect()),
        _ => None,
    }
}

pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The schemas that speak about a value of type `wanted` here: the place itself, all of `allOf`, and of `anyOf` and `oneOf`
/// the only branch that accepts it.
pub(super) fn applicable<'a>(
    root: &'a Value,
    schema: &'a Value,
    wanted: &str,
    out: &mut Vec<&'a Value>,
) {
    if out.len() > MAX_DEPTH {
        return;
    }
    let schema = resolve(root, schema);
    out.push(schema);
    for branch in schema["allOf"].as_array().into_iter().flatten() {
        applicable(root, branch, wanted, out);
    }
    for keyword in ["anyOf", "oneOf"] {
        let branches = schema[keyword].as_array().into_iter().flatten();
        let accepts =
            |branch: &&Value| types(root, branch).is_none_or(|types| types.contains(&wanted));
        let mut fitting = branches.filter(accepts);
        if let (Some(only), None) = (fitting.next(), fitting.next()) {
            applicable(root, only, wanted, out);
        }
    }
}
