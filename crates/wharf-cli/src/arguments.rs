//! Arguments: `key=value` words become the JSON object a tool wants, typed by its input schema. The schema decides, not the look
//! of the value, so `zip=00501` stays a string where the schema says string. What the schema leaves open stays a string, and
//! `key:=JSON` overrides it. It does not validate: the server does, and its message is better.

use std::{fs::File, io::Read};

use serde_json::{Map, Value};

/// `@file` reads at most this much; a larger file is a mistake more often than an argument.
const FILE_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// Deeper nesting overflows the stack of whoever serialises it.
const DEPTH_LIMIT: usize = 64;
/// `$ref` may point at itself.
const REF_LIMIT: usize = 32;
/// At most this many schemas are looked at for one value: a hostile server may nest them without end.
const VISIT_LIMIT: usize = 256;

/// What decides the type of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Typing<'a> {
    /// A tool's input schema.
    Schema(&'a Value),
    /// Prompts: every argument is a string, and a dot is part of the name.
    Text,
}

/// Reads `key=value`, `key:=JSON`, `key=@file` and `a.b=value` words.
///
/// # Errors
/// One sentence that names the word and says what was expected.
pub(crate) fn parse(words: &[String], typing: Typing<'_>) -> Result<Map<String, Value>, String> {
    let mut arguments = Map::new();
    for word in words {
        let word = Word::parse(word)?;
        let (path, value) = match typing {
            Typing::Text => (vec![word.key], word.text_value()?),
            Typing::Schema(schema) => {
                let path = path(word.key, schema)?;
                let value = word.typed_value(&types_at(schema, &path))?;
                known(schema, &path)?;
                (path, value)
            }
        };
        insert(&mut arguments, &path, value)?;
    }
    Ok(arguments)
}

/// The near misses of `wanted`, best first.
pub(crate) fn near_names<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let mut near: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// One word of the command line.
struct Word<'a> {
    key: &'a str,
    value: &'a str,
    is_json: bool,
}

impl<'a> Word<'a> {
    fn parse(word: &'a str) -> Result<Self, String> {
        let (key, value) =
            word.split_once('=').ok_or_else(|| format!("'{word}' is not key=value"))?;
        let (key, is_json) = key.strip_suffix(':').map_or((key, false), |key| (key, true));
        if key.is_empty() {
            return Err(format!("'{word}' has no key before '='"));
        }
        Ok(Self { key, value, is_json })
    }

    fn text_value(&self) -> Result<Value, String> {
        if !self.is_json {
            return Ok(Value::String(self.text()?));
        }
        match self.json(self.value)? {
            value @ Value::String(_) => Ok(value),
            _ => Err(format!(
                "{}: arguments of a prompt are strings; write {}=…",
                self.key, self.key
            )),
        }
    }

    fn typed_value(&self, types: &[&str]) -> Result<Value, String> {
        if self.is_json {
            return self.json(self.value);
        }
        let text = self.text()?;
        if types.is_empty() || types.contains(&"string") {
            return Ok(Value::String(text));
        }
        for kind in types {
            if let Some(value) = typed(kind, text.trim()) {
                return Ok(value);
            }
        }
        Err(format!("{}: '{}' is not {}", self.key, shortened(&text), wanted(types)))
    }

    fn json(&self, text: &str) -> Result<Value, String> {
        serde_json::from_str(text).map_err(|error| format!("{}: not JSON: {error}", self.key))
    }

    /// The value with `@file` replaced by the file and `@@` by one `@`.
    fn text(&self) -> Result<String, String> {
        match self.value.strip_prefix('@') {
            None => Ok(self.value.to_owned()),
            Some(escaped) if escaped.starts_with('@') => Ok(escaped.to_owned()),
            Some(path) => read(path).map_err(|error| {
                format!("{}: cannot read '{path}': {error}; '@@' stands for a plain '@'", self.key)
            }),
        }
    }
}

fn read(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_LIMIT_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_LIMIT_BYTES {
        return Err(std::io::Error::other("larger than 16 MiB"));
    }
    Ok(text)
}

/// The value as this JSON Schema type, or nothing when it is not one.
fn typed(kind: &str, text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    let fits = match (kind, &value) {
        // A whole number beyond 64 bits would arrive rounded, so it is refused instead.
        ("integer", Value::Number(number)) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(is_exact_whole)
        }
        ("number", Value::Number(_))
        | ("boolean", Value::Bool(_))
        | ("null", Value::Null)
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        _ => false,
    };
    fits.then_some(value)
}

