//! What does not fit, in words that a model can act on. The values that were sent never appear: a refusal ends up in logs
//! and transcripts.

use std::fmt;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Value, json};

use super::{describe::describe, walk::resolve};

/// Most refusals that are listed.
const MAX: usize = 8;
/// Longest pointer and property name that are shown, in characters.
const MAX_POINTER: usize = 96;
const MAX_NAMES: usize = 30;

/// One thing that does not fit.
#[derive(Debug)]
struct Refusal {
    /// Where (RFC 6901).
    pointer: String,
    what: &'static str,
    /// The keyword of the schema.
    rule: String,
    /// What would be accepted.
    accepted: String,
}

/// Everything that does not fit, bounded.
#[derive(Debug)]
pub(crate) struct Refusals {
    all: Vec<Refusal>,
    /// What the empty pointer is called.
    whole: &'static str,
}

impl Refusals {
    pub(super) fn collect(
        validator: Option<&Validator>,
        schema: &Value,
        instance: &Value,
        whole: &'static str,
    ) -> Self {
        let mut all = Vec::new();
        for error in validator.into_iter().flat_map(|validator| validator.iter_errors(instance)) {
            refuse(schema, &error, &mut all);
            if all.len() >= MAX {
                all.truncate(MAX);
                break;
            }
        }
        Self { all, whole }
    }

    /// `[{"pointer", "rule", "accepted"}]`.
    pub(crate) fn to_json(&self) -> Value {
        self.all
            .iter()
            .map(|r| json!({"pointer": r.pointer, "rule": r.rule, "accepted": r.accepted}))
            .collect()
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.all.iter().enumerate() {
            let Refusal { pointer, what, rule, accepted } = refusal;
            let separator = if index > 0 { "\n" } else { "" };
            let pointer = if pointer.is_empty() { self.whole } else { pointer };
            write!(f, "{separator}{pointer}: {what} (rule: {rule}); accepted: {accepted}")?;
        }
        Ok(())
    }
}

fn refuse(schema: &Value, error: &ValidationError<'_>, out: &mut Vec<Refusal>) {
    let rule = error.kind().keyword().to_owned();
    let pointer = error.instance_path().as_str();
    // The schema path ends with the keyword; what stands before it describes the place.
    let path = error.schema_path().as_str();
    let place = at(schema, path.rsplit_once('/').map_or("", |(place, _)| place));
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let accepted = place["properties"]
                .get(name)
                .map_or("a value".to_owned(), |property| describe(schema, property));
            out.push(Refusal { pointer: join(pointer, name), what: "required", rule, accepted });
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for name in unexpected.iter().take(MAX) {
                let accepted = names(place, name);
                out.push(Refusal {
                    pointer: join(pointer, name),
                    what: "unknown property",
                    rule: rule.clone(),
                    accepted,
                });
            }
        }
        ValidationErrorKind::FalseSchema => {
            let (pointer, accepted) = (shown(pointer), "nothing here; leave it out".to_owned());
            out.push(Refusal { pointer, what: "not accepted", rule, accepted });
        }
        ValidationErrorKind::UniqueItems => {
            let (pointer, accepted) =
                (shown(pointer), "an array without repeated items".to_owned());
            out.push(Refusal { pointer, what: "not accepted", rule, accepted });
        }
        _ => {
            let (pointer, accepted) = (shown(pointer), describe(schema, place));
            out.push(Refusal { pointer, what: "not accepted", rule, accepted });
        }
    }
}

/// The subschema at `path`, which may lead through references.
fn at<'a>(root: &'a Value, path: &str) -> &'a Value {
    let mut place = root;
    for part in path.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        place = resolve(root, place);
        if part == "$ref" {
            continue;
        }
        place = match place {
            Value::Array(items) => part
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get(index))
                .unwrap_or(&Value::Null),
            other => &other[part.as_str()],
        };
    }
    resolve(root, place)
}

/// The properties that the place knows, and the one that is meant.
fn names(place: &Value, unknown: &str) -> String {
    let Some(properties) =
        place["properties"].as_object().filter(|properties| !properties.is_empty())
    else {
        return "no properties".to_owned();
    };
    let mut list: Vec<&str> = properties.keys().take(MAX_NAMES).map(String::as_str).collect();
    if properties.len() > MAX_NAMES {
        list.push("…");
    }
    let text = list.join(", ");
    let near = (unknown.len() <= 64)
        .then(|| properties.keys().min_by_key(|known| strsim::damerau_levenshtein(known, unknown)))
        .flatten()
        .filter(|known| strsim::damerau_levenshtein(known, unknown) <= 2);
    match near {
        Some(near) => format!("{text}; did you mean {near}?"),
        None => text,
    }
}

fn join(pointer: &str, name: &str) -> String {
    shown(&format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")))
}

/// A pointer without control characters, cut where it gets long: property names come from the caller.
pub(crate) fn shown(pointer: &str) -> String {
    let mut text: String = pointer
        .chars()
        .take(MAX_POINTER)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if pointer.chars().nth(MAX_POINTER).is_some() {
        text.push('…');
    }
    text
}
