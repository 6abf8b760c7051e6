//! Expected messages, with placeholders for what differs from run to run.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Lets an object or an array have more than is written.
const MORE: &str = "...";

/// What `"<$name>"` has met so far.
pub(super) type Kept = BTreeMap<String, Value>;

/// A text of a pattern.
enum Text<'a> {
    Literal(&'a str),
    Kind(&'a str),
    Kept(&'a str),
    Unknown,
}

fn text(text: &str) -> Text<'_> {
    if let Some(literal) = text.strip_prefix('\\').filter(|rest| rest.starts_with('<')) {
        return Text::Literal(literal);
    }
    let Some(name) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else {
        return Text::Literal(text);
    };
    match name {
        "any" | "string" | "number" | "integer" | "boolean" | "array" | "object" => {
            Text::Kind(name)
        }
        _ => match name.strip_prefix('$') {
            Some(name) if !name.is_empty() => Text::Kept(name),
            _ => Text::Unknown,
        },
    }
}

fn is_of_kind(kind: &str, found: &Value) -> bool {
    match kind {
        "string" => found.is_string(),
        "number" => found.is_number(),
        "integer" => found.is_i64() || found.is_u64(),
        "boolean" => found.is_boolean(),
        "array" => found.is_array(),
        "object" => found.is_object(),
        _ => true,
    }
}

/// Whether a pattern says something: a mistyped placeholder would otherwise be a text that nothing equals.
pub(super) fn check(pattern: &Value) -> Result<(), String> {
    match pattern {
        Value::String(name) => match text(name) {
            Text::Unknown => {
                Err(format!("no placeholder is called {name:?}; write \"\\\\{name}\" for the text"))
            }
            _ => Ok(()),
        },
        Value::Array(items) => {
            let more = items.iter().position(|item| item == MORE);
            if more.is_some_and(|place| place + 1 < items.len()) {
                return Err(format!("{MORE:?} stands at the end of an array"));
            }
            items.iter().try_for_each(check)
        }
        Value::Object(members) => members.values().try_for_each(check),
        _ => Ok(()),
    }
}

/// What the pattern says in view of what was found: equal to it if the pattern fits, and different where it does not.
/// A placeholder that fits becomes what it stands for, so that a difference between the two is one that matters.
pub(super) fn fill(pattern: &Value, found: &Value, kept: &mut Kept) -> Value {
    match (pattern, found) {
        (Value::String(pattern), found) => match text(pattern) {
            Text::Literal(literal) => literal.into(),
            Text::Kind(kind) if is_of_kind(kind, found) => found.clone(),
            Text::Kept(name) => {
                kept.entry(name.to_owned()).or_insert_with(|| found.clone()).clone()
            }
            Text::Kind(_) | Text::Unknown => pattern.as_str().into(),
        },
        (Value::Array(patterns), Value::Array(items)) => {
            let more = patterns.last().is_some_and(|last| last == MORE);
            let patterns = &patterns[..patterns.len() - usize::from(more)];
            let mut filled: Vec<_> = (0..patterns.len())
                .map(|place| fill(&patterns[place], items.get(place).unwrap_or(&Value::Null), kept))
                .collect();
            if more {
                filled.extend(items.iter().skip(patterns.len()).cloned());
            }
            filled.into()
        }
        (Value::Object(patterns), Value::Object(members)) => {
            let mut filled = Map::new();
            for (name, pattern) in patterns.iter().filter(|(name, _)| *name != MORE) {
                let value = match members.get(name) {
                    Some(found) => fill(pattern, found, kept),
                    // Told as it is written: what is missing can't fit, not even "<any>".
                    None => pattern.clone(),
                };
                filled.insert(name.clone(), value);
            }
            if patterns.contains_key(MORE) {
                for (name, value) in members {
                    filled.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            filled.into()
        }
        (other, _) => other.clone(),
    }
}

/// What is sent, with what was kept in place of `"<$name>"`.
///
/// # Errors
/// Names what nothing has been kept for.
pub(super) fn substitute(message: &str, kept: &Kept) -> Result<String, String> {
    let mut out = message.to_owned();
    for (name, value) in kept {
        out = out.replace(&format!("\"<${name}>\""), &value.to_string());
    }
    match out.split_once("\"<$").and_then(|(_, rest)| rest.split_once(">\"")) {
        Some((name, _)) => Err(format!("nothing was kept as {name:?} before this")),
        None => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_fit(pattern: Value, found: Value, fits: bool) {
        check(&pattern).unwrap();
        let filled = fill(&pattern, &found, &mut Kept::new());
        assert_eq!(filled == found, fits, "{pattern} and {found}: {filled}");
    }

    #[test]
    fn placeholders_fit_their_kind_only() {
        check_fit(json!("<any>"), json!(null), true);
        check_fit(json!("<string>"), json!("<string>"), true);
        check_fit(json!("<string>"), json!(1), false);
        check_fit(json!("<integer>"), json!(1), true);
        check_fit(json!("<integer>"), json!(1.5), false);
        check_fit(json!("<number>"), json!(1.5), true);
        check_fit(json!("<boolean>"), json!("true"), false);
        check_fit(json!("<array>"), json!({}), false);
        check_fit(json!("<object>"), json!({"a": 1}), true);
        check_fit(json!("\\<b>"), json!("<b>"), true);
        check_fit(json!("a"), json!("b"), false);
    }

    #[test]
    fn nothing_more_and_nothing_less_unless_it_says_so() {
        check_fit(json!({"a": 1}), json!({"a": 1, "b": 2}), false);
        check_fit(json!({"a": 1, "...": "<any>"}), json!({"a": 1, "b": 2}), true);
        check_fit(json!({"a": 1, "...": "<any>"}), json!({"b": 2}), false);
        check_fit(json!({"a": "<any>"}), json!({}), false);
        check_fit(json!([1, "<any>"]), json!([1]), false);
        check_fit(json!([1]), json!([1, 2]), false);
        check_fit(json!([1, "..."]), json!([1, 2, 3]), true);
        check_fit(json!([1, "..."]), json!([]), false);
        check_fit(json!([]), json!({}), false);
    }

    #[test]
    fn what_is_kept_must_stay_the_same_and_can_be_sent_back() {
        let mut kept = Kept::new();
        let pattern = json!({"a": "<$x>", "b": "<$x>"});
        let same = json!({"a": {"k": "v"}, "b": {"k": "v"}});
        assert_eq!(fill(&pattern, &same, &mut kept), same);
        assert_ne!(fill(&json!("<$x>"), &json!(1), &mut kept), json!(1));
        assert_eq!(substitute(r#"{"s":"<$x>"}"#, &kept).unwrap(), r#"{"s":{"k":"v"}}"#);
        assert!(substitute(r#"{"s":"<$y>"}"#, &kept).unwrap_err().contains("\"y\""));
    }
}