/// JSON Schema counts 5.0 as an integer; beyond 2^53 a float no longer holds every one.
fn is_exact_whole(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0
}

fn wanted(types: &[&str]) -> String {
    let mut words: Vec<_> = types
        .iter()
        .map(|kind| match *kind {
            "integer" => "a whole number that fits 64 bits",
            "number" => "a number",
            "boolean" => "true or false",
            "array" => "a JSON array such as [1,2]",
            "object" => "a JSON object such as {\"a\":1}",
            "null" => "null",
            other => other,
        })
        .collect();
    words.dedup();
    words.join(" or ")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The properties on the way to the value. A property whose own name has a dot wins over nesting.
fn path<'a>(key: &'a str, schema: &Value) -> Result<Vec<&'a str>, String> {
    if property(schema, schema, key).is_some() {
        return Ok(vec![key]);
    }
    let path: Vec<&str> = key.split('.').collect();
    if path.iter().any(|segment| segment.is_empty()) {
        return Err(format!("{key}: an empty name between dots"));
    }
    if path.len() > DEPTH_LIMIT {
        return Err(format!("nested deeper than {DEPTH_LIMIT} levels"));
    }
    Ok(path)
}

fn insert(object: &mut Map<String, Value>, path: &[&str], value: Value) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(());
    };
    if rest.is_empty() {
        return match object.insert((*first).to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(format!("{first} is given twice; a list is written {first}=[1,2]")),
        };
    }
    let inner = object.entry(*first).or_insert_with(|| Value::Object(Map::new()));
    match inner {
        Value::Object(inner) => insert(inner, rest, value),
        _ => Err(format!("{first} is given both as a value and as an object")),
    }
}

/// Refuses a property that a closed schema does not have.
fn known(schema: &Value, path: &[&str]) -> Result<(), String> {
    let mut place = schema;
    for segment in path {
        let place_now = resolved(schema, place);
        let Some(next) = property(schema, place_now, segment) else {
            let names = place_now.get("properties").and_then(Value::as_object);
            let Some(names) = names
                .filter(|_| place_now.get("additionalProperties") == Some(&Value::Bool(false)))
            else {
                return Ok(());
            };
            let near = near_names(segment, names.keys().map(String::as_str));
            let hint = match near.first() {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("it has {}", names.keys().cloned().collect::<Vec<_>>().join(", ")),
            };
            return Err(format!("the tool has no argument '{segment}'; {hint}"));
        };
        place = next;
    }
    Ok(())
}

/// The types the schema allows for the value at `path`; none when it does not say.
fn types_at<'a>(schema: &'a Value, path: &[&str]) -> Vec<&'a str> {
    let mut place = schema;
    for segment in path {
        match property(schema, place, segment) {
            Some(next) => place = next,
            None => return Vec::new(),
        }
    }
    let mut types = Vec::new();
    let mut fuel = VISIT_LIMIT;
    collect_types(schema, place, &mut types, &mut fuel);
    types
}

/// `fuel` is shared by all branches: unions that refer to each other would otherwise multiply without end.
fn collect_types<'a>(
    root: &'a Value,
    schema: &'a Value,
    types: &mut Vec<&'a str>,
    fuel: &mut usize,
) {
    let Some(left) = fuel.checked_sub(1) else { return };
    *fuel = left;
    let schema = resolved(root, schema);
    match schema.get("type") {
        Some(Value::String(kind)) => types.push(kind),
        Some(Value::Array(kinds)) => types.extend(kinds.iter().filter_map(Value::as_str)),
        _ => {
            let values = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            for value in values.chain(schema.get("const")) {
                types.push(type_of(value));
            }
            for branch in branches(schema) {
                collect_types(root, branch, types, fuel);
            }
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn branches(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .filter_map(|word| schema.get(word)?.as_array())
        .flatten()
}

/// The schema of one property, also behind `$ref` and one level of `anyOf`, `oneOf` or `allOf`.
fn property<'a>(root: &'a Value, schema: &'a Value, name: &str) -> Option<&'a Value> {
    let schema = resolved(root, schema);
    std::iter::once(schema)
        .chain(branches(schema).map(|branch| resolved(root, branch)))
        .find_map(|schema| schema.get("properties")?.get(name))
}

/// Follows local `$ref`s.
fn resolved<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..REF_LIMIT {
        let target = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| root.pointer(reference.strip_prefix('#')?));
        match target {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
