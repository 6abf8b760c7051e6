//! Resources: text, bytes, a template with completion, and one to watch.

use serde_json::json;
use wharf::{Args, CompletionQuery, Json, Resource, Server};

use crate::tools::PNG;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Item {
    id: String,
}

pub(crate) fn register(server: Server) -> Server {
    server
        .resource(
            Resource::new("test://static-text", "static-text")
                .description("A text that never changes")
                .mime_type("text/plain")
                .handler(|| async { "This is the content of the static text resource." }),
        )
        .resource(
            Resource::new("test://static-binary", "static-binary")
                .description("An image that never changes")
                .mime_type("image/png")
                .handler(|| async { PNG.to_vec() }),
        )
        .resource(
            Resource::new("test://watched-resource", "watched-resource")
                .description("A resource to subscribe to")
                .mime_type("text/plain")
                .handler(|| async { "Watch me" }),
        )
        .resource(
            Resource::template("test://template/{id}/data", "template")
                .description("Data by id")
                .mime_type("application/json")
                .complete("id", |query: CompletionQuery| async move {
                    let matches = |id: &String| id.starts_with(&query.value);
                    (100..200).map(|id| id.to_string()).filter(matches).collect::<Vec<_>>()
                })
                .handler(|Args(Item { id }): Args<Item>| async move {
                    Json(json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")}))
                }),
        )
}
