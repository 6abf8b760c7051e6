//! Forms: the flat schemas of elicitation, read into fields a person can fill in one line each. Whatever the protocol does not
//! allow in a form is asked for as a plain string; the server judges the answer.

use serde_json::{Number, Value};

/// One line of a form.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// The property.
    pub(crate) name: String,
    title: Option<String>,
    description: Option<String>,
    kind: Kind,
    required: bool,
    default: Option<Value>,
}

#[derive(Debug, Clone)]
enum Kind {
    Text { shortest: u64, longest: u64 },
    Number { whole: bool, least: f64, most: f64 },
    Boolean,
    One(Vec<Choice>),
    Many(Vec<Choice>),
}

#[derive(Debug, Clone)]
struct Choice {
    value: String,
    title: String,
}

/// The fields of a form; `order` names the properties as the server wrote them.
pub(crate) fn fields(schema: &Value, order: &[String]) -> Vec<Field> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let mut names: Vec<&String> = properties.keys().collect();
    // Names that the order does not mention come last, as they are.
    names.sort_by_key(|name| order.iter().position(|other| other == *name).unwrap_or(usize::MAX));
    names
        .into_iter()
        .map(|name| Field::new(name, &properties[name], required.contains(&name.as_str())))
        .collect()
}

impl Field {
    fn new(name: &str, schema: &Value, required: bool) -> Self {
        let text = |key: &str| schema[key].as_str().map(str::to_owned);
        Self {
            name: name.to_owned(),
            title: text("title"),
            description: text("description"),
            kind: Kind::new(schema),
            required,
            default: schema.get("default").cloned(),
        }
    }

    /// Lines to show before the question.
    pub(crate) fn explanation(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.description.iter().cloned().collect();
        if let Kind::One(choices) | Kind::Many(choices) = &self.kind {
            for (index, choice) in choices.iter().enumerate() {
                lines.push(format!("{}) {}", index + 1, choice.title));
            }
        }
        lines
    }

    /// The question itself.
    pub(crate) fn label(&self) -> String {
        let name = self.title.as_deref().unwrap_or(&self.name);
        let kind = match self.kind {
            Kind::Text { .. } => "",
            Kind::Number { whole: true, .. } => " (whole number)",
            Kind::Number { whole: false, .. } => " (number)",
            Kind::Boolean => " (yes or no)",
            Kind::One(_) => " (one of them)",
            Kind::Many(_) => " (some of them, with commas)",
        };
        let note = match &self.default {
            Some(Value::String(text)) => format!(" [{text}]"),
            Some(value) => format!(" [{value}]"),
            None if self.required => String::new(),
            None => " [leave out]".to_owned(),
        };
        format!("{name}{kind}{note}")
    }

    /// What the person typed, or nothing for a field left out.
    ///
    /// # Errors
    /// What is wrong with it, for the person.
    pub(crate) fn read(&self, text: &str) -> Result<Option<Value>, String> {
        if text.is_empty() {
            return match &self.default {
                Some(value) => Ok(Some(value.clone())),
                None if self.required => Err("this is needed".to_owned()),
                None => Ok(None),
            };
        }
        self.kind.read(text).map(Some)
    }
}

impl Kind {
    fn new(schema: &Value) -> Self {
        if let Some(choices) = choices(schema) {
            return Self::One(choices);
        }
        if let Some(choices) = schema.get("items").and_then(choices) {
            return Self::Many(choices);
        }
        match schema["type"].as_str() {
            Some("boolean") => Self::Boolean,
            Some(kind @ ("integer" | "number")) => Self::Number {
                whole: kind == "integer",
                least: schema["minimum"].as_f64().unwrap_or(f64::NEG_INFINITY),
                most: schema["maximum"].as_f64().unwrap_or(f64::INFINITY),
            },
            _ => Self::Text {
                shortest: schema["minLength"].as_u64().unwrap_or(0),
                longest: schema["maxLength"].as_u64().unwrap_or(u64::MAX),
            },
        }
    }

    fn read(&self, text: &str) -> Result<Value, String> {
        match self {
            Self::Text { shortest, longest } => match text.chars().count() as u64 {
                length if length < *shortest => {
                    Err(format!("at least {shortest} characters, please"))
                }
                length if length > *longest => Err(format!("at most {longest} characters, please")),
                _ => Ok(text.into()),
            },
            Self::Number { whole, least, most } => number(text, *whole, *least, *most),
            Self::Boolean => match text.to_lowercase().as_str() {
                "y" | "yes" | "true" => Ok(true.into()),
                "n" | "no" | "false" => Ok(false.into()),
                _ => Err("yes or no, please".to_owned()),
            },
            Self::One(choices) => chosen(choices, text).map(Value::from),
            Self::Many(choices) => {
                text.split(',').map(|part| chosen(choices, part.trim()).map(Value::from)).collect()
            }
        }
    }
}

