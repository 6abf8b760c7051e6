//! Options that there are not, and values that they can't have.

use wharf::{prompt, resource, tool};

#[tool(readonly)]
//~^ there is no option `readonly`; did you mean `read_only`?
async fn near() {}

#[tool(colour = "red")]
//~^ there is no option `colour`; there are name, title, description, read_only, destructive, idempotent, open_world, scopes, idempotent_by, cache, timeout, input_schema, output_schema, icon, meta
async fn far() {}

#[tool(title = "A", title = "B")]
//~^ `title` is given twice
async fn again() {}

#[tool(title)]
//~^ write `title = "text"`
async fn bare() {}

#[tool(read_only = "yes", destructive(true))]
//~^ write `read_only`, or `read_only = false`
//~| write `destructive`, or `destructive = false`
async fn flags() {}

#[tool(timeout = "30 seconds")]
//~^ expected one whole number and a unit, such as "30s"; units: ms, s, m, h
async fn words() {}

#[tool(timeout = "0s")]
//~^ nothing can happen in no time; give at least "1ms"
async fn never() {}

#[tool(timeout = 30)]
//~^ expected one whole number and a unit, such as "30s"; units: ms, s, m, h
async fn number() {}

#[tool(idempotent_by = "kye")]
//~^ no argument is called `kye`
async fn keyed(key: String) {}

#[tool(scopes = "a:b")]
//~^ write `scopes("text", …)`
async fn scoped() {}

#[tool("name")]
//~^ expected an option, such as `name = value`
async fn literal() {}

#[resource]
//~^ the URI comes first: `#[resource("config://app")]`, or a template such as "greeting://{name}"
async fn nowhere() {}

#[resource(name = "a")]
//~^ the URI comes first: `#[resource("config://app")]`, or a template such as "greeting://{name}"
async fn unlocated() {}

#[resource("a://b", cache(everyone = "60s"))]
//~^ there is no option `everyone`; there are public, private
async fn cached() {}

#[resource("a://b", cache = "soon")]
//~^ expected one whole number and a unit, such as "30s"; units: ms, s, m, h
async fn soon() {}

#[prompt(read_only)]
//~^ there is no option `read_only`; there are name, title, description, scopes, timeout, icon, meta
async fn prompt_hint() {}

#[tool]
async fn arguments(
    #[arg(min_lenght = 1)] a: String,
    //~^ there is no option `min_lenght`; did you mean `min_length`?
    #[arg(min_length = 1)] b: u8,
    //~^ `min_length` does not bound this type: a number has `min`, `max` and `range`
    #[arg(max = 5)] c: Option<String>,
    //~^ `max` does not bound this type: text has `min_length`, `max_length` and `pattern`
    #[arg(max_length = 5)] d: Vec<String>,
    //~^ `max_length` does not bound this type: a list has `min_items` and `max_items`
    #[arg(min = 0)] e: bool,
    //~^ `min` does not bound this type: a boolean has no bounds
    #[arg(min = 5, max = 4)] f: u8,
    //~^ nothing fits: the upper bound is below the lower
    #[arg(range = 1..=9, max = 9)] g: u8,
    //~^ `range` says this already
    #[arg(range = ..)] h: u8,
    //~^ this range holds everything; give it an end
    #[arg(range = 9)] i: u8,
    //~^ write a range, such as `1..=100`
    #[arg(rename = NAME)] j: u8,
    //~^ write the name as a literal
    #[arg(complete = names)] k: String,
    //~^ the protocol completes arguments of prompts and resource templates only
    #[arg(pattern)] l: String,
    //~^ write `pattern = "^[a-z]+$"`
    #[arg(min = 1)]
    #[arg(min = 2)]
    //~^ `min` is given twice
    m: u8,
) {
}

#[prompt]
async fn header(#[arg(header = "Region")] region: String) {}
//~^ only a tool's arguments are repeated in headers

fn main() {}
