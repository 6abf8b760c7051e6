//! Types that fit, and types that do not.

#![allow(dead_code, reason = "the fields are only described")]

use std::collections::{BTreeMap, BTreeSet};

use super::*;

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Plain {
    Red,
    Green,
}

/// A size.
#[derive(JsonSchema)]
enum Titled {
    /// Quite small
    S,
    /// Rather large
    L,
    Other,
}

#[derive(JsonSchema)]
enum Single {
    Only,
}

#[derive(JsonSchema)]
enum Loaded {
    None,
    Some(u8),
}

#[derive(JsonSchema)]
struct Nested {
    deep: bool,
}

#[derive(JsonSchema)]
struct Everything {
    /// Your name
    #[schemars(length(min = 1, max = 5))]
    name: String,
    #[schemars(extend("format" = "email"))]
    mail: Option<String>,
    #[schemars(range(min = 1, max = 9))]
    count: u8,
    #[serde(default)]
    signed: i64,
    ratio: Option<f64>,
    #[serde(default = "yes")]
    flag: bool,
    color: Plain,
    size: Option<Titled>,
    only: Single,
    #[schemars(length(max = 2))]
    colors: Vec<Plain>,
    sizes: BTreeSet<Titled>,
    #[serde(flatten)]
    more: Nested,
}

impl PartialEq for Titled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

fn yes() -> bool {
    true
}

#[test]
fn a_flat_struct_becomes_what_the_specification_allows() {
    let sizes = json!([
        {"const": "S", "title": "Quite small"},
        {"const": "L", "title": "Rather large"},
        {"const": "Other", "title": "Other"},
    ]);
    let mut schema = form_schema::<Everything>().unwrap();
    // The order of choices is the author's where the derived schema keeps it.
    let sort = |choices: &mut Value| {
        choices.as_array_mut().unwrap().sort_by_key(|choice| choice["const"] == "Other");
    };
    sort(&mut schema["properties"]["size"]["oneOf"]);
    sort(&mut schema["properties"]["sizes"]["items"]["anyOf"]);
    assert_eq!(
        schema["properties"],
        json!({
            "name": {"type": "string", "minLength": 1, "maxLength": 5, "description": "Your name"},
            "mail": {"type": "string", "format": "email"},
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "signed": {"type": "integer", "default": 0},
            "ratio": {"type": "number"},
            "flag": {"type": "boolean", "default": true},
            "color": {"type": "string", "enum": ["red", "green"]},
            "size": {"type": "string", "oneOf": sizes, "description": "A size."},
            "only": {"type": "string", "enum": ["Only"]},
            "colors": {"type": "array", "items": {"type": "string", "enum": ["red", "green"]}, "maxItems": 2},
            "sizes": {"type": "array", "items": {"anyOf": sizes}},
            "deep": {"type": "boolean"},
        })
    );
    let mut required: Vec<_> = schema["required"].as_array().unwrap().iter().collect();
    required.sort_by_key(|name| name.to_string());
    assert_eq!(required, ["color", "colors", "count", "deep", "name", "only", "sizes"]);
    assert_eq!(schema.as_object().unwrap().len(), 3);
}

#[track_caller]
fn refused<T: JsonSchema>(expected: &str) {
    #[derive(JsonSchema)]
    struct Form<T> {
        fine: bool,
        field: T,
    }
    match form_schema::<Form<T>>().unwrap_err() {
        FormError::Field { form, field, problem } => {
            assert!(form.contains("Form<"), "{form}");
            assert_eq!((field.as_str(), problem.as_str()), ("field", expected));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_clients_can_not_show_is_refused_with_its_field() {
    refused::<Nested>("an object can't be shown");
    refused::<Option<Nested>>("an object can't be shown");
    refused::<BTreeMap<String, String>>("an object can't be shown");
    refused::<Vec<String>>("a list of anything but choices can't be shown");
    refused::<Vec<Vec<Plain>>>("a list of anything but choices can't be shown");
    refused::<(u8, u8)>("a list of anything but choices can't be shown");
    refused::<Value>("anything can't be shown");
    refused::<()>("null can't be shown");
    refused::<Loaded>("an enum whose variants hold data can't be shown");
    refused::<std::net::Ipv4Addr>("text in the format \"ipv4\" can't be asked for");

    #[derive(JsonSchema)]
    struct Pattern {
        #[schemars(regex(pattern = "^a+$"))]
        field: String,
    }
    let error = form_schema::<Pattern>().unwrap_err().to_string();
    assert!(error.contains("its \"pattern\" can't be shown; check it once"), "{error}");
}

#[test]
fn only_a_struct_with_fields_is_a_form() {
    #[derive(JsonSchema)]
    struct Empty {}
    #[derive(JsonSchema)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { a: u8 },
        B { b: u8 },
    }
    for error in [
        form_schema::<Empty>().unwrap_err(),
        form_schema::<String>().unwrap_err(),
        form_schema::<Plain>().unwrap_err(),
        form_schema::<Tagged>().unwrap_err(),
        form_schema::<Vec<Nested>>().unwrap_err(),
        form_schema::<BTreeMap<String, u8>>().unwrap_err(),
        form_schema::<Value>().unwrap_err(),
    ] {
        assert!(matches!(error, FormError::NotAStruct { .. }), "{error}");
    }
}
