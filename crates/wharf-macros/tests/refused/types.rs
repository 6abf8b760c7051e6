//! Types that don't fit.

use wharf::{Json, Prompt, Resource, Server, Tool, ToolError, prompt, resource, tool};

struct Clock;

#[tool]
//~^ the trait bound `Clock: serde::Deserialize<'de>` is not satisfied
//~| for local types consider adding `#[derive(serde::Deserialize)]` to your `Clock` type
async fn argument(clock: Clock) {}
//~^ `Clock` is neither an argument nor an extractor of Wharf's
//~| not a parameter that a handler can have
//~| an argument is read from JSON: `#[derive(serde::Deserialize, schemars::JsonSchema)]`
//~| an extractor of your own implements `wharf::FromCall` and is marked `#[extract]`
//~| the trait bound `Clock: serde::Deserialize<'de>` is not satisfied
//~| for local types consider adding `#[derive(serde::Deserialize)]` to your `Clock` type
//~| the trait bound `Clock: wharf::__private::schemars::JsonSchema` is not satisfied

#[tool]
async fn extractor(#[extract] clock: Clock) {}
//~^ `Clock` is not something that a handler can take
//~| take arguments as `Args<T>`, where `T` implements `serde::Deserialize` and `schemars::JsonSchema`
//~| an extractor of your own implements `FromCall`
//~| can't handle a call
//~| a handler is an async function (or a closure that returns a future) whose parameters all implement `FromCall` (`Args<T>`, `State<T>`, `Caller`, `Progress`, `Ask`, `Cancel`, …) and whose future is `Send`

#[tool]
async fn result() -> Clock {
//~^ `Clock` can't be the result of a tool
//~| give back text (`String`), `Json<T>`, `Content`, `ToolResult`, `()`, or a `Result` of these with `ToolError`
    Clock
}

#[tool]
async fn structured() -> Result<Json<Clock>, ToolError> {
//~^ the trait bound `Clock: serde::Serialize` is not satisfied
//~| for local types consider adding `#[derive(serde::Serialize)]` to your `Clock` type
//~| required for `Json<Clock>` to implement `IntoToolResult`
//~| required for `Result<Json<Clock>, ToolError>` to implement `IntoToolResult`
//~| the trait bound `Clock: wharf::__private::schemars::JsonSchema` is not satisfied
    Ok(Json(Clock))
}

#[resource("a://b")]
async fn contents() -> u8 {
//~^ `u8` can't be the contents of a resource
//~| the trait `IntoResource` is not implemented for `u8`
//~| give back text (`String`), bytes (`Vec<u8>`, `Bytes`), `Json<T>`, `ResourceContents`, or a `Result` of these
    1
}

#[prompt]
async fn messages() -> u8 {
//~^ `u8` can't be the messages of a prompt
//~| the trait `IntoPrompt` is not implemented for `u8`
//~| give back text (`String`, one message of the person), `PromptMessage`, a `Vec` of them, or a `Result` of these
    1
}

#[tool(timeout = MINUTE)]
//~^ mismatched types
//~| expected `Duration`, found `u64`
//~| arguments to this method are incorrect
//~| method defined here
async fn seconds() {}

const MINUTE: u64 = 60;

#[tool]
async fn defaulted(#[arg(default = 300)] a: u8, #[arg(default = 1.5)] b: u8) {}
//~^ mismatched types
//~| expected `u8`, found floating-point number
//~| expected `u8` because of return type

async fn plain(a: u8) {}

#[tool]
async fn good(a: u8) -> String {
    a.to_string()
}

fn main() {
    let server = Server::new("a", "1").tool(plain);
    //~^ `fn(u8) -> impl Future<Output = ()> {plain}` can't be registered as a `wharf::Tool`
    //~| the trait `IntoItem<wharf::Tool, _>` is not implemented for fn item `fn(u8) -> impl Future<Output = ()> {plain}`
    //~| put `#[tool]`, `#[resource("…")]` or `#[prompt]` on the async function, or build the item: `Tool::new("name").handler(…)`
    let server = Server::new("a", "1").prompt(good);
    //~^ `fn(u8) -> impl ItemFuture<wharf::Tool> + Future<Output = std::string::String> {good}` can't be registered as a `wharf::Prompt`
    //~| put `#[tool]`, `#[resource("…")]` or `#[prompt]` on the async function, or build the item: `Tool::new("name").handler(…)`
    let server = Server::new("a", "1").tool(5);
    //~^ `{integer}` can't be registered as a `wharf::Tool`
    //~| the trait `IntoItem<wharf::Tool, _>` is not implemented for `{integer}`
    //~| put `#[tool]`, `#[resource("…")]` or `#[prompt]` on the async function, or build the item: `Tool::new("name").handler(…)`
}
