//! JSON Schema 2020-12: the one place that knows how arguments and structured content are checked.
//!
//! A schema is compiled once, never fetches a `$ref` from elsewhere, and bounds the work of its patterns. Arguments that fit
//! are not touched; arguments that do not are coerced only where a model has written a number, a boolean, an array or an
//! object as a string and the schema could never accept a string; what still does not fit is refused in words that say what
//! would be accepted and never repeat what was sent.

mod checker;
mod close;
mod coerce;
mod describe;
mod plain;
mod refusal;
mod walk;

pub(crate) use close::{close_objects, drop_noise};
pub(crate) use refusal::{Refusals, shown};

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use self::checker::Checker;

/// Backtracking steps of one pattern on one string; past them the string counts as not matching.
const PATTERN_STEPS: usize = 100_000;
/// Size of one compiled pattern, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// Why a schema can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    /// The root is no object schema.
    #[error("the input schema must have \"type\": \"object\" at its root")]
    NotAnObject,
    /// A dialect that is not served.
    #[error("unknown JSON Schema dialect {0:?}; use https://json-schema.org/draft/2020-12/schema")]
    Dialect(String),
    /// Anything else.
    #[error("not a usable JSON Schema: {0}")]
    Invalid(String),
}

/// The compiled schema of arguments.
#[derive(Debug)]
pub(crate) struct InputSchema(Checker);

impl InputSchema {
    /// Compiles `schema`.
    pub(crate) fn compile(schema: &Value) -> Result<Self, SchemaError> {
        if schema["type"] != "object" {
            return Err(SchemaError::NotAnObject);
        }
        Checker::compile(schema).map(Self)
    }

    /// Checks `arguments`, coercing strings where only something else could be meant.
    ///
    /// # Errors
    /// What does not fit, and what would.
    pub(crate) fn check(&self, arguments: &mut Value) -> Result<(), Refusals> {
        if self.0.accepts(arguments) {
            return Ok(());
        }
        if coerce::coerce(&self.0.schema, arguments) && self.0.accepts(arguments) {
            return Ok(());
        }
        Err(self.0.refusals(arguments, "the arguments"))
    }

    /// Whether they fit as they are.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn accepts(&self, arguments: &Value) -> bool {
        self.0.accepts(arguments)
    }
}

/// The compiled schema of structured content. Its root need not be an object schema.
#[derive(Debug)]
pub(crate) struct OutputSchema(Checker);

impl OutputSchema {
    /// Compiles `schema`.
    pub(crate) fn compile(schema: &Value) -> Result<Self, SchemaError> {
        Checker::compile(schema).map(Self)
    }

    /// Checks `content`, coercing nothing: a server says what it means.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn check(&self, content: &Value) -> Result<(), Refusals> {
        if self.0.accepts(content) {
            return Ok(());
        }
        Err(self.0.refusals(content, "the structured content"))
    }
}

fn validator(schema: &Value) -> Result<Validator, SchemaError> {
    let draft = match schema.get("$schema").map(|uri| uri.as_str().unwrap_or_default()) {
        None => Draft::Draft202012,
        Some(uri) => match uri.trim_end_matches('#') {
            "https://json-schema.org/draft/2020-12/schema" => Draft::Draft202012,
            "http://json-schema.org/draft-07/schema" => Draft::Draft7,
            _ => return Err(SchemaError::Dialect(uri.chars().take(200).collect())),
        },
    };
    let patterns =
        PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS).size_limit(PATTERN_BYTES);
    let validator =
        jsonschema::options().with_draft(draft).with_pattern_options(patterns).build(schema);
    validator.map_err(|error| SchemaError::Invalid(error.to_string()))
}

