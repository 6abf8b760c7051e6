//! Tools: every kind of content, progress, log messages, failures, schemas and notifications.

use std::time::Duration;

use serde_json::json;
use wharf::{
    Args, Content, Events, Json, Log, Polling, Progress, ResourceContents, Server, Tool, ToolResult,
};

/// A red pixel.
pub(crate) const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 8,
    0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E',
    b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];
/// Silence: a header and no samples.
const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x44\xac\0\0\x88\x58\x01\0\x02\0\x10\0data\0\0\0\0";
const PAUSE: Duration = Duration::from_millis(50);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct CustomHeader {
    /// Repeated in the header Mcp-Param-Value.
    value: String,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Weather {
    /// Degrees Celsius.
    temperature: f64,
    /// In a word.
    conditions: String,
}

pub(crate) fn register(server: Server) -> Server {
    let server = server
        .tool(
            Tool::new("test_simple_text")
                .description("One block of text")
                .read_only()
                .handler(|| async { "This is a simple text response for testing." }),
        )
        .tool(
            Tool::new("test_image_content")
                .description("One image")
                .handler(|| async { Content::image(PNG, "image/png") }),
        )
        .tool(
            Tool::new("test_audio_content")
                .description("One sound")
                .handler(|| async { Content::audio(WAV, "audio/wav") }),
        )
        .tool(
            Tool::new("test_embedded_resource")
                .description("One resource inside the result")
                .handler(|| async {
                    let text = "This is an embedded resource content.";
                    Content::resource(
                        ResourceContents::text("test://embedded-resource", text)
                            .mime_type("text/plain"),
                    )
                }),
        )
        .tool(
            Tool::new("test_multiple_content_types")
                .description("Text, an image and a resource")
                .handler(|| async {
                    let text = json!({"test": "data", "value": 123}).to_string();
                    let resource = ResourceContents::text("test://mixed-content-resource", text);
                    ToolResult::text("Multiple content types test:")
                        .with(Content::image(PNG, "image/png"))
                        .with(Content::resource(resource.mime_type("application/json")))
                }),
        )
        .tool(
            Tool::new("test_structured_content")
                .description("An object with an output schema")
                .handler(|| async {
                    Json(Weather { temperature: 22.5, conditions: "sunny".into() })
                }),
        )
        .tool(Tool::new("test_error_handling").description("Always fails").handler(|| async {
            ToolResult::failure("This tool intentionally returns an error for testing")
        }));
    notifying(talking(server))
}

/// Tools that say something before their answer.
fn talking(server: Server) -> Server {
    server
        .tool(Tool::new("test_tool_with_progress").description("Reports progress").handler(
            |progress: Progress| async move {
                for done in [0.0, 50.0, 100.0] {
                    progress.report_of(done, 100.0, None).await;
                    tokio::time::sleep(PAUSE).await;
                }
                "Progress completed"
            },
        ))
        .tool(Tool::new("test_tool_with_logging").description("Sends log messages").handler(
            |log: Log| async move {
                log.info("Tool execution started").await;
                tokio::time::sleep(PAUSE).await;
                log.info("Tool processing data").await;
                tokio::time::sleep(PAUSE).await;
                log.info("Tool execution completed").await;
                "Logging completed"
            },
        ))
        .tool(Tool::new("test_logging_tool").description("Sends one log message").handler(
            |log: Log| async move {
                log.info("A message for whoever asked for it").await;
                "Logged"
            },
        ))
        .tool(
            Tool::new("test_reconnection")
                .description("Lets the client go and come back for the answer")
                .handler(|polling: Polling| async move {
                    polling.release().await;
                    tokio::time::sleep(2 * PAUSE).await;
                    "Reconnection test completed successfully"
                }),
        )
}

/// Tools with a schema of their own, and tools that change what clients know.
fn notifying(server: Server) -> Server {
    server
        .tool(
            Tool::new("test_custom_header")
                .description("Repeats a parameter in a header")
                .header_parameter("/value", "Value")
                .handler(|Args(CustomHeader { value }): Args<CustomHeader>| async move { format!("Value: {value}") }),
        )
        .tool(
            Tool::new("json_schema_2020_12_tool")
                .description("Tool with JSON Schema 2020-12 features")
                .input_schema(json!({
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "type": "object",
                    "$defs": {"address": {
                        "$anchor": "addressDef",
                        "type": "object",
                        "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
                    }},
                    "properties": {
                        "name": {"type": "string"},
                        "address": {"$ref": "#/$defs/address"},
                        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
                        "phone": {"type": "string"},
                        "email": {"type": "string"},
                    },
                    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
                    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
                    "then": {"required": ["phone"]},
                    "else": {"required": ["email"]},
                    "additionalProperties": false,
                }))
                .handler(|| async { "The arguments fit the schema" }),
        )
        .tool(Tool::new("test_trigger_tool_change").description("Says that the tools changed").handler(
            |events: Events| async move {
                events.tools_changed();
                "Told"
            },
        ))
        .tool(Tool::new("test_trigger_prompt_change").description("Says that the prompts changed").handler(
            |events: Events| async move {
                events.prompts_changed();
                "Told"
            },
        ))
        .tool(Tool::new("test_trigger_resource_update").description("Says that test://watched-resource changed").handler(
            |events: Events| async move {
                events.resource_updated("test://watched-resource");
                "Told"
            },
        ))
}
