//! Derived schemas refuse what they do not know, and say nothing that costs tokens without telling anything.

use serde_json::{Map, Value};

/// Closes every object of a derived schema that does not say otherwise, and drops what only costs tokens.
pub(crate) fn close_objects(schema: &mut Value) {
    drop_noise(schema);
    close(schema, true);
}

/// Drops what only costs tokens from a derived schema of results.
pub(crate) fn drop_noise(schema: &mut Value) {
    if let Some(root) = schema.as_object_mut() {
        root.remove("title");
    }
    forget_noise(schema);
}

fn forget_noise(schema: &mut Value) {
    match schema {
        Value::Object(node) => {
            if node.get("format").is_some_and(is_noise) {
                node.remove("format");
            }
            let data = ["const", "enum", "default", "examples"];
            let members = node.iter_mut().filter(|(key, _)| !data.contains(&key.as_str()));
            members.for_each(|(_, member)| forget_noise(member));
        }
        Value::Array(items) => items.iter_mut().for_each(forget_noise),
        _ => {}
    }
}

/// Formats that JSON Schema 2020-12 does not define say nothing that the type and its bounds do not.
fn is_noise(format: &Value) -> bool {
    let Some(format) = format.as_str() else { return false };
    format.starts_with("int") || format.starts_with("uint") || matches!(format, "float" | "double")
}

fn close(schema: &mut Value, may_close: bool) {
    let Some(node) = schema.as_object_mut() else { return };
    let has_properties = node.contains_key("properties");
    let combines =
        ["allOf", "anyOf", "oneOf", "$ref", "if"].iter().any(|keyword| node.contains_key(*keyword));
    let is_object = has_properties || node.get("type").is_some_and(|kind| kind == "object");
    let says =
        node.contains_key("additionalProperties") || node.contains_key("unevaluatedProperties");
    if may_close && is_object && !says {
        // Where several schemas describe one object, only all of them together know every property.
        let keyword = if combines { "unevaluatedProperties" } else { "additionalProperties" };
        node.insert(keyword.to_owned(), false.into());
    }
    for keyword in ["properties", "$defs", "patternProperties"] {
        if let Some(members) = node.get_mut(keyword).and_then(Value::as_object_mut) {
            members.values_mut().for_each(|member| close(member, true));
        }
    }
    for keyword in ["items", "additionalProperties", "contains"] {
        if let Some(member) = node.get_mut(keyword) {
            close(member, true);
        }
    }
    each(node, "prefixItems", true);
    // A branch of an object that has properties of its own describes the same object.
    each(node, "anyOf", !is_object);
    each(node, "oneOf", !is_object);
    each(node, "allOf", false);
}

fn each(node: &mut Map<String, Value>, keyword: &str, may_close: bool) {
    if let Some(branches) = node.get_mut(keyword).and_then(Value::as_array_mut) {
        branches.iter_mut().for_each(|branch| close(branch, may_close));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{handler::Args, handler::FromCall, schema::InputSchema};
    use schemars::JsonSchema;
    use serde_json::json;

    #[derive(serde::Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Outer {
        small: u8,
        maybe: Option<Inner>,
        list: Vec<Inner>,
        map: std::collections::BTreeMap<String, i64>,
        any: Value,
        shape: Shape,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        x: f64,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Shape {
        Circle { radius: f64 },
        Square { side: f64 },
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Flat {
        id: String,
        #[serde(flatten)]
        shape: Shape,
    }

    fn accepts<T: JsonSchema + serde::de::DeserializeOwned>(value: Value) -> bool {
        let schema = <Args<T> as FromCall>::input_schema().unwrap();
        let accepted = InputSchema::compile(&schema).unwrap().check(&mut value.clone()).is_ok();
        // A schema that accepts what its type does not would let the handler fail instead.
        assert!(!accepted || serde_json::from_value::<T>(value.clone()).is_ok(), "{value}");
        accepted
    }

    #[test]
    fn derived_schemas_are_closed_at_every_level() {
        let good = json!({
            "small": 1, "maybe": {"x": 1.5}, "list": [{"x": 1}], "map": {"k": 1}, "any": {"free": 1},
            "shape": {"kind": "circle", "radius": 1},
        });
        assert!(accepts::<Outer>(good.clone()));
        for (pointer, key) in [("", "new"), ("/maybe", "y"), ("/list/0", "y"), ("/shape", "side")] {
            let mut bad = good.clone();
            bad.pointer_mut(pointer).unwrap()[key] = 1.into();
            assert!(!accepts::<Outer>(bad), "{pointer}/{key}");
        }
        let mut big = good;
        big["small"] = 256.into();
        assert!(!accepts::<Outer>(big));
    }

    #[test]
    fn flattened_types_are_closed_as_a_whole() {
        assert!(accepts::<Flat>(json!({"id": "a", "kind": "square", "side": 2})));
        assert!(!accepts::<Flat>(json!({"id": "a", "kind": "square", "side": 2, "more": 1})));
        assert!(!accepts::<Flat>(json!({"id": "a", "kind": "square"})));
    }

    #[test]
    fn noise_is_dropped() {
        let schema = <Args<Inner> as FromCall>::input_schema().unwrap();
        assert_eq!(
            schema,
            json!({
                "type": "object",
                "properties": {"x": {"type": "number"}},
                "required": ["x"],
                "additionalProperties": false,
            })
        );
    }
}
