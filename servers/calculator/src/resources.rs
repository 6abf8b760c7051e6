//! `greeting://{name}`: a resource to try a client with.

use wharf::{Args, Resource};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Greeting {
    /// Whom to greet.
    #[schemars(length(min = 1, max = 100))]
    name: String,
}

/// The template.
pub(crate) fn greeting() -> Resource {
    Resource::template("greeting://{name}", "greeting")
        .title("Greeting")
        .description("A personal greeting")
        .mime_type("text/plain")
        .handler(|Args(Greeting { name }): Args<Greeting>| async move { format!("Hello, {name}!") })
}
