//! Functions that can't serve a call, and parameters that nothing can be put into.

use wharf::{Args, Caller, Meta, prompt, resource, tool};

#[tool]
fn not_async(a: u8) -> String {}
//~^ a handler is async: write `async fn not_async`

struct Clock;

impl Clock {
    #[tool]
    async fn method(&self, a: u8) {}
    //~^ a handler is a free function, outside of `impl`: take what it shares with others as `State<T>`, and give it with `Server::state`
}

#[tool]
async fn generic<T>(a: T) {}
//~^ a handler can't be generic: clients see one schema; name the types, or build one item for each with `Tool::new`

#[tool]
async fn lifetimes<'a>(a: &'a str) {}
//~^ a handler can't be generic: clients see one schema; name the types, or build one item for each with `Tool::new`
//~| a handler owns its parameters, since it may outlive the message: take `String`

#[tool]
async unsafe fn careless(a: u8) {}
//~^ a handler can't be `unsafe`: clients call it with whatever they like

#[tool]
async fn opaque() -> impl Send {}
//~^ name the result's type: a tool's output schema comes from it

#[tool]
async fn any_text(text: impl Into<String>) {}
//~^ name the parameter's type: its schema is what clients are told, and `impl Trait` has none

#[tool]
async fn borrowed(text: &str, list: &[u8]) {}
//~^ a handler owns its parameters, since it may outlive the message: take `String`
//~| a handler owns its parameters, since it may outlive the message: take `Vec<…>`

#[tool]
async fn unnamed((a, b): (u8, u8)) {}
//~^ an argument needs a name, since clients send it by name: write `name: Type`; a parameter that comes from the call itself is marked `#[extract]`

#[tool]
async fn twice(a: Args<u8>, b: Args<u8>) {}
//~^ the arguments can be taken only once; put both into one type

#[tool]
async fn mixed(a: Args<u8>, b: u8) {}
//~^ `Args` takes all arguments: make this a field of its type, or mark it `#[extract]` if it comes from the call itself

#[tool]
async fn described(
    /// Who calls.
    //~^ only an argument has a description; this is taken from the call itself
    caller: Caller,
) {
}

#[tool]
async fn both(#[arg] #[extract] a: u8) {}
//~^ a parameter is either an argument or an extractor

#[tool]
async fn sometimes(#[cfg(unix)] a: u8) {}
//~^ a parameter that is sometimes there can't be described; put `#[cfg]` on the whole function

#[tool]
#[rustfmt::skip]
async fn wide(
    a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8,
    q: u8,
    //~^ more than 16 parameters; make the arguments a type and take it as `Args<T>`
) {
}

#[tool]
#[rustfmt::skip]
async fn takes(
    a: Meta, b: Meta, c: Meta, d: Meta, e: Meta, f: Meta, g: Meta, h: Meta,
    i: Meta,
    //~^ more than 8 extractors, where all arguments count as one; put some into an extractor of your own (`wharf::FromCall`)
) {
}

#[tool]
struct NotAFunction;
//~^ this attribute belongs on an `async fn`

#[prompt]
static WORDS: &str = "words";
//~^ this attribute belongs on an `async fn`

#[resource("greeting://{name}")]
//~^ no parameter takes the variable `name`
async fn typo(nmae: String) {}
//~^ the template has no variable `nmae`; it has name

#[resource("greeting://{name}{?times}")]
//~^ no parameter takes the variable `times`
async fn forgotten(name: String) -> String {
    name
}

#[resource("config://app")]
async fn fixed(name: String) -> String {
//~^ the URI has no variables: write `{name}` where `name` stands in it
    name
}

fn main() {}
