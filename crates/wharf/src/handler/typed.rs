//! From a JSON value to a type. A failure says where it is and what the type is called, never what stands there: serde's own
//! text may quote the value, and values belong in no log.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::schema::shown;

/// A value that its type does not take.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// Where (RFC 6901), as far as serde can tell; empty for the whole.
    pub(crate) pointer: String,
    /// What the type is called.
    wanted: &'static str,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the type {} refuses the value at {:?}", self.wanted, self.pointer)
    }
}

impl std::error::Error for Misfit {}

/// Makes a `T` of `value`.
pub(crate) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Misfit> {
    serde_path_to_error::deserialize(value).map_err(|error| Misfit {
        pointer: pointer(error.path()),
        wanted: std::any::type_name::<T>(),
    })
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.replace('~', "~0").replace('/', "~1"),
            // A key that is no string: there is none in JSON.
            Segment::Unknown => break,
        };
        pointer.push('/');
        pointer.push_str(&part);
    }
    shown(&pointer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Takes one word, with an error that repeats what it was given.
    #[derive(Debug, serde::Deserialize)]
    #[serde(try_from = "String")]
    struct Stubborn;

    impl TryFrom<String> for Stubborn {
        type Error = String;

        fn try_from(given: String) -> Result<Self, String> {
            if given == "fine" { Ok(Self) } else { Err(format!("not {given}")) }
        }
    }

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only whether it can be made is looked at")]
    struct Outer {
        list: Vec<Stubborn>,
        small: u8,
        shape: Option<Shape>,
        map: Option<std::collections::BTreeMap<String, u8>>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only whether it can be made is looked at")]
    enum Shape {
        Circle { radius: u8 },
    }

    #[test]
    fn a_misfit_says_where_and_never_what() {
        let check = |value: Value, pointer: &str| {
            let misfit = typed::<Outer>(value.clone()).unwrap_err();
            assert_eq!(misfit.pointer, pointer, "{value}");
            let text = format!("{misfit} {misfit:?}");
            assert!(!text.contains("hunter2") && text.contains("Outer"), "{text}");
        };
        assert!(typed::<Outer>(json!({"list": ["fine"], "small": 1})).is_ok());
        check(json!({"list": ["fine", "hunter2"], "small": 1}), "/list/1");
        check(json!({"list": [], "small": "hunter2"}), "/small");
        check(json!({"list": [], "small": 1, "shape": "hunter2"}), "/shape");
        check(
            json!({"list": [], "small": 1, "shape": {"circle": {"radius": "hunter2"}}}),
            "/shape/circle/radius",
        );
        check(
            json!({"list": [], "small": 1, "map": {"a/b~\u{1b}": "hunter2"}}),
            "/map/a~1b~0\u{fffd}",
        );
        check(json!({"small": 1}), "");
        check(json!("hunter2"), "");
    }
}
