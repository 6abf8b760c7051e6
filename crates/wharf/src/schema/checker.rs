//! One schema and whoever checks it: the plain reading where there is one, and the general validator, which is built when it
//! is first needed.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use super::{Refusals, SchemaError, plain::Plain, validator};
use crate::cross_check;

/// A compiled schema.
#[derive(Debug)]
pub(super) struct Checker {
    pub(super) schema: Value,
    plain: Option<Plain>,
    /// `None` inside only if the schema can't be used after all, which what reads plainly always can.
    general: OnceLock<Option<Validator>>,
}

impl Checker {
    /// Compiles `schema`.
    pub(super) fn compile(schema: &Value) -> Result<Self, SchemaError> {
        let plain = Plain::compile(schema);
        let general = OnceLock::new();
        // Debug builds hold one reading against the other.
        if plain.is_none() || cross_check::is_on() {
            drop(general.set(Some(validator(schema)?)));
        }
        Ok(Self { schema: schema.clone(), plain, general })
    }

    fn general(&self) -> Option<&Validator> {
        self.general.get_or_init(|| validator(&self.schema).ok()).as_ref()
    }

    /// Whether `value` fits as it is.
    pub(super) fn accepts(&self, value: &Value) -> bool {
        let general = || self.general().is_some_and(|validator| validator.is_valid(value));
        if self.plain.as_ref().is_some_and(|plain| plain.accepts(value)) {
            assert!(
                !cross_check::is_on() || general(),
                "the plain reading of {} lets through too much",
                self.schema
            );
            return true;
        }
        general()
    }

