//! Prompts: plain, with arguments and completion, with a resource, with an image, and one that asks first.

use wharf::{
    Args, Ask, CompletionQuery, Content, Prompt, PromptMessage, ResourceContents, Server, ToolError,
};

use crate::tools::PNG;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Two {
    /// First test argument
    arg1: String,
    /// Second test argument
    arg2: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Embedded {
    /// URI of the resource to embed
    resource_uri: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Context {
    context: String,
}

pub(crate) fn register(server: Server) -> Server {
    server
        .prompt(
            Prompt::new("test_simple_prompt")
                .description("One message")
                .handler(|| async { "This is a simple prompt for testing." }),
        )
        .prompt(
            Prompt::new("test_prompt_with_arguments")
                .description("A message with two arguments")
                .complete("arg1", |query: CompletionQuery| async move {
                    let known = ["paris", "park", "party", "north"];
                    known
                        .into_iter()
                        .filter(|word| word.starts_with(&query.value))
                        .collect::<Vec<_>>()
                })
                .handler(|Args(Two { arg1, arg2 }): Args<Two>| async move {
                    format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")
                }),
        )
        .prompt(
            Prompt::new("test_prompt_with_embedded_resource")
                .description("A message with a resource inside")
                .handler(|Args(Embedded { resource_uri }): Args<Embedded>| async move {
                    let text = "Embedded resource content for testing.";
                    let resource =
                        ResourceContents::text(resource_uri, text).mime_type("text/plain");
                    vec![
                        PromptMessage::user(Content::resource(resource)),
                        PromptMessage::user("Please process the embedded resource above."),
                    ]
                }),
        )
        .prompt(
            Prompt::new("test_prompt_with_image").description("A message with an image").handler(
                || async {
                    vec![
                        PromptMessage::user(Content::image(PNG, "image/png")),
                        PromptMessage::user("Please analyze the image above."),
                    ]
                },
            ),
        )
        .prompt(
            Prompt::new("test_input_required_result_prompt")
                .description("Asks before it answers")
                .handler(|ask: Ask| async move {
                    let question = "What context should the prompt use?";
                    let Context { context } = ask.form("user_context", question).await?.accept()?;
                    Ok::<_, ToolError>(format!("Work in this context: {context}"))
                }),
        )
}
