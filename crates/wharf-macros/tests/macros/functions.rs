//! A function under an attribute stays a function, and what a call sends arrives in it.

use std::rc::Rc;

use serde_json::{Value, json};
use wharf::{
    Args, Caller, Meta, Prompt, RequestId, Server, Tool, ToolError, Uri, prompt, resource, tool,
};

use crate::client::{ask, call, text};

/// Adds.
#[tool]
async fn add(a: i64, b: i64) -> Result<String, ToolError> {
    let sum = a.checked_add(b).ok_or_else(|| ToolError::invalid_input("too large"))?;
    Ok(sum.to_string())
}

/// Its own name again, in a parameter.
#[tool]
async fn echo(mut echo: String) -> String {
    echo.push('!');
    echo
}

#[tool(name = "ty-pe", description = "A word that Rust keeps for itself.")]
async fn r#type(r#type: String, #[arg(default = "b")] r#in: String) -> String {
    r#type + &r#in
}

#[tool]
async fn nothing() {}

#[tool]
async fn early(#[arg(default)] stop: bool) -> Result<&'static str, ToolError> {
    if stop {
        return Ok("stopped");
    }
    let kept = {
        // Not `Send`, and gone before the function waits.
        let rc = Rc::new(1);
        *rc
    };
    tokio::task::yield_now().await;
    Err(ToolError::conflict(format!("went on {kept}")))
}

mod inner {
    //! A function and a module of one name, as in a file per tool.

    pub(super) mod nested {
        #[derive(serde::Serialize, schemars::JsonSchema)]
        pub(in super::super) struct Answer {
            pub(in super::super) twice: i64,
        }

        /// Doubles.
        #[wharf::tool]
        pub(in super::super) async fn nested(number: i64) -> wharf::Json<Answer> {
            wharf::Json(Answer { twice: number * 2 })
        }
    }
    pub(super) use nested::nested;
}

/// What the generated code calls its own types is free for the author's.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Arguments {
    deep: Option<Box<Arguments>>,
}

#[tool]
async fn depth(arguments: Arguments) -> String {
    let mut depth = 0;
    let mut at = &arguments;
    while let Some(deep) = &at.deep {
        (depth, at) = (depth + 1, deep);
    }
    depth.to_string()
}

#[tokio::test]
async fn a_function_is_called_directly_like_any_other() {
    assert_eq!(add(2, 3).await.unwrap(), "5");
    assert_eq!(add(i64::MAX, 1).await.unwrap_err().to_string(), "INVALID_INPUT: too large");
    assert_eq!(echo("a".to_owned()).await, "a!");
    assert_eq!(r#type("a".to_owned(), "c".to_owned()).await, "ac");
    assert_eq!(inner::nested(4).await.0.twice, 8);
    nothing().await;
    let future = tokio::spawn(early(true));
    assert_eq!(future.await.unwrap().unwrap(), "stopped");
}

#[tokio::test]
async fn arguments_arrive_by_name() {
    let check = async |tool: Tool, arguments: Value, expected: &str| {
        let name = tool_name(&tool).await;
        let result = call(Server::new("f", "1").tool(tool), &name, arguments).await;
        assert!(result.to_string().contains(expected), "{expected}: {result}");
    };
    check(Tool::of(add), json!({"b": 2, "a": "40"}), r#""text":"42""#).await;
    check(Tool::of(add), json!({"a": 1}), "/b: required").await;
    check(Tool::of(add), json!({"a": 1, "b": 2, "c": 3}), "/c: unknown property").await;
    check(Tool::of(add), json!({"a": i64::MAX, "b": 1}), "too large").await;
    check(Tool::of(echo), json!({"echo": "a"}), r#""text":"a!""#).await;
    check(Tool::of(r#type), json!({"type": "a"}), r#""text":"ab""#).await;
    check(Tool::of(nothing), json!({}), r#""content":[]"#).await;
    check(Tool::of(nothing), json!({"a": 1}), "/a: unknown property").await;
    check(Tool::of(early), json!({}), "went on 1").await;
    check(Tool::of(early), json!({"stop": true}), "stopped").await;
    check(Tool::of(inner::nested), json!({"number": 4}), r#"{"twice":8}"#).await;
    check(Tool::of(depth), json!({"arguments": {"deep": {"deep": {}}}}), r#""text":"2""#).await;
}

async fn tool_name(tool: &Tool) -> String {
    let list = ask(Server::new("f", "1").tool(tool.clone()), "tools/list", json!({})).await;
    list["tools"][0]["name"].as_str().unwrap().to_owned()
}

/// Every shape of parameter at once; arguments come after and between what the call provides.
#[tool]
#[allow(clippy::too_many_arguments, reason = "the most that there can be")]
async fn widest(
    a1: u8,
    Caller { name, .. }: Caller,
    a2: u8,
    a3: u8,
    _id: RequestId,
    a4: u8,
    a5: u8,
    a6: u8,
    a7: u8,
    a8: u8,
    a9: u8,
    a10: u8,
    a11: u8,
    a12: u8,
    a13: u8,
    _meta: Meta,
) -> String {
    let sum: u8 = [a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13].iter().sum();
    format!("{name} {sum}")
}

#[tokio::test]
async fn the_widest_function_is_served() {
    let arguments: Value =
        (1..=13).map(|n| (format!("a{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    let result = call(Server::new("f", "1").tool(widest), "widest", arguments).await;
    assert!(text(&result).ends_with(" 91"), "{result}");
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Pair {
    a: i64,
    b: i64,
}

#[tool]
async fn with_args(caller: Caller, Args(Pair { a, b }): Args<Pair>) -> String {
    format!("{} {}", caller.name, a + b)
}

/// The whole address.
#[resource("any://{+path}")]
async fn any(uri: Uri) -> String {
    uri.to_string()
}

/// Says it again.
#[prompt(name = "say again")]
async fn again(#[arg(default = "hm", min_length = 2)] word: String) -> String {
    word.repeat(2)
}

#[tokio::test]
async fn arguments_may_be_a_type_of_the_authors() {
    let result =
        call(Server::new("f", "1").tool(with_args), "with_args", json!({"a": 1, "b": 2})).await;
    assert!(text(&result).ends_with(" 3"), "{result}");
}

#[tokio::test]
async fn a_template_may_be_read_through_its_uri_alone() {
    let result =
        ask(Server::new("f", "1").resource(any), "resources/read", json!({"uri": "any://a/b"}))
            .await;
    assert_eq!(text(&result), "any://a/b");
}

#[tokio::test]
async fn a_prompts_defaults_and_bounds_hold() {
    let get = async |arguments: Value| {
        let params = json!({"name": "say again", "arguments": arguments});
        ask(Server::new("f", "1").prompt(again), "prompts/get", params).await.to_string()
    };
    assert!(get(json!({})).await.contains("hmhm"));
    assert!(get(json!({"word": "ab"})).await.contains("abab"));
    assert!(get(json!({"word": "a"})).await.contains("minLength"));
    assert!(format!("{:?}", Prompt::of(again)).contains("say again"));
}
