//! `greeting://{name}`: a resource to try a client with.

use wharf::resource;

/// A personal greeting
#[resource("greeting://{name}", title = "Greeting", mime_type = "text/plain")]
pub(crate) async fn greeting(
    /// Whom to greet.
    #[arg(min_length = 1, max_length = 100)]
    name: String,
) -> String {
    format!("Hello, {name}!")
}
