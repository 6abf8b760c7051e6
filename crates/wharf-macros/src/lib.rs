//! The attributes of Wharf: `#[tool]`, `#[resource]` and `#[prompt]` on plain async functions.
//!
//! They are sugar over the builders and do nothing that these can't do. Use them as `wharf::tool`, `wharf::resource` and
//! `wharf::prompt`.

mod argument;
mod docs;
mod duration;
mod expand;
mod function;
mod options;
mod parameter;
mod template;

use proc_macro::TokenStream;
use syn::{parse::Parser, punctuated::Punctuated};

use crate::{
    expand::{Item, expand, resource_options},
    function::Function,
};

/// Makes an async function a tool: `Server::tool(calculate)` registers it, and it can still be called like any function.
///
/// ```
/// use wharf::{Json, Server, State, ToolError, tool};
///
/// #[derive(Clone)]
/// struct Limits {
///     max_digits: usize,
/// }
///
/// #[derive(serde::Serialize, schemars::JsonSchema)]
/// struct Sum {
///     sum: i64,
/// }
///
/// /// Add two integers.
/// #[tool(read_only, idempotent, open_world = false, timeout = "5s")]
/// async fn add(
///     /// The first summand.
///     #[arg(min = 0)]
///     a: i64,
///     /// The second summand; 1 unless given.
///     #[arg(min = 0, default = 1)]
///     b: i64,
///     State(limits): State<Limits>,
/// ) -> Result<Json<Sum>, ToolError> {
///     let sum = a.checked_add(b).ok_or_else(|| ToolError::invalid_input("the sum is too large"))?;
///     if sum.to_string().len() > limits.max_digits {
///         return Err(ToolError::invalid_input("the sum has too many digits"));
///     }
///     Ok(Json(Sum { sum }))
/// }
///
/// let server = Server::new("sums", "1.0.0").state(Limits { max_digits: 3 }).tool(add).build()?;
///
/// // A test needs no server:
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let limits = State(Limits { max_digits: 3 });
/// assert_eq!(add(1, 2, limits.clone()).await.unwrap().0.sum, 3);
/// assert!(add(999, 1, limits).await.is_err());
/// # });
/// # Ok::<(), wharf::BuildError>(())
/// ```
///
/// # The function
///
/// It is async, free (outside of `impl`), not generic, and its future is `Send`. Its result is whatever implements
/// `IntoToolResult`: text, `Json<T>`, `Content`, `ToolResult`, `()`, or a `Result` of these. What was written stays as it
/// was; the function that others see has the same parameters and gives back a future that also knows the tool. A doc comment
/// is the tool's description, up to its first heading; wrapped lines are joined.
///
/// `Tool::of(add)` is the tool itself; what is known only at run time is said with `Tool::configure`.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `name = "…"` | the tool's name; the function's unless given |
/// | `title = "…"` | the name for people |
/// | `description = "…"` | in place of the doc comment |
/// | `read_only` | hint: changes nothing |
/// | `destructive`, `destructive = false` | hint: whether it may destroy something |
/// | `idempotent` | hint: calling it again changes nothing more |
/// | `open_world`, `open_world = false` | hint: whether it reaches systems that others change |
/// | `scopes("issues:write", …)` | what its caller must have been granted, besides the tool itself |
/// | `idempotent_by = "request_key"` | calls with the same value of this argument are one call |
/// | `cache = "60s"`, `cache(public = "60s")` | keeps results and gives them again, to the same caller or to everyone; or a `CachePolicy` |
/// | `timeout = "30s"` | longest time of one call: `ms`, `s`, `m`, `h`, or an expression of type `Duration` |
/// | `input_schema = …`, `output_schema = …` | a JSON value in place of the derived schema |
/// | `icon = …` | an `Icon`; may be repeated |
/// | `meta = …` | a `Meta` for the client |
///
/// Values are expressions: a constant does as well as a literal.
///
/// # Parameters
///
/// What the call provides is recognized by the name of its type: `Args`, `Ask`, `Caller`, `Cancel`, `ClientInfo`, `Events`,
/// `Handle`, `Log`, `Meta`, `Polling`, `Progress`, `RequestId`, `State` and `Uri`. An extractor of your own (`wharf::FromCall`) is
/// marked `#[extract]`. Everything else is an argument that clients send by its name; a type that is called like an
/// extractor and is an argument is marked `#[arg]`.
///
/// An argument is of any type that implements `serde::Deserialize` and `schemars::JsonSchema`; an `Option` may be left out;
/// an enum lists what it accepts. Its doc comment is its description. `#[arg(…)]` says more, and every constraint is both told
/// to clients and checked before the function runs:
///
/// | option | meaning |
/// |---|---|
/// | `default`, `default = …` | may be left out: the type's default, or this value; a text literal suits a `String` |
/// | `min_length = 1`, `max_length = 100` | characters of text |
/// | `pattern = "^[a-z]+$"` | a regular expression that the text must match somewhere |
/// | `min_items = 1`, `max_items = 100` | items of a list |
/// | `min = 1`, `max = 100`, `range = 1..=100` | bounds of a number; `0..10` leaves 10 out |
/// | `rename = "type"` | the name on the wire; the parameter's unless given |
/// | `title = "…"` | the name for people |
/// | `example = …` | a value that is accepted |
/// | `header = "Region"` | gateways may route by it: clients repeat it in `Mcp-Param-Region` |
///
/// `#[serde(…)]` and `#[schemars(…)]` on an argument reach the field that is made of it. Instead of single arguments, one
/// `Args<T>` takes them all as a type of yours. There are at most 16 parameters, and at most 8 where all arguments count as
/// one.
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    attribute_macro(item, || Ok((Item::Tool, Punctuated::parse_terminated.parse(attribute)?)))
}

