//! The JSON Schema (2020-12) of the file, from the tables of keys, for editors that check TOML.
//!
//! Types, units, ranges and names are those of the loader. Strings with references are accepted, since only a start knows
//! what they will be, and rules between keys (both TLS files or none) are left to the loader.

use serde_json::{Map, Value, json};

use super::{
    field::{Describe, Section, Shape},
    kind::{Facts, Written},
    servers,
    settings::SECTIONS,
};

/// A string with a reference in it.
const REFERENCE: &str = r"\$\{";

/// The schema of `wharf.toml`.
pub(crate) fn schema() -> Value {
    let mut sections: Map<String, Value> = SECTIONS
        .iter()
        .filter(|section| !section.path.contains('<'))
        .map(|section| (section.path.to_owned(), object(section)))
        .collect();
    let kinds: Vec<Value> = servers::KINDS.iter().map(|kind| server(&kind.section)).collect();
    let named = json!({
        "type": "object",
        "propertyNames": { "pattern": "^[a-z0-9-]{1,32}$" },
        "additionalProperties": { "oneOf": kinds },
    });
    sections.insert("servers".to_owned(), named);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wharf.toml",
        "type": "object",
        "properties": sections,
        "additionalProperties": false,
    })
}

/// A server of one kind, with the sections below it.
fn server(section: &Section) -> Value {
    let mut server = object(section);
    for (name, inner) in &servers::OF_EACH {
        server["properties"][name] = match inner.outer() {
            Some(_) => object(inner),
            None => json!({ "type": "object", "additionalProperties": object(inner) }),
        };
    }
    server
}

/// A section; one of several kinds is told by its `kind`.
fn object(section: &Section) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in section.fields {
        let mut property = property(*field);
        if let Some(kind) = section.kind.filter(|_| field.key() == "kind") {
            property["const"] = kind.into();
        }
        if section.outer().is_some()
            && let Some(property) = property.as_object_mut()
        {
            property.remove("default");
        }
        if field.shape() == Shape::Required {
            required.push(field.key());
        }
        properties.insert(field.key().to_owned(), property);
    }
    for below in section.below {
        let named = json!({ "type": "object", "additionalProperties": object(below) });
        properties.insert(below.parent_key().to_owned(), named);
    }
    json!({
        "type": "object",
        "description": section.text,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(field: &dyn Describe) -> Value {
    let facts = field.facts();
    let mut property = match field.shape() {
        Shape::List => json!({ "type": "array", "items": value(facts), "default": [] }),
        Shape::ListOr(texts) => {
            json!({ "type": "array", "items": value(facts), "default": texts })
        }
        _ => value(facts),
    };
    if let Shape::One(default) = field.shape() {
        property["default"] = match facts.written {
            Written::Integer | Written::Boolean => {
                serde_json::from_str(default).unwrap_or(Value::Null)
            }
            Written::String | Written::StringOrInteger => default.into(),
        };
    }
    property["description"] = field.text().into();
    property
}

fn value(facts: &Facts) -> Value {
    let reference = json!({ "type": "string", "pattern": REFERENCE });
    let literal = match facts.written {
        Written::Boolean => json!({ "type": "boolean" }),
        Written::Integer => {
            let (min, max) = facts.range.unwrap_or((0, u64::MAX));
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        Written::StringOrInteger => json!({ "anyOf": [
            { "type": "string", "pattern": facts.pattern.unwrap_or_default() },
            { "type": "integer", "minimum": 1 },
        ]}),
        Written::String if !facts.choices.is_empty() => {
            json!({ "type": "string", "enum": facts.choices })
        }
        Written::String => match facts.pattern {
            Some(pattern) => json!({ "type": "string", "pattern": pattern }),
            None => return json!({ "type": "string" }),
        },
    };
    json!({ "anyOf": [literal, reference] })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn schema_accepts_what_the_loader_accepts() {
        let validator = jsonschema::validator_for(&super::schema()).unwrap();
        let check = |toml: &str, expected: bool| {
            let value: serde_json::Value = toml::from_str(toml).unwrap();
            assert_eq!(validator.is_valid(&value), expected, "{toml}");
            let folder = std::path::Path::new("");
            let loaded = crate::config::load::check(
                "wharf.toml",
                toml,
                folder,
                [("N".into(), "1".into())],
                &crate::config::Asked::default(),
            );
            assert_eq!(loaded.is_ok(), expected, "{toml}: {loaded:?}");
        };
        assert!(validator.is_valid(&json!({})));
        check("[http]\nlisten = '[::]:0'\nbody_limit = '1KiB'\nmax_connections = 3", true);
        check("[http]\nbody_limit = 1000\nmax_connections = '${N}'", true);
        check("[http]\nidle_timeout = '${N}s'\nallowed_hosts = ['a']", true);
        check("[logging]\nformat = 'json'\nexpose_internal_errors = true", true);
        check(
            "[servers.a]\nkind = 'calculator'\n[servers.b]\nkind = 'database'\nsample = true",
            true,
        );
        check("[servers.a]\nkind = 'files'\nroots = ['docs=./docs']\nmax_read = '2MiB'", true);
        check("[servers.a]\nkind = 'files'\nroots = ['./docs']", false);
        check("[servers.a]\nkind = 'files'\nroots = ['docs=x']\nmax_entries = 1001", false);
        check("[servers]", true);
        check("[htp]", false);
        check("[http]\nlistn = ''", false);
        check("[http]\nmax_connections = 0", false);
        check("[http]\nmax_connections = '3'", false);
        check("[http]\nbody_limit = '1MB'", false);
        check("[http]\nidle_timeout = 30", false);
        check("[http]\nallowed_hosts = 'a'", false);
        check("[logging]\nformat = 'xml'", false);
        check("[servers.a]\nkind = 'calculator'\nsample = true", false);
        check("[servers.a]\nsample = true", false);
        check("[servers.A_]\nkind = 'calculator'", false);
        check("[servers.a]\nkind = 'web'", false);
        let a = "[servers.a]\nkind = 'calculator'\n";
        check(&format!("{a}[servers.a.limits]\nqueue = 3\nrequest_timeout = '3s'"), true);
        check(&format!("{a}[servers.a.rate_limits]\nper_caller = 'off'"), true);
        check(&format!("{a}[servers.a.tools.x]\nrate = '3/s'\ndisabled = false"), true);
        check(&format!("{a}[servers.a.tools]"), true);
        check(&format!("{a}[servers.a.limits]\nshutdown_grace = '3s'"), false);
        check(&format!("{a}[servers.a.limits]\nresponse_budget = '3KB'"), false);
        check(&format!("{a}[servers.a.tools.x]\nqueue = 3"), false);
        check(&format!("{a}tools = 3"), false);
        check(&format!("{a}tools.x = 3"), false);
        check(&format!("{a}limit.queue = 3"), false);
    }
}
