//! Differences, as a person reads them.

use serde_json::Value;
use similar::TextDiff;

/// Lines around a difference.
const CONTEXT: usize = 4;

/// What has to change in `expected` to become `found`: `-` is expected, `+` is found.
pub(crate) fn lines(expected: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(expected, found);
    diff.unified_diff().context_radius(CONTEXT).header("expected", "found").to_string()
}

/// The same of two values.
pub(crate) fn values(expected: &Value, found: &Value) -> String {
    lines(&pretty(expected), &pretty(found))
}

/// A value over several lines with its keys in order, whatever order the JSON library was built to keep.
pub(crate) fn pretty(value: &Value) -> String {
    let mut text = format!("{:#}", sorted(value));
    text.push('\n');
    text
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        other => other.clone(),
    }
}