/// Makes an async function a resource, or a family of them behind a URI template: `Server::resource(greeting)` registers it.
///
/// ```
/// use wharf::{Json, Server, ToolError, resource};
///
/// /// A personal greeting.
/// #[resource("greeting://{name}", title = "Greeting", mime_type = "text/plain", cache = "60s")]
/// async fn greeting(
///     /// Whom to greet.
///     #[arg(min_length = 1, max_length = 100, complete = names)]
///     name: String,
/// ) -> String {
///     format!("Hello, {name}!")
/// }
///
/// async fn names() -> Vec<&'static str> {
///     vec!["Ada", "Grace"]
/// }
///
/// /// The settings in force.
/// #[resource("config://app")]
/// async fn config() -> Result<Json<serde_json::Value>, ToolError> {
///     Ok(Json(serde_json::json!({"debug": false})))
/// }
///
/// let server = Server::new("house", "1.0.0").resource(greeting).resource(config).build()?;
/// # Ok::<(), wharf::BuildError>(())
/// ```
///
/// A URI with `{` is a template (RFC 6570, levels 1 to 3), and the function's arguments are its variables: each variable has
/// a parameter of its name, and each argument is a variable. `Uri` is the whole address. A variable's value is percent-decoded
/// and may hold any character: it is foreign input. The function, its parameters and its doc comment are as for
/// [`tool`](macro@tool); its result implements `IntoResource`: text, bytes, `Json<T>`, `ResourceContents`, or a `Result` of
/// these. `Resource::of(greeting)` is the resource itself.
///
/// # Options, after the URI
///
/// | option | meaning |
/// |---|---|
/// | `name = "…"` | the name for programs; the function's unless given |
/// | `title = "…"` | the name for people |
/// | `description = "…"` | in place of the doc comment |
/// | `mime_type = "text/plain"` | of the contents |
/// | `size_bytes = 42` | of the contents; not for templates |
/// | `cache = "60s"`, `cache(public = "60s")` | how long a client may keep it: for its caller only, or for everyone; or a `CacheHint` |
/// | `annotations = …` | `Annotations` for the client |
/// | `scopes("notes:read", …)` | what its reader must have been granted |
/// | `timeout = "30s"` | longest time of one read |
/// | `icon = …`, `meta = …` | as for a tool |
///
/// `#[arg(complete = function)]` on a variable suggests values: the function takes a `CompletionQuery`, or any extractor.
/// `#[arg(header = …)]` is for tools only.
#[proc_macro_attribute]
pub fn resource(attribute: TokenStream, item: TokenStream) -> TokenStream {
    attribute_macro(item, || {
        let (uri, options) = resource_options.parse(attribute)?;
        Ok((Item::Resource(uri), options))
    })
}

/// Makes an async function a prompt: `Server::prompt(review)` registers it.
///
/// ```
/// use wharf::{PromptMessage, Server, prompt};
///
/// /// Review a change.
/// #[prompt(title = "Review")]
/// async fn review(
///     /// The change as a unified diff.
///     #[arg(min_length = 1)]
///     diff: String,
///     /// How many remarks at most.
///     #[arg(range = 1..=20, default = 5)]
///     remarks: u8,
/// ) -> Vec<PromptMessage> {
///     vec![
///         PromptMessage::user(format!("Review this change with at most {remarks} remarks.")),
///         PromptMessage::user(diff),
///     ]
/// }
///
/// let server = Server::new("reviews", "1.0.0").prompt(review).build()?;
/// # Ok::<(), wharf::BuildError>(())
/// ```
///
/// On the wire a prompt's arguments are strings; they become numbers and booleans where the parameters are such. The
/// function, its parameters and its doc comment are as for [`tool`](macro@tool); its result implements `IntoPrompt`: text
/// (one message of the person), `PromptMessage`, a `Vec` of them, or a `Result` of these. `Prompt::of(review)` is the prompt
/// itself.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `name = "…"` | the prompt's name; the function's unless given |
/// | `title = "…"` | the name for people |
/// | `description = "…"` | in place of the doc comment |
/// | `scopes("notes:read", …)` | what its user must have been granted |
/// | `timeout = "30s"` | longest time that it may take |
/// | `icon = …`, `meta = …` | as for a tool |
///
/// `#[arg(complete = function)]` on an argument suggests values: the function takes a `CompletionQuery`, or any extractor.
/// `#[arg(header = …)]` is for tools only.
#[proc_macro_attribute]
pub fn prompt(attribute: TokenStream, item: TokenStream) -> TokenStream {
    attribute_macro(item, || Ok((Item::Prompt, Punctuated::parse_terminated.parse(attribute)?)))
}

fn attribute_macro(
    item: TokenStream,
    attribute: impl FnOnce() -> syn::Result<(Item, options::WrittenList)>,
) -> TokenStream {
    let expanded = syn::parse::<Function>(item).and_then(|function| {
        let (item, options) = attribute()?;
        expand(&item, &options, &function)
    });
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}
