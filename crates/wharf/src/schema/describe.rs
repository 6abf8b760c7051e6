//! A schema in words: what would be accepted.

use std::fmt::Write;

use serde_json::Value;

use super::walk::resolve;

/// Most places that are described, over all branches together.
const MAX_STEPS: usize = 64;
/// Most alternatives that are listed.
const MAX_CHOICES: usize = 20;
/// Longest description, in characters.
const MAX_CHARS: usize = 300;

/// What `schema` accepts, such as "an integer from 1 to 1000".
pub(super) fn describe(root: &Value, schema: &Value) -> String {
    let text = words(root, schema, &mut { MAX_STEPS });
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// `steps` is what all branches together may still take: with a bound on the depth alone, a schema that refers to itself twice
/// would double the work with every level.
fn words(root: &Value, schema: &Value, steps: &mut usize) -> String {
    let Some(left) = steps.checked_sub(1) else { return "a value".to_owned() };
    *steps = left;
    let schema = resolve(root, schema);
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(values) = schema["enum"].as_array() {
        let mut list: Vec<String> = values.iter().take(MAX_CHOICES).map(Value::to_string).collect();
        if values.len() > MAX_CHOICES {
            list.push("…".to_owned());
        }
        return format!("one of {}", list.join(", "));
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(branches) = schema[keyword].as_array() {
            let list: Vec<_> =
                branches.iter().take(4).map(|branch| words(root, branch, steps)).collect();
            return list.join(" or ");
        }
    }
    match &schema["type"] {
        Value::String(name) => one(root, schema, name, steps),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str);
            names.map(|name| one(root, schema, name, steps)).collect::<Vec<_>>().join(" or ")
        }
        _ => match schema["allOf"].as_array().and_then(|branches| branches.first()) {
            Some(branch) => words(root, branch, steps),
            None => "a value".to_owned(),
        },
    }
}

fn one(root: &Value, schema: &Value, name: &str, steps: &mut usize) -> String {
    let mut text = match name {
        "integer" => "an integer".to_owned(),
        "array" => "an array".to_owned(),
        "object" => "an object".to_owned(),
        "null" => return "null".to_owned(),
        "boolean" => return "true or false".to_owned(),
        other => format!("a {other}"),
    };
    match name {
        "integer" | "number" => {
            range(
                &mut text,
                &schema["minimum"],
                &schema["maximum"],
                " from ",
                " to ",
                " up to ",
                "",
            );
            bound(&mut text, " above ", &schema["exclusiveMinimum"]);
            bound(&mut text, " below ", &schema["exclusiveMaximum"]);
            bound(&mut text, ", a multiple of ", &schema["multipleOf"]);
        }
        "string" => {
            range(
                &mut text,
                &schema["minLength"],
                &schema["maxLength"],
                " of ",
                " to ",
                " of up to ",
                " characters",
            );
            bound(&mut text, " that matches ", &schema["pattern"]);
            bound(&mut text, " in the format ", &schema["format"]);
        }
        "array" => {
            if schema["items"].is_object() {
                // Writing to a String can't fail.
                let _ = write!(text, " of items, each {}", words(root, &schema["items"], steps));
            }
            range(
                &mut text,
                &schema["minItems"],
                &schema["maxItems"],
                ", ",
                " to ",
                ", up to ",
                " of them",
            );
        }
        "object" => {
            if let Some(properties) =
                schema["properties"].as_object().filter(|properties| !properties.is_empty())
            {
                let names: Vec<_> =
                    properties.keys().take(MAX_CHOICES).map(String::as_str).collect();
                let _ = write!(text, " with {}", names.join(", "));
            }
        }
        _ => {}
    }
    text
}

fn bound(text: &mut String, before: &str, value: &Value) {
    if !value.is_null() {
        let _ = write!(text, "{before}{value}");
    }
}

fn range(
    text: &mut String,
    low: &Value,
    high: &Value,
    from: &str,
    to: &str,
    up_to: &str,
    unit: &str,
) {
    let _ = match (low.is_null(), high.is_null()) {
        (true, true) => Ok(()),
        (false, false) => write!(text, "{from}{low}{to}{high}{unit}"),
        (false, true) => write!(text, "{from}{low}{unit} or more"),
        (true, false) => write!(text, "{up_to}{high}{unit}"),
    };
}
