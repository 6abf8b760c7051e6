//! From a Rust type to what the specification calls a restricted schema: an object of `PrimitiveSchemaDefinition`s.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::FormError;

/// What clients are told of a field, beside its type.
const ANNOTATIONS: [&str; 3] = ["title", "description", "default"];
/// The formats of text that clients know.
const FORMATS: [&str; 4] = ["email", "uri", "date", "date-time"];

/// The schema of the form `T`.
pub(super) fn form_schema<T: JsonSchema>() -> Result<Value, FormError> {
    let form = std::any::type_name::<T>();
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    let root = settings.into_generator().into_root_schema_for::<T>().to_value();
    let properties = root["properties"].as_object().filter(|properties| !properties.is_empty());
    let Some(properties) = properties.filter(|_| is_plain_object(&root)) else {
        return Err(FormError::NotAStruct { form });
    };
    let mut shown = Map::new();
    for (name, property) in properties {
        let field = field(property).map_err(|problem| FormError::Field {
            form,
            field: name.clone(),
            problem,
        })?;
        shown.insert(name.clone(), field);
    }
    let mut schema = json!({"type": "object", "properties": shown});
    if let Some(required) = root.get("required") {
        schema["required"] = required.clone();
    }
    Ok(schema)
}

/// An object whose properties are all that is said of it. What a type says of unknown properties is for `serde` to enforce.
fn is_plain_object(root: &Value) -> bool {
    let known = ["type", "properties", "required", "title", "description", "additionalProperties"];
    root["type"] == "object"
        && root["additionalProperties"].as_object().is_none()
        && root.as_object().is_some_and(|root| root.keys().all(|key| known.contains(&key.as_str())))
}

/// One field as clients know it.
fn field(property: &Value) -> Result<Value, String> {
    let Some(node) = property.as_object() else { return Err("anything can't be shown".into()) };
    let mut node = without_null(node)?;
    let mut shown = Map::new();
    for name in ANNOTATIONS {
        // A default of null says that there is none.
        if let Some(value) = node.remove(name).filter(|value| !value.is_null()) {
            shown.insert(name.to_owned(), value);
        }
    }
    if let Some(choices) = choices(&mut node)? {
        shown.insert("type".into(), "string".into());
        shown.extend(choices.into_field());
    } else {
        shown.extend(primitive(&mut node)?);
    }
    match node.keys().next() {
        None => Ok(shown.into()),
        Some(rest) => {
            Err(format!("its {rest:?} can't be shown; check it once you have the answer"))
        }
    }
}

/// An `Option` is what it holds; that it may be absent is said by `required`.
fn without_null(node: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut node = node.clone();
    if let Some(Value::Array(types)) = node.get_mut("type") {
        types.retain(|name| name != "null");
        let [only] = &types[..] else { return Err("several types can't be shown".into()) };
        let only = only.clone();
        node.insert("type".into(), only);
        if let Some(Value::Array(values)) = node.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
    }
    if let Some(Value::Array(branches)) = node.get_mut("anyOf") {
        branches.retain(|branch| branch["type"] != "null");
        let [Value::Object(only)] = &branches[..] else {
            return Err("several types can't be shown".into());
        };
        let only = only.clone();
        node.remove("anyOf");
        for (name, value) in only {
            // The field's own words come before its type's.
            node.entry(name).or_insert(value);
        }
    }
    Ok(node)
}

/// The values of an enum without data, with what its author says of each.
struct Choices(Vec<(String, Option<String>)>);

impl Choices {
    fn titled(&self) -> Option<Value> {
        let titled = self.0.iter().any(|(_, title)| title.is_some());
        titled.then(|| {
            let choice = |(value, title): &(String, Option<String>)| {
                json!({"const": value, "title": title.as_ref().unwrap_or(value)})
            };
            self.0.iter().map(choice).collect()
        })
    }

    fn plain(&self) -> Value {
        self.0.iter().map(|(value, _)| value.as_str()).collect()
    }