/// Whether `schema`, of a tool's output, accepts `value`. One that can't be used demands nothing.
pub(crate) fn accepts(schema: &Value, value: &Value) -> bool {
    let patterns =
        PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS).size_limit(PATTERN_BYTES);
    let options =
        jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns);
    options.build(schema).map_or(true, |validator| validator.is_valid(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn schema() -> InputSchema {
        InputSchema::compile(&json!({
            "type": "object",
            "properties": {
                "count": {"type": "integer", "minimum": 1, "maximum": 1000},
                "ratio": {"type": "number"},
                "flag": {"type": "boolean"},
                "ids": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
                "filter": {"$ref": "#/$defs/filter"},
                "name": {"type": "string", "minLength": 1, "maxLength": 5},
                "color": {"enum": ["red", "green"]},
                "level": {"enum": [1, 2]},
                "either": {"type": ["string", "integer"]},
                "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "pick": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
                "free": {},
            },
            "required": ["name"],
            "additionalProperties": false,
            "$defs": {"filter": {"type": "object", "properties": {"deep": {"type": "boolean"}}}},
        }))
        .unwrap()
    }

    #[test]
    fn strings_are_coerced_only_where_no_string_is_accepted() {
        let check = |given: Value, expected: Option<Value>| {
            let mut arguments = given.clone();
            arguments["name"] = "x".into();
            let result = schema().check(&mut arguments);
            arguments.as_object_mut().unwrap().remove("name");
            match expected {
                Some(expected) => {
                    assert_eq!((result.is_ok(), arguments), (true, expected), "{given}")
                }
                None => assert!(result.is_err(), "{given}"),
            }
        };
        check(json!({"count": "5"}), Some(json!({"count": 5})));
        check(json!({"count": "5.0"}), Some(json!({"count": 5})));
        check(json!({"ratio": "1e3"}), Some(json!({"ratio": 1000})));
        check(json!({"ratio": "-2.5"}), Some(json!({"ratio": -2.5})));
        check(json!({"flag": "true"}), Some(json!({"flag": true})));
        check(json!({"ids": "[1,2]"}), Some(json!({"ids": [1, 2]})));
        check(json!({"ids": ["1", 2]}), Some(json!({"ids": [1, 2]})));
        check(json!({"filter": "{\"deep\":\"true\"}"}), Some(json!({"filter": {"deep": true}})));
        check(json!({"maybe": "7"}), Some(json!({"maybe": 7})));
        check(json!({"maybe": "null"}), Some(json!({"maybe": null})));
        check(json!({"level": "2"}), Some(json!({"level": 2})));
        check(json!({"either": "5"}), Some(json!({"either": "5"})));
        check(json!({"pick": "5"}), Some(json!({"pick": "5"})));
        check(json!({"free": "5"}), Some(json!({"free": "5"})));
        for bad in [
            "0x5", "05", " 5", "5 ", "five", "", "1001", "0", "[5]", "\"5\"", "true", "NaN",
            "1e400",
        ] {
            check(json!({"count": bad}), None);
        }
        check(json!({"flag": "yes"}), None);
        check(json!({"flag": 1}), None);
        check(json!({"ids": "[1,2,3,4]"}), None);
        check(json!({"ids": "[1,2"}), None);
        check(json!({"color": "blue"}), None);
        check(json!({"count": 5.5}), None);
    }

    #[test]
    fn refusals_name_the_pointer_the_rule_and_what_is_accepted() {
        let check = |mut arguments: Value, expected: &str| {
            assert_eq!(schema().check(&mut arguments).unwrap_err().to_string(), expected);
        };
        check(
            json!({}),
            "/name: required (rule: required); accepted: a string of 1 to 5 characters",
        );
        check(
            json!({"name": "x", "count": 5000}),
            "/count: not accepted (rule: maximum); accepted: an integer from 1 to 1000",
        );
        check(
            json!({"name": "x", "colour": "red"}),
            "/colour: unknown property (rule: additionalProperties); accepted: color, count, either, filter, flag, free, \
             ids, level, maybe, name, pick, ratio; did you mean color?",
        );
        check(
            json!({"name": "secret-value"}),
            "/name: not accepted (rule: maxLength); accepted: a string of 1 to 5 characters",
        );
        check(
            json!({"name": "x", "color": "blue"}),
            "/color: not accepted (rule: enum); accepted: one of \"red\", \"green\"",
        );
        check(
            json!({"name": "x", "ids": [1, "x"]}),
            "/ids/1: not accepted (rule: type); accepted: an integer",
        );
        check(
            json!({"name": "x", "maybe": []}),
            "/maybe: not accepted (rule: anyOf); accepted: an integer or null",
        );
    }

    #[test]
    fn refusals_stay_short_and_never_repeat_values() {
        let mut arguments = json!({"name": "x"});
        for n in 0..1000 {
            arguments[format!("secret{n}{}", "k".repeat(500))] = "hunter2".into();
        }
        arguments["count"] = "hunter2".into();
        arguments["a\u{1b}[31m"] = 1.into();
        let refusals = schema().check(&mut arguments).unwrap_err();
        let text = refusals.to_string();
        assert!(text.len() <= 4096, "{}", text.len());
        assert!(!text.contains("hunter2") && !text.contains('\u{1b}'));
        assert!(!refusals.to_json().to_string().contains("hunter2"));
    }

    #[test]
    fn unusable_schemas_are_refused() {
        for schema in [
            json!({}),
            json!({"type": "string"}),
            json!(true),
            json!({"type": "object", "$schema": "https://example.com/mine"}),
            json!({"type": "object", "properties": {"a": {"$ref": "https://example.com/schema.json"}}}),
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/missing"}}}),
            json!({"type": "object", "properties": {"a": {"type": "strin"}}}),
            json!({"type": "object", "properties": {"a": {"pattern": "("}}}),
        ] {
            assert!(InputSchema::compile(&schema).is_err(), "{schema}");
        }
        let draft7 =
            json!({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"});
        assert!(InputSchema::compile(&draft7).is_ok());
    }

    #[test]
    fn schemas_that_refer_to_themselves_twice_are_described_in_bounded_work() {
        let array = json!({"type": "array", "items": {"$ref": "#/$defs/expression"}});
        let schema = InputSchema::compile(&json!({
            "type": "object",
            "properties": {"e": {"$ref": "#/$defs/expression"}, "all": {"$ref": "#/$defs/all"}},
            "$defs": {
                "expression": {"anyOf": [array, array, {"type": "integer"}, array]},
                "all": {"type": "integer", "allOf": [{"anyOf": [{"$ref": "#/$defs/expression"}]}]},
            },
        }))
        .unwrap();
        assert!(schema.check(&mut json!({"e": [1, [2, [[], 3]]], "all": 1})).is_ok());
        assert!(schema.check(&mut json!({"e": "[1,[\"2\"]]"})).is_err());
        let refusals = schema.check(&mut json!({"e": {"x": 1}})).unwrap_err().to_string();
        assert!(refusals.contains("an array of items") && refusals.len() < 1000, "{refusals}");
        let twice = json!({"type": "object", "oneOf": [{"$ref": "#"}, {"$ref": "#"}]});
        assert!(InputSchema::compile(&twice).unwrap().check(&mut json!({})).is_err());
    }

    #[test]
    fn patterns_that_backtrack_end() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+(?=b)$"}}});
        let schema = InputSchema::compile(&schema).unwrap();
        assert!(schema.check(&mut json!({"a": "a".repeat(5000)})).is_err());
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[0-9]{1,3}|true|null|\\[1\\]|[a-z]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("name|count|ids|flag|filter|deep|maybe", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_valid_and_what_was_valid_is_untouched(given in json_value()) {
            let schema = schema();
            let valid = schema.0.accepts(&given);
            let mut arguments = given.clone();
            let accepted = schema.check(&mut arguments).is_ok();
            prop_assert!(!valid || (accepted && arguments == given));
            prop_assert!(!accepted || schema.0.accepts(&arguments));
        }
    }
}
