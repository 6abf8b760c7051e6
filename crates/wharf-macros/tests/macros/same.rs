//! What an attribute registers is, member by member, what the builder registers.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wharf::{
    Annotations, Args, CacheHint, Caller, CompletionQuery, Icon, Json, Meta, Progress, Prompt,
    Resource, Server, Tool, ToolError, prompt, resource, tool,
};

use crate::client::ask;

#[derive(Deserialize, JsonSchema, Debug, PartialEq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    Newest,
    Oldest,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    /// What was found.
    names: Vec<String>,
}

const LIMIT: u32 = 500;

/// Search the archive by name,
/// newest first.
///
/// Results are exact.
///
/// # Errors
/// Never.
#[tool(
    title = "Search",
    read_only,
    destructive = false,
    idempotent,
    open_world = false,
    timeout = "5s",
    icon = Icon::new("https://example.com/a.png"),
    icon = Icon::new("https://example.com/b.png"),
    meta = marked(),
)]
#[expect(clippy::too_many_arguments, reason = "one of each")]
async fn search(
    /// Part of a name.
    #[arg(min_length = 1, max_length = 64, pattern = "^[a-z]+$", example = "abc")]
    query: String,
    caller: Caller,
    /// Where to look.
    #[arg(header = "Region", rename = "where")]
    region: String,
    #[arg(default = 20, range = 1..=LIMIT)] limit: u32,
    #[arg(min = -1.5, max = 1.5)] weight: Option<f64>,
    #[arg(default = Order::Newest.name().to_owned())] order: String,
    exact: Option<Order>,
    #[arg(default, max_items = 3)] tags: Vec<String>,
    #[arg(range = 0..10)] half_open: i8,
    progress: Progress,
    #[schemars(title = "Flag")]
    #[serde(default)]
    flag: bool,
) -> Result<Json<Found>, ToolError> {
    progress.report(1.0).await;
    let names = vec![format!(
        "{query} {} {region} {limit} {weight:?} {order} {exact:?} {tags:?} {half_open} {flag}",
        caller.name
    )];
    Ok(Json(Found { names }))
}

impl Order {
    fn name(self) -> &'static str {
        "newest"
    }
}

fn marked() -> Meta {
    Meta::new().with("com.example/kind", "search")
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Search {
    /// Part of a name.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z]+$"), example = "abc".to_owned())]
    query: String,
    /// Where to look.
    #[serde(rename = "where")]
    region: String,
    #[serde(default = "twenty")]
    #[schemars(range(min = 1, max = 500))]
    limit: u32,
    #[schemars(range(min = -1.5, max = 1.5))]
    weight: Option<f64>,
    #[serde(default = "newest")]
    order: String,
    exact: Option<Order>,
    #[serde(default)]
    #[schemars(length(max = 3))]
    tags: Vec<String>,
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 10))]
    half_open: i8,
    #[schemars(title = "Flag")]
    #[serde(default)]
    flag: bool,
}

fn twenty() -> u32 {
    20
}

fn newest() -> String {
    "newest".into()
}

fn built_search() -> Tool {
    Tool::new("search")
        .description("Search the archive by name, newest first.\n\nResults are exact.")
        .title("Search")
        .read_only()
        .destructive(false)
        .idempotent()
        .open_world(false)
        .timeout(Duration::from_secs(5))
        .icon(Icon::new("https://example.com/a.png"))
        .icon(Icon::new("https://example.com/b.png"))
        .meta(marked())
        .header_parameter("/where", "Region")
        .handler(|_: Args<Search>| async { Json(Found { names: Vec::new() }) })
}

/// A personal greeting.
#[resource(
    "greeting://{name}{?times}",
    title = "Greeting",
    mime_type = "text/markdown",
    cache(public = "60s"),
    annotations = Annotations::default().priority(0.5),
    timeout = "2s"
)]
async fn greeting(
    /// Whom to greet.
    #[arg(min_length = 1, max_length = 100, complete = names)]
    name: String,
    #[arg(max = 3)] times: Option<u8>,
) -> String {
    format!("Hello, {name}!").repeat(times.unwrap_or(1).into())
}