    /// What does not fit about `value`, which is not accepted.
    pub(super) fn refusals(&self, value: &Value, whole: &'static str) -> Refusals {
        Refusals::collect(self.general(), &self.schema, value, whole)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn reads(schema: &Value) -> bool {
        Plain::compile(schema).is_some()
    }

    #[test]
    fn what_types_derive_to_is_read_plainly() {
        for schema in [
            json!({"type": "object", "properties": {"a": {"type": "integer", "format": "int64"}}, "required": ["a"],
                   "additionalProperties": false, "title": "Add", "description": "Adds"}),
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/color"}},
                   "$defs": {"color": {"oneOf": [{"const": "red"}, {"const": "green", "description": "x"}]}}}),
            json!({"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}),
            json!({"type": ["array", "null"], "items": {"type": "number", "minimum": 0.5}, "maxItems": 3}),
            json!({"type": "object", "properties": {"id": {"type": "string", "x-mcp-header": "Id"}}}),
        ] {
            assert!(reads(&schema), "{schema}");
        }
    }

    #[test]
    fn what_is_malformed_or_needs_more_is_not_read_plainly() {
        for schema in [
            json!(1),
            json!({"type": "strin"}),
            json!({"type": []}),
            json!({"type": ["string", "string"]}),
            json!({"minimum": "1"}),
            json!({"minLength": -1}),
            json!({"required": ["a", "a"]}),
            json!({"required": "a"}),
            json!({"properties": []}),
            json!({"anyOf": []}),
            json!({"title": 1}),
            json!({"pattern": "^a$"}),
            json!({"multipleOf": 2}),
            json!({"not": {}}),
            json!({"properties": {"a": {"uniqueItems": true}}}),
            json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}),
            json!({"oneOf": [{"const": "a"}, {"const": "a"}]}),
            json!({"$ref": "#/$defs/missing"}),
            json!({"$ref": "#"}),
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$defs": {"a": {"$ref": "#/$defs/a"}}}),
            json!({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}),
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            json!({"$id": "urn:a"}),
            json!({"minimum": 1, "exclusiveMinimum": 1}),
        ] {
            assert!(!reads(&schema), "{schema}");
        }
    }

    #[test]
    fn references_that_double_at_each_step_are_left_to_the_general_validator() {
        let mut definitions = serde_json::Map::new();
        for n in 0..20 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            definitions.insert(format!("d{n}"), json!({"anyOf": [next, next]}));
        }
        definitions.insert("d20".into(), json!(true));
        assert!(!reads(&json!({"$ref": "#/$defs/d0", "$defs": definitions})));
    }

    fn number() -> impl Strategy<Value = Value> {
        prop_oneof![
            (-3i64..4).prop_map(Value::from),
            prop::sample::select(vec![
                json!(0.5),
                json!(1.0),
                json!(-2.0),
                json!(1e300),
                json!(u64::MAX),
                json!(i64::MIN),
                json!(9_007_199_254_740_993_i64),
                json!(9_007_199_254_740_992.0),
            ]),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number(),
            "[ab\u{e9}\u{1f600}]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab]", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// A schema of keywords that are read plainly and some that are not, each often in a form that is not allowed.
    fn schema() -> impl Strategy<Value = Value> {
        let kind = prop::sample::select(vec![
            "null", "boolean", "integer", "number", "string", "array", "object", "string",
            "integer", "text",
        ]);
        let scalar = prop_oneof![number(), "[ab]{0,2}".prop_map(Value::from)];
        let simple = prop_oneof![
            4 => kind.clone().prop_map(|kind| ("type".to_owned(), json!(kind))),
            1 => prop::collection::vec(kind, 0..3).prop_map(|kinds| ("type".to_owned(), json!(kinds))),
            3 => prop::collection::vec(scalar.clone(), 0..3).prop_map(|all| ("enum".to_owned(), json!(all))),
            3 => scalar.prop_map(|value| ("const".to_owned(), value)),
            1 => value().prop_map(|value| ("const".to_owned(), value)),
            3 => (prop::sample::select(vec!["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]), number())
                .prop_map(|(name, bound)| (name.to_owned(), bound)),
            3 => (prop::sample::select(vec!["minLength", "maxLength", "minItems", "maxItems", "minProperties",
                "maxProperties"]), prop_oneof![20 => 0i64..4, 1 => Just(-1)]).prop_map(|(name, count)| (name.to_owned(), json!(count))),
            2 => prop::collection::vec("[ab]", 0..3).prop_map(|names| ("required".to_owned(), json!(names))),
            1 => Just(("$ref".to_owned(), json!("#/$defs/d"))),
            1 => (prop::sample::select(vec!["title", "format", "deprecated", "default", "examples", "pattern",
                "multipleOf", "uniqueItems", "x-mine"]), value()).prop_map(|(name, any)| (name.to_owned(), any)),
            1 => Just(("title".to_owned(), json!("a"))),
        ];
        // Many at one place, so that each meets each.
        let leaf = prop::collection::vec(simple.clone(), 0..7)
            .prop_map(|keywords| Value::Object(keywords.into_iter().collect()));
        let leaf = prop_oneof![8 => leaf, 1 => any::<bool>().prop_map(Value::from)];
        leaf.prop_recursive(3, 16, 3, move |inner| {
            let many = prop::collection::vec(inner.clone(), 0..3);
            let nested = prop_oneof![
                (prop::sample::select(vec!["anyOf", "allOf", "oneOf"]), many)
                    .prop_map(|(name, all)| (name.to_owned(), json!(all))),
                (prop::sample::select(vec!["items", "additionalProperties", "not"]), inner.clone())
                    .prop_map(|(name, schema)| (name.to_owned(), schema)),
                prop::collection::btree_map("[ab]", inner, 0..3)
                    .prop_map(|all| ("properties".to_owned(), json!(all))),
            ];
            (prop::collection::vec(simple.clone(), 0..2), prop::collection::vec(nested, 1..3))
                .prop_map(|(simple, nested)| {
                    Value::Object(simple.into_iter().chain(nested).collect())
                })
        })
    }

    /// Every value inside `schema`, each also in an array and as a member: what it lists is among them.
    fn parts(schema: &Value, out: &mut Vec<Value>) {
        out.extend([schema.clone(), json!([schema]), json!({"a": schema}), json!({"b": schema})]);
        match schema {
            Value::Array(items) => items.iter().for_each(|item| parts(item, out)),
            Value::Object(members) => members.values().for_each(|member| parts(member, out)),
            _ => {}
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn the_plain_reading_lets_nothing_through_that_the_general_validator_refuses(
            mut schema in schema(),
            definition in schema(),
            values in prop::collection::vec(value(), 1..12),
        ) {
            if let Value::Object(keywords) = &mut schema {
                keywords.insert("$defs".into(), json!({"d": definition}));
            }
            let mut values = values;
            parts(&schema, &mut values);
            if let Some(plain) = Plain::compile(&schema) {
                let general = validator(&schema);
                prop_assert!(general.is_ok(), "malformed and read plainly: {schema}");
                for value in &values {
                    let accepted = general.as_ref().is_ok_and(|general| general.is_valid(value));
                    prop_assert!(accepted || !plain.accepts(value), "{schema} lets {value} through");
                }
            }
        }

        #[test]
        fn whole_numbers_texts_and_objects_need_no_general_validator(
            a in any::<i64>(), b in "[a-z]{0,8}", c in prop::option::of(0.0f64..1.0),
        ) {
            let schema = json!({
                "type": "object",
                "properties": {
                    "a": {"type": "integer"},
                    "b": {"type": "string", "maxLength": 8},
                    "c": {"type": ["number", "null"], "minimum": 0},
                },
                "required": ["a", "b"],
                "additionalProperties": false,
            });
            let plain = Plain::compile(&schema).unwrap();
            let fitting = json!({"a": a, "b": b, "c": c});
            prop_assert!(plain.accepts(&fitting));
            let superfluous = json!({"a": a, "b": b, "d": 1});
            prop_assert!(!plain.accepts(&superfluous));
        }
    }
}
