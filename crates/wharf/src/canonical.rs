//! A digest of JSON that does not depend on the order in which a client writes the keys of an object.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 over the canonical form of `value`. What differs as JSON differs here, also `1` and `1.0`.
pub(crate) fn digest(value: &Value) -> [u8; 32] {
    let mut hasher = Sha256::new();
    absorb(value, &mut hasher);
    hasher.finalize().into()
}

/// Feeds the canonical form of `value` to a hasher: as one of several parts it need not be hashed by itself first. Each value
/// begins with its kind and, where it has parts, their number, so that no two values give the same bytes.
pub(crate) fn absorb(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(flag) => hasher.update(if *flag { b"t" } else { b"f" }),
        Value::Number(number) => {
            // Most are integers, and those need no text.
            if let Some(integer) = number.as_i64() {
                hasher.update(b"i");
                hasher.update(integer.to_le_bytes());
            } else if let Some(integer) = number.as_u64() {
                hasher.update(b"u");
                hasher.update(integer.to_le_bytes());
            } else {
                hasher.update(b"#");
                text(number.to_string().as_bytes(), hasher);
            }
        }
        Value::String(string) => {
            hasher.update(b"s");
            text(string.as_bytes(), hasher);
        }
        Value::Array(items) => {
            hasher.update(b"a");
            hasher.update((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| absorb(item, hasher));
        }
        Value::Object(members) => {
            hasher.update(b"o");
            hasher.update((members.len() as u64).to_le_bytes());
            let mut member = |(name, member): (&String, &Value)| {
                text(name.as_bytes(), hasher);
                absorb(member, hasher);
            };
            // Whether a map keeps its order is decided by a feature that any crate of a build can switch on.
            if members.keys().is_sorted() {
                members.iter().for_each(member);
            } else {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                members.into_iter().for_each(&mut member);
            }
        }
    }
}

fn text(bytes: &[u8], hasher: &mut Sha256) {
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(text: &str) -> [u8; 32] {
        digest(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_order_of_keys_does_not_matter_and_everything_else_does() {
        assert_eq!(of(r#"{"a":{"x":1,"y":2},"b":[1]}"#), of(r#"{"b":[1],"a":{"y":2,"x":1}}"#));
        let different = [
            "null",
            "false",
            "true",
            "0",
            "1",
            "1.0",
            "-1",
            "-1.0",
            "-0.0",
            "0.0",
            "18446744073709551615",
            "9223372036854775807",
            "9223372036854775808",
            "1e300",
            "\"1\"",
            "\"\"",
            "[]",
            "{}",
            "[[]]",
            "[1,2]",
            "[2,1]",
            "[12]",
            "[\"1\",\"2\"]",
            "[\"12\"]",
            r#"{"a":"b"}"#,
            r#"{"ab":""}"#,
            r#"{"a":1}"#,
            r#"{"a":[1]}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":{},"b":1}"#,
            r#"[{"a":1},{}]"#,
        ];
        let mut seen = std::collections::HashSet::new();
        for text in different {
            assert!(seen.insert(of(text)), "{text}");
        }
        assert_eq!(digest(&json!({"k": "v"})), of(r#"{ "k" : "v" }"#));
    }
}
