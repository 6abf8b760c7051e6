//! Constraints reach what clients are told and what calls are checked against, whatever type they stand on.

use serde_json::{Value, json};
use wharf::{Server, tool};

use crate::client::{ask, call};

/// Behind a reference in the schema, where a derive would drop the bounds in silence.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name(String);

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
    Green,
}

/// Called like an extractor of Wharf's.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Meta {
    depth: u8,
}

const MOST: u32 = 9;

/// Everything that can be bounded.
#[tool]
#[allow(clippy::too_many_arguments, reason = "one of each")]
async fn bounded(
    #[arg(min_length = 2, max_length = 3, pattern = "^[a-z]+$")] name: Name,
    #[arg(min_length = 2)] maybe: Option<Name>,
    color: Option<Color>,
    #[arg(min = 1, max = MOST)] number: Option<u32>,
    #[arg(range = -1.5..=1.5)] ratio: Option<f64>,
    #[arg(range = 0..10)] open: Option<i8>,
    #[arg(min_items = 1, max_items = 2)] list: Option<Vec<u8>>,
    #[arg] meta: Option<Meta>,
    #[arg(default = 5, max = 6)] defaulted: u8,
) -> String {
    let set = [maybe.is_some(), color.is_some(), number.is_some(), ratio.is_some(), open.is_some()];
    let set = set.iter().filter(|set| **set).count() + usize::from(list.is_some());
    format!("{} {set} {} {defaulted}", name.0, meta.map_or(0, |meta| meta.depth))
}

async fn answer(arguments: Value) -> String {
    call(Server::new("f", "1").tool(bounded), "bounded", arguments).await.to_string()
}

#[tokio::test]
async fn bounds_hold_at_their_edges() {
    let check = async |key: &str, value: Value, accepted: bool| {
        let mut arguments = json!({"name": "abc"});
        arguments[key] = value;
        let answer = answer(arguments.clone()).await;
        assert_eq!(!answer.contains("INVALID_INPUT"), accepted, "{arguments}: {answer}");
        assert!(accepted || answer.contains(&format!("/{key}")), "{answer}");
    };
    for (key, value, accepted) in [
        ("name", json!("ab"), true),
        ("name", json!("a"), false),
        ("name", json!("abcd"), false),
        ("name", json!("AB"), false),
        ("maybe", json!("ab"), true),
        ("maybe", json!("a"), false),
        ("maybe", Value::Null, true),
        ("color", json!("red"), true),
        ("color", json!("blue"), false),
        ("number", json!(1), true),
        ("number", json!(0), false),
        ("number", json!(9), true),
        ("number", json!(10), false),
        ("ratio", json!(-1.5), true),
        ("ratio", json!(-1.6), false),
        ("open", json!(9), true),
        ("open", json!(10), false),
        ("open", json!(-1), false),
        ("list", json!([1]), true),
        ("list", json!([]), false),
        ("list", json!([1, 2, 3]), false),
        ("list", json!([256]), false),
        ("meta", json!({"depth": 2}), true),
        ("meta", json!({"deep": 2}), false),
        ("defaulted", json!(6), true),
        ("defaulted", json!(7), false),
    ] {
        check(key, value, accepted).await;
    }
    assert!(answer(json!({"name": "abc"})).await.contains("abc 0 0 5"));
    assert!(answer(json!({})).await.contains("/name"));
}

#[tokio::test]
async fn clients_are_told_every_bound() {
    let list = ask(Server::new("f", "1").tool(bounded), "tools/list", json!({})).await;
    let schema = &list["tools"][0]["inputSchema"];
    for (pointer, expected) in [
        ("/properties/name/minLength", json!(2)),
        ("/properties/name/maxLength", json!(3)),
        ("/properties/name/pattern", json!("^[a-z]+$")),
        ("/properties/maybe/minLength", json!(2)),
        ("/properties/number/minimum", json!(1)),
        ("/properties/number/maximum", json!(9)),
        ("/properties/ratio/minimum", json!(-1.5)),
        ("/properties/open/exclusiveMaximum", json!(10)),
        ("/properties/list/minItems", json!(1)),
        ("/properties/defaulted/default", json!(5)),
        ("/properties/defaulted/maximum", json!(6)),
        ("/required", json!(["name"])),
        ("/additionalProperties", json!(false)),
    ] {
        assert_eq!(schema.pointer(pointer), Some(&expected), "{pointer}: {schema}");
    }
}
