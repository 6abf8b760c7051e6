//! Tables for the typing of arguments.

use serde_json::json;

use super::*;

fn schema() -> Value {
    json!({
        "type": "object",
        "$defs": {"size": {"type": "integer"}, "loop": {"$ref": "#/$defs/loop"}},
        "properties": {
            "a": {"type": "integer"},
            "ratio": {"type": "number"},
            "flag": {"type": "boolean"},
            "zip": {"type": "string"},
            "ids": {"type": "array"},
            "either": {"type": ["integer", "null"]},
            "loose": {"type": ["string", "integer"]},
            "option": {"anyOf": [{"$ref": "#/$defs/size"}, {"type": "null"}]},
            "size": {"$ref": "#/$defs/size"},
            "loop": {"$ref": "#/$defs/loop"},
            "level": {"enum": [1, 2]},
            "dotted.name": {"type": "integer"},
            "box": {
                "type": "object",
                "properties": {"width": {"type": "number"}},
                "additionalProperties": false,
            },
        },
    })
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn check(given: &[&str], expected: Value) {
    let arguments = parse(&words(given), Typing::Schema(&schema())).map(Value::Object);
    assert_eq!(arguments, Ok(expected), "{given:?}");
}

fn check_error(given: &[&str], expected: &str) {
    let error = parse(&words(given), Typing::Schema(&schema())).unwrap_err();
    assert!(error.contains(expected), "{given:?}: {error}");
}

#[test]
fn schema_decides_the_type() {
    check(&[], json!({}));
    check(&["a=5"], json!({"a": 5}));
    check(&["a=-5"], json!({"a": -5}));
    check(&["a=5.0"], json!({"a": 5.0}));
    check(&["a=18446744073709551615"], json!({"a": u64::MAX}));
    check(&["ratio=0.5", "flag=true"], json!({"ratio": 0.5, "flag": true}));
    check(&["zip=00501"], json!({"zip": "00501"}));
    check(&["zip="], json!({"zip": ""}));
    check(&["zip=a=b"], json!({"zip": "a=b"}));
    check(&["zip=true"], json!({"zip": "true"}));
    check(&["ids=[1,2]"], json!({"ids": [1, 2]}));
    check(&["box={\"width\":1}"], json!({"box": {"width": 1}}));
    check(&["either=null"], json!({"either": null}));
    check(&["either=7"], json!({"either": 7}));
    check(&["loose=7"], json!({"loose": "7"}));
    check(&["option=7"], json!({"option": 7}));
    check(&["size=7"], json!({"size": 7}));
    check(&["level=2"], json!({"level": 2}));
    check(&["loop=x"], json!({"loop": "x"}));
    check(&["unknown=7"], json!({"unknown": "7"}));
}

#[test]
fn json_and_nesting() {
    check(&["zip:=5"], json!({"zip": 5}));
    check(&["new:={\"deep\":[true]}"], json!({"new": {"deep": [true]}}));
    check(&["box.width=3"], json!({"box": {"width": 3}}));
    check(&["x.y=1", "x.z=2"], json!({"x": {"y": "1", "z": "2"}}));
    check(&["dotted.name=4"], json!({"dotted.name": 4}));
}

#[test]
fn mistakes_are_named() {
    check_error(&["plain"], "'plain' is not key=value");
    check_error(&["=1"], "no key");
    check_error(&[":=1"], "no key");
    check_error(&["a=five"], "a: 'five' is not a whole number");
    check_error(&["a=5.5"], "not a whole number");
    check_error(&["a=99999999999999999999999"], "fits 64 bits");
    check_error(&["a=NaN"], "not a whole number");
    check_error(&["flag=yes"], "true or false");
    check_error(&["ids=1"], "a JSON array");
    check_error(&["zip:=nope"], "not JSON");
    check_error(&["a=1", "a=2"], "given twice");
    check_error(&["x=1", "x.y=2"], "both as a value and as an object");
    check_error(&["x.y=2", "x=1"], "given twice");
    check_error(&["x..y=2"], "empty name");
    check_error(&["box.widht=3"], "did you mean 'width'?");
    check_error(&[&format!("{}=1", vec!["x"; 65].join("."))], "deeper than 64");
    check_error(&[&format!("zip:={}", "[".repeat(10_000))], "not JSON");
}

#[test]
fn files_are_read_and_typed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("value");
    std::fs::write(&path, "42\n").unwrap();
    let path = path.display();
    check(&[&format!("zip=@{path}")], json!({"zip": "42\n"}));
    check(&[&format!("a=@{path}")], json!({"a": 42}));
    check(&["zip=@@home"], json!({"zip": "@home"}));
    check_error(&["zip=@/does/not/exist"], "cannot read '/does/not/exist'");
    check_error(&["zip=@/dev/zero"], "larger than 16 MiB");
}

#[test]
fn arguments_of_prompts_are_strings() {
    let parsed = |word: &str| parse(&words(&[word]), Typing::Text).map(Value::Object);
    assert_eq!(parsed("a=5"), Ok(json!({"a": "5"})));
    assert_eq!(parsed("a.b=5"), Ok(json!({"a.b": "5"})));
    assert_eq!(parsed("a:=\"5\""), Ok(json!({"a": "5"})));
    assert!(parsed("a:=5").unwrap_err().contains("are strings"));
}

#[test]
fn near_names_are_found() {
    let names = ["test_simple_text", "test_error_handling", "add"];
    assert_eq!(near_names("test_simple_txt", names)[0], "test_simple_text");
    assert_eq!(near_names("ADD", names), ["add"]);
    assert!(near_names("unrelated", names).is_empty());
}

#[test]
fn hostile_unions_end() {
    let looping = json!({"anyOf": vec![json!({"$ref": "#/properties/x"}); 100]});
    let schema = json!({"properties": {"x": looping}});
    assert!(types_at(&schema, &["x"]).is_empty());
}
