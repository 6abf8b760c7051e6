//! The id of a JSON-RPC request: a string or an integer, echoed exactly.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

use super::fields::string;

/// A request's id (JSON-RPC 2.0 section 4; the specification forbids null, and fractions can't be echoed reliably).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Id {
    /// An integer.
    Number(i64),
    /// A string.
    String(Arc<str>),
}

impl Id {
    /// Longest accepted string id in bytes: it is echoed in every reply and kept while the call runs.
    pub const MAX_BYTES: usize = 1024;

    pub(crate) fn parse(raw: &str) -> Option<Self> {
        if let Some(text) = string(raw) {
            return (text.len() <= Self::MAX_BYTES).then(|| Self::String(text.into()));
        }
        raw.parse().ok().map(Self::Number)
    }

    /// Appends the JSON form.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        match self {
            // Writing to a Vec can't fail.
            Self::Number(number) => drop(write!(out, "{number}")),
            Self::String(text) => drop(serde_json::to_writer(out, text)),
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::String(text) => serializer.serialize_str(text),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::String(text) => text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strings_and_integers_are_ids() {
        let check = |raw: &str, expected: Option<Id>| assert_eq!(Id::parse(raw), expected, "{raw}");
        check("1", Some(Id::Number(1)));
        check("-7", Some(Id::Number(-7)));
        check("\"a\\\"b\"", Some(Id::String("a\"b".into())));
        check("1.5", None);
        check("1e3", None);
        check("null", None);
        check("{}", None);
        check("99999999999999999999", None);
        check(&format!("\"{}\"", "x".repeat(Id::MAX_BYTES + 1)), None);
    }

    #[test]
    fn ids_are_echoed_exactly() {
        for raw in ["1", "-7", "\"a\\\"b\"", "\"\""] {
            let mut out = Vec::new();
            Id::parse(raw).unwrap().write(&mut out);
            assert_eq!(out, raw.as_bytes());
        }
    }
}
