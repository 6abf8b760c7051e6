//! Shortening a JSON text so that it stays the same kind of thing: its longest array loses its last elements, or its longest
//! string its end. Everything else is copied as it stands, numbers of any size too.

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::text_boundary;

/// Arrays and strings that are shortened at most.
const ROUNDS: usize = 16;

/// At most `max` bytes of `json`, if shortening arrays and strings gets there.
pub(super) fn shorten(json: &str, max: usize) -> Option<String> {
    let mut text = json.to_owned();
    for _ in 0..ROUNDS {
        let over = text.len().saturating_sub(max);
        if over == 0 {
            return Some(text);
        }
        text = shorter(&text, over)?;
    }
    (text.len() <= max).then_some(text)
}

/// The members of an object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// `json` without about `over` of its bytes; None if nothing in it can be shortened.
fn shorter(json: &str, over: usize) -> Option<String> {
    match json.as_bytes().first()? {
        b'{' => {
            let Members(members) = serde_json::from_str(json).ok()?;
            let (index, part) = shorter_part(members.iter().map(|(_, value)| *value), over)?;
            let parts = members.iter().enumerate().map(|(at, (key, value))| {
                let value = if at == index { &part } else { value.get() };
                serde_json::to_string(key).map(|key| format!("{key}:{value}"))
            });
            Some(format!("{{{}}}", parts.collect::<Result<Vec<_>, _>>().ok()?.join(",")))
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            // One element that is too long by itself is shortened; otherwise the last ones go.
            if elements.iter().any(|element| element.get().len() > over)
                && let Some((index, part)) = shorter_part(elements.iter().copied(), over)
            {
                let parts = elements.iter().enumerate();
                let parts = parts.map(|(at, value)| if at == index { &part } else { value.get() });
                return Some(format!("[{}]", parts.collect::<Vec<_>>().join(",")));
            }
            let (mut kept, mut removed) = (elements.len(), 0);
            while removed < over && kept > 0 {
                kept -= 1;
                removed += elements[kept].get().len() + 1;
            }
            let parts: Vec<_> = elements[..kept].iter().map(|element| element.get()).collect();
            (kept < elements.len()).then(|| format!("[{}]", parts.join(",")))
        }
        b'"' => {
            let text: String = serde_json::from_str(json).ok()?;
            let (mut end, mut gone) = (text.len(), 0);
            for (at, character) in text.char_indices().rev() {
                if gone >= over {
                    break;
                }
                (end, gone) = (at, gone + escaped_bytes(character));
            }
            let end = text_boundary(&text, end);
            (end < text.len()).then(|| serde_json::to_string(&text[..end]).ok()).flatten()
        }
        _ => None,
    }
}

/// What a character takes in the JSON that is written here (RFC 8259 section 7).
fn escaped_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

/// The longest part that can be shortened, shortened.
fn shorter_part<'a>(
    parts: impl Iterator<Item = &'a RawValue>,
    over: usize,
) -> Option<(usize, String)> {
    let mut parts: Vec<_> = parts.map(RawValue::get).enumerate().collect();
    parts.sort_by_key(|(_, part)| std::cmp::Reverse(part.len()));
    // Beyond the longest few there is little to gain.
    parts.into_iter().take(4).find_map(|(at, part)| shorter(part, over).map(|part| (at, part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_longest_array_or_string_gives_way() {
        let rows: Vec<_> = (0..100).map(|row| json!([row, "some text"])).collect();
        let table = json!({"columns": ["a", "b"], "rows": rows, "total": 100}).to_string();
        let short: Value = serde_json::from_str(&shorten(&table, 500).unwrap()).unwrap();
        assert_eq!((&short["columns"], &short["total"]), (&json!(["a", "b"]), &json!(100)));
        let kept = short["rows"].as_array().unwrap();
        assert!((20..30).contains(&kept.len()), "{}", kept.len());
        assert_eq!(**kept, rows[..kept.len()]);

        let file = json!({"files": [{"name": "x", "body": "line\n".repeat(200)}, {"name": "y", "body": ""}]});
        let short: Value = serde_json::from_str(&shorten(&file.to_string(), 300).unwrap()).unwrap();
        assert_eq!(short["files"][1], file["files"][1]);
        let body = short["files"][0]["body"].as_str().unwrap();
        assert!(body.len() > 100 && body.ends_with('\n'), "{body:?}");
    }

    #[test]
    fn what_is_kept_is_kept_as_it_stands() {
        let text = r#"{"n":123456789012345678901234567890.10,"e":1E+2,"s":"\u00e9\/","a":[1,2,3,4,5,6,7,8,9,10,11,12]}"#;
        let short = shorten(text, 80).unwrap();
        let kept = r#"{"n":123456789012345678901234567890.10,"e":1E+2,"s":"\u00e9\/","a":["#;
        assert!(short.starts_with(kept) && short.len() <= 80, "{short}");
    }

    #[test]
    fn what_can_not_be_shortened_is_left_alone() {
        let numbers: serde_json::Map<_, _> =
            (0..100).map(|at| (format!("key {at}"), json!(at))).collect();
        assert_eq!(shorten(&Value::from(numbers).to_string(), 100), None);
        assert_eq!(shorten("123456789", 5), None);
        assert_eq!(shorten("not json", 2), None);
        let many: serde_json::Map<_, _> =
            (0..100).map(|at| (format!("key {at}"), json!("x".repeat(50)))).collect();
        assert_eq!(shorten(&Value::from(many).to_string(), 100), None);
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(shorten(&deep, 150).is_none_or(|short| short.len() <= 150));
    }

    proptest::proptest! {
        #[test]
        fn what_comes_out_is_json_and_short_enough(
            texts in proptest::collection::vec(".{0,60}", 0..30),
            max in 10_usize..400,
        ) {
            let json = json!({"a": texts, "b": {"c": texts.concat()}, "d": 1}).to_string();
            if let Some(short) = shorten(&json, max) {
                assert!(short.len() <= max);
                let short: Value = serde_json::from_str(&short).unwrap();
                assert_eq!(short["d"], 1);
                assert!(short["a"].is_array() && short["b"]["c"].is_string());
            }
        }
    }
}
