//! Reading one JSON object by its known keys, strictly and without building a tree.
//!
//! Parsers that disagree about a message are an attack: a proxy that reads the first `name` and a server that reads the
//! last one authorize different calls. So a known key that appears twice, or in another case, is refused; unknown keys are
//! skipped, because later revisions add some. Escaped spellings of a known key are the same key.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Why an object could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldsError {
    /// Not JSON at all.
    Syntax(String),
    /// JSON, but not an object with each known key at most once.
    Shape(String),
}

impl fmt::Display for FieldsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) | Self::Shape(text) => f.write_str(text),
        }
    }
}

/// The raw JSON text of each of `names` in the object `text`, in the order of `names`.
pub(crate) fn fields<'a, const N: usize>(
    text: &'a str,
    names: &[&'static str; N],
) -> Result<[Option<&'a str>; N], FieldsError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = deserializer
        .deserialize_map(Fields(names))
        .and_then(|found| deserializer.end().map(|()| found));
    found.map_err(|error| match error.classify() {
        // serde_json quotes nothing of the input in these categories, only the position.
        serde_json::error::Category::Data => FieldsError::Shape(error.to_string()),
        _ => FieldsError::Syntax(error.to_string()),
    })
}

/// The text of a raw JSON string, borrowed when it holds no escape.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
}

struct Fields<'n, const N: usize>(&'n [&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Fields<'_, N> {
    type Value = [Option<&'de str>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(key) = map.next_key_seed(KeySeed(self.0))? {
            match key {
                Key::Known(index) => {
                    if found[index].is_some() {
                        return Err(A::Error::custom(format_args!(
                            "duplicate key \"{}\"",
                            self.0[index]
                        )));
                    }
                    found[index] = Some(map.next_value::<&'de RawValue>()?.get());
                }
                Key::WrongCase(name) => {
                    return Err(A::Error::custom(format_args!(
                        "keys are case-sensitive: write \"{name}\""
                    )));
                }
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

enum Key {
    Known(usize),
    WrongCase(&'static str),
    Unknown,
}

struct KeySeed<'n, const N: usize>(&'n [&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for KeySeed<'_, N> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<const N: usize> Visitor<'_> for KeySeed<'_, N> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        if let Some(index) = self.0.iter().position(|name| *name == key) {
            return Ok(Key::Known(index));
        }
        Ok(match self.0.iter().find(|name| name.eq_ignore_ascii_case(key)) {
            Some(name) => Key::WrongCase(name),
            None => Key::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_found_once_and_in_their_exact_case() {
        let check = |text: &str, expected: Result<[Option<&str>; 2], bool>| {
            let read = fields(text, &["a", "bc"]).map_err(|e| matches!(e, FieldsError::Syntax(_)));
            assert_eq!(read, expected, "{text}");
        };
        check(r#"{"a":1,"x":[{"a":2}],"bc": "t"}"#, Ok([Some("1"), Some("\"t\"")]));
        check("{}", Ok([None, None]));
        check(r#"{"\u0061":1}"#, Ok([Some("1"), None]));
        check(r#"{"a":1,"a":1}"#, Err(false));
        check(r#"{"a":1,"\u0061":1}"#, Err(false));
        check(r#"{"A":1}"#, Err(false));
        check(r#"{"bC":1}"#, Err(false));
        check("[1]", Err(false));
        check("{", Err(true));
        check("{} x", Err(true));
        check("", Err(true));
    }

    #[test]
    fn strings_are_borrowed_unless_escaped() {
        assert!(matches!(string("\"abc\""), Some(Cow::Borrowed("abc"))));
        assert_eq!(string(r#""a\u0062""#).as_deref(), Some("ab"));
        assert_eq!(string("12"), None);
        assert_eq!(string("\""), None);
    }
}