async fn names(query: CompletionQuery) -> Vec<String> {
    vec![format!("{}a", query.value)]
}

#[derive(Deserialize, JsonSchema)]
struct Greeting {
    /// Whom to greet.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    #[schemars(range(max = 3))]
    times: Option<u8>,
}

fn built_greeting() -> Resource {
    Resource::template("greeting://{name}{?times}", "greeting")
        .description("A personal greeting.")
        .title("Greeting")
        .mime_type("text/markdown")
        .cache(CacheHint::public(Duration::from_secs(60)))
        .annotate(Annotations::default().priority(0.5))
        .timeout(Duration::from_secs(2))
        .complete("name", names)
        .handler(|Args(Greeting { name, times }): Args<Greeting>| async move {
            format!("Hello, {name}!").repeat(times.unwrap_or(1).into())
        })
}

/// The settings in force.
#[resource("config://app", name = "settings", size_bytes = 2, cache = "1m")]
async fn config() -> Vec<u8> {
    b"{}".to_vec()
}

fn built_config() -> Resource {
    Resource::new("config://app", "settings")
        .description("The settings in force.")
        .size_bytes(2)
        .cache(CacheHint::private(Duration::from_secs(60)))
        .handler(|| async { b"{}".to_vec() })
}

/// Review a change.
#[prompt(title = "Review")]
async fn review(
    /// The language it is written in.
    #[arg(complete = names)]
    language: String,
    strict: Option<bool>,
) -> String {
    format!("Review this {language} change{}", if strict == Some(true) { " strictly" } else { "" })
}

#[derive(Deserialize, JsonSchema)]
struct Review {
    /// The language it is written in.
    language: String,
    strict: Option<bool>,
}

fn built_review() -> Prompt {
    Prompt::new("review")
        .description("Review a change.")
        .title("Review")
        .complete("language", names)
        .handler(|Args(Review { language, strict }): Args<Review>| async move {
            format!(
                "Review this {language} change{}",
                if strict == Some(true) { " strictly" } else { "" }
            )
        })
}

fn with_attributes() -> Server {
    Server::new("same", "1.0.0").tool(search).resource(greeting).resource(config).prompt(review)
}

fn with_builders() -> Server {
    Server::new("same", "1.0.0")
        .tool(built_search())
        .resource(built_greeting())
        .resource(built_config())
        .prompt(built_review())
}

#[tokio::test]
async fn lists_are_those_of_the_builder() {
    for method in ["tools/list", "resources/list", "resources/templates/list", "prompts/list"] {
        let written = ask(with_attributes(), method, json!({})).await;
        let built = ask(with_builders(), method, json!({})).await;
        assert_eq!(written, built, "{method}");
        let member = built.as_object().unwrap().values().find_map(Value::as_array);
        assert_eq!(member.unwrap().len(), 1, "{method}");
    }
}

#[tokio::test]
async fn reads_prompts_and_completions_are_those_of_the_builder() {
    let greeting = json!({"uri": "greeting://Ada?times=2"});
    let too_many = json!({"uri": "greeting://Ada?times=4"});
    let review = json!({"name": "review", "arguments": {"language": "Rust", "strict": "true"}});
    let completion = |reference: Value, argument: &str| json!({"ref": reference, "argument": {"name": argument, "value": "x"}});
    for (method, params, expected) in [
        ("resources/read", greeting, "Hello, Ada!Hello, Ada!"),
        ("resources/read", too_many, "RESOURCE_NOT_FOUND"),
        ("resources/read", json!({"uri": "config://app"}), "e30="),
        ("prompts/get", review, "Review this Rust change strictly"),
        (
            "completion/complete",
            completion(json!({"type": "ref/prompt", "name": "review"}), "language"),
            "xa",
        ),
        (
            "completion/complete",
            completion(json!({"type": "ref/resource", "uri": "greeting://{name}{?times}"}), "name"),
            "xa",
        ),
    ] {
        let written = ask(with_attributes(), method, params.clone()).await;
        assert_eq!(written, ask(with_builders(), method, params).await, "{method}");
        assert!(written.to_string().contains(expected), "{written}");
    }
}