    fn into_field(self) -> Map<String, Value> {
        let (name, values) = match self.titled() {
            Some(titled) => ("oneOf", titled),
            None => ("enum", self.plain()),
        };
        [(name.to_owned(), values)].into_iter().collect()
    }

    fn into_items(self) -> Value {
        match self.titled() {
            Some(titled) => json!({"anyOf": titled}),
            None => json!({"type": "string", "enum": self.plain()}),
        }
    }
}

/// Takes an enum out of the node, if it is one.
fn choices(node: &mut Map<String, Value>) -> Result<Option<Choices>, String> {
    let mut found = Vec::new();
    if let Some(branches) = node.remove("oneOf") {
        for branch in branches.as_array().into_iter().flatten() {
            let mut branch = branch.as_object().cloned().unwrap_or_default();
            let title = branch.remove("title").or_else(|| branch.remove("description"));
            let title = title.as_ref().and_then(Value::as_str).map(str::to_owned);
            take_values(&mut branch, title.as_deref(), &mut found)?;
            if branch.keys().any(|key| key != "description") {
                return Err("an enum whose variants hold data can't be shown".into());
            }
        }
    } else if node.contains_key("enum") || node.contains_key("const") {
        take_values(node, None, &mut found)?;
    } else {
        return Ok(None);
    }
    Ok(Some(Choices(found)))
}

fn take_values(
    node: &mut Map<String, Value>,
    title: Option<&str>,
    found: &mut Vec<(String, Option<String>)>,
) -> Result<(), String> {
    let values = match (node.remove("enum"), node.remove("const")) {
        (Some(Value::Array(values)), None) => values,
        (None, Some(value)) => vec![value],
        _ => Vec::new(),
    };
    let only_text = node.remove("type").is_none_or(|name| name == "string");
    if values.is_empty() || !only_text {
        return Err("an enum whose variants hold data can't be shown".into());
    }
    for value in values {
        let Value::String(value) = value else {
            return Err("an enum of anything but text can't be shown".into());
        };
        found.push((value, title.map(str::to_owned)));
    }
    Ok(())
}

/// Takes text, a number, a truth value or a list of choices out of the node.
fn primitive(node: &mut Map<String, Value>) -> Result<Map<String, Value>, String> {
    let name = node.remove("type").unwrap_or_default();
    let name = name.as_str().unwrap_or("anything");
    let kept: &[&str] = match name {
        "string" => &["minLength", "maxLength"],
        "integer" | "number" => &["minimum", "maximum"],
        "boolean" => &[],
        "array" => &["minItems", "maxItems"],
        "object" => return Err("an object can't be shown".into()),
        other => return Err(format!("{other} can't be shown")),
    };
    let mut shown = Map::new();
    shown.insert("type".into(), name.into());
    for keyword in kept {
        if let Some(value) = node.remove(*keyword) {
            shown.insert((*keyword).to_owned(), value);
        }
    }
    match name {
        // schemars names the Rust type here, which `serde` enforces.
        "integer" | "number" => drop(node.remove("format")),
        "string" => {
            if let Some(format) = node.remove("format") {
                if !FORMATS.iter().any(|known| format == *known) {
                    return Err(format!("text in the format {format} can't be asked for"));
                }
                shown.insert("format".into(), format);
            }
        }
        "array" => {
            // A set of the answer's choices is still a set.
            node.remove("uniqueItems");
            let items = node.remove("items").unwrap_or_default();
            let mut items = items.as_object().cloned().unwrap_or_default();
            items.remove("title");
            items.remove("description");
            let chosen = choices(&mut items)?;
            let chosen = chosen.filter(|_| items.is_empty());
            let chosen = chosen.ok_or("a list of anything but choices can't be shown")?;
            shown.insert("items".into(), chosen.into_items());
        }
        _ => {}
    }
    Ok(shown)
}

#[cfg(test)]
#[path = "derive_tests.rs"]
mod tests;