fn number(text: &str, whole: bool, least: f64, most: f64) -> Result<Value, String> {
    let number: Number = match (whole, text.parse::<i64>(), text.parse::<f64>()) {
        (_, Ok(number), _) => number.into(),
        (false, _, Ok(number)) => Number::from_f64(number).ok_or("a finite number, please")?,
        (true, ..) => return Err("a whole number, please".to_owned()),
        (false, ..) => return Err("a number, please".to_owned()),
    };
    match number.as_f64() {
        Some(value) if value < least => Err(format!("at least {least}, please")),
        Some(value) if value > most => Err(format!("at most {most}, please")),
        _ => Ok(Value::Number(number)),
    }
}

/// The choices of an `enum` (perhaps with `enumNames`), or of a `oneOf`/`anyOf` of titled constants.
fn choices(schema: &Value) -> Option<Vec<Choice>> {
    if let Some(values) = schema["enum"].as_array() {
        let names = &schema["enumNames"];
        let choice = |(index, value): (usize, &Value)| {
            let value = value.as_str()?.to_owned();
            let title = names[index].as_str().map_or_else(|| value.clone(), str::to_owned);
            Some(Choice { value, title })
        };
        return values.iter().enumerate().map(choice).collect();
    }
    let titled = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())?;
    let choice = |item: &Value| {
        let value = item["const"].as_str()?.to_owned();
        let title = item["title"].as_str().map_or_else(|| value.clone(), str::to_owned);
        Some(Choice { value, title })
    };
    titled.iter().map(choice).collect()
}

/// A choice by value, title or number. The value wins, because a choice may be called "2".
fn chosen<'a>(choices: &'a [Choice], text: &str) -> Result<&'a str, String> {
    let by_name = choices
        .iter()
        .find(|choice| choice.value == text)
        .or_else(|| choices.iter().find(|choice| choice.title.eq_ignore_ascii_case(text)));
    let by_number =
        || text.parse::<usize>().ok()?.checked_sub(1).and_then(|index| choices.get(index));
    by_name
        .or_else(by_number)
        .map(|choice| choice.value.as_str())
        .ok_or_else(|| format!("'{text}' is not among them: a name or a number, please"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: Value, typed: &str, expected: Result<Option<Value>, &str>) {
        let read = Field::new("field", &schema, false).read(typed);
        match (&read, expected) {
            (Ok(value), Ok(expected)) => assert_eq!(*value, expected, "{schema} {typed}"),
            (Err(problem), Err(expected)) => assert!(problem.contains(expected), "{problem}"),
            (read, expected) => panic!("{schema} {typed}: {read:?}, not {expected:?}"),
        }
    }

    #[test]
    fn every_kind_of_field_is_read() {
        check(json!({"type": "string"}), "00501", Ok(Some(json!("00501"))));
        check(json!({"type": "string"}), "", Ok(None));
        check(json!({"type": "string", "default": "x"}), "", Ok(Some(json!("x"))));
        check(json!({"type": "string", "maxLength": 2}), "äö", Ok(Some(json!("äö"))));
        check(json!({"type": "string", "maxLength": 2}), "abc", Err("at most 2"));
        check(json!({"type": "string", "minLength": 2}), "a", Err("at least 2"));
        check(json!({"type": "integer"}), "-7", Ok(Some(json!(-7))));
        check(json!({"type": "integer"}), "7.5", Err("whole number"));
        check(json!({"type": "integer", "maximum": 5}), "6", Err("at most 5"));
        check(json!({"type": "number"}), "7.5", Ok(Some(json!(7.5))));
        check(json!({"type": "number"}), "inf", Err("finite"));
        check(json!({"type": "boolean"}), "No", Ok(Some(json!(false))));
        check(json!({"type": "boolean"}), "maybe", Err("yes or no"));
        check(json!({"type": "object"}), "odd", Ok(Some(json!("odd"))));
    }

    #[test]
    fn choices_go_by_value_title_and_number() {
        let titled = json!([{"const": "v1", "title": "First"}, {"const": "1", "title": "Second"}]);
        let one = json!({"type": "string", "oneOf": titled});
        check(one.clone(), "v1", Ok(Some(json!("v1"))));
        check(one.clone(), "first", Ok(Some(json!("v1"))));
        check(one.clone(), "1", Ok(Some(json!("1"))));
        check(one.clone(), "2", Ok(Some(json!("1"))));
        check(one.clone(), "0", Err("not among them"));
        check(one, "3", Err("not among them"));
        let many = json!({"type": "array", "items": {"anyOf": titled}});
        check(many.clone(), "v1, second", Ok(Some(json!(["v1", "1"]))));
        check(many, "v1,,", Err("not among them"));
        let legacy = json!({"type": "string", "enum": ["a", "b"], "enumNames": ["Ah", "Beh"]});
        check(legacy, "beh", Ok(Some(json!("b"))));
    }
}
