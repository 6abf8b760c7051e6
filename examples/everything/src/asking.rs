//! Tools that ask the person or the model behind the client. Each is written once and serves both eras: a 2026-07-28
//! client gets an `input_required` result, a legacy session a request.

use serde_json::{Value, json};
use wharf::{Answer, Args, Ask, ClientCapability, Form, Server, Tool, ToolError};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Sampling {
    /// The prompt to send to the model
    prompt: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Elicitation {
    /// The message to show the person
    message: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct User {
    /// User's response
    username: String,
    /// User's email address
    email: String,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Color {
    color: String,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Consent {
    ok: bool,
}

pub(crate) fn register(server: Server) -> Server {
    rounds(streams(schemas(legacy(server))))
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

fn prompt_of(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": {"type": "text", "text": text}}], "maxTokens": 100})
}

/// What the person did, in words.
fn told<T: serde::Serialize>(answer: &Answer<T>) -> String {
    match answer {
        Answer::Accepted(content) => format!("action=accept, content={}", json!(content)),
        Answer::Declined => "action=decline".to_owned(),
        _ => "action=cancel".to_owned(),
    }
}

fn legacy(server: Server) -> Server {
    server
        .tool(Tool::new("test_sampling").description("Asks the client's model").handler(
            |ask: Ask, Args(Sampling { prompt }): Args<Sampling>| async move {
                let result = ask.sample("sample", prompt_of(&prompt)).await?;
                let text = result["content"]["text"].as_str().unwrap_or_default();
                Ok::<_, ToolError>(format!("LLM response: {text}"))
            },
        ))
        .tool(Tool::new("test_elicitation").description("Asks the person").handler(
            |ask: Ask, Args(Elicitation { message }): Args<Elicitation>| async move {
                let answer = ask.form::<User>("user", message).await?;
                Ok::<_, ToolError>(format!("User response: {}", told(&answer)))
            },
        ))
}

fn schemas(server: Server) -> Server {
    server
        .tool(Tool::new("test_elicitation_sep1034_defaults").description("Asks with default values").handler(
            |ask: Ask| async move {
                let properties = json!({
                    "name": {"type": "string", "description": "User name", "default": "John Doe"},
                    "age": {"type": "integer", "description": "User age", "default": 30},
                    "score": {"type": "number", "description": "User score", "default": 95.5},
                    "status": {
                        "type": "string",
                        "description": "User status",
                        "enum": ["active", "inactive", "pending"],
                        "default": "active",
                    },
                    "verified": {"type": "boolean", "description": "Verification status", "default": true},
                });
                let answer = ask.form_with("defaults", Form::new("Please review the form", object(properties, &[]))).await?;
                Ok::<_, ToolError>(format!("Elicitation completed: {}", told(&answer)))
            },
        ))
        .tool(Tool::new("test_elicitation_sep1330_enums").description("Asks with every kind of choice").handler(
            |ask: Ask| async move {
                let titled = json!([
                    {"const": "value1", "title": "First Option"},
                    {"const": "value2", "title": "Second Option"},
                    {"const": "value3", "title": "Third Option"},
                ]);
                let options = json!(["option1", "option2", "option3"]);
                let properties = json!({
                    "untitledSingle": {"type": "string", "enum": options},
                    "titledSingle": {"type": "string", "oneOf": titled},
                    "legacyEnum": {
                        "type": "string",
                        "enum": ["opt1", "opt2", "opt3"],
                        "enumNames": ["Option One", "Option Two", "Option Three"],
                    },
                    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
                    "titledMulti": {"type": "array", "items": {"anyOf": titled}},
                });
                let answer = ask.form_with("choices", Form::new("Please choose", object(properties, &[]))).await?;
                Ok::<_, ToolError>(format!("Elicitation completed: {}", told(&answer)))
            },
        ))
}

fn streams(server: Server) -> Server {
    server
        .tool(Tool::new("test_missing_capability").description("Needs the client's model").handler(
            |ask: Ask| async move {
                ask.sample("sample", prompt_of("Say hello")).await?;
                Ok::<_, ToolError>("The model answered")
            },
        ))
        .tool(
            Tool::new("test_streaming_elicitation")
                .description("Asks instead of streaming a request")
                .handler(|ask: Ask| async move {
                    let Name { name } =
                        ask.form("user_name", "What is your name?").await?.accept()?;
                    Ok::<_, ToolError>(format!("Hello, {name}!"))
                }),
        )
}

fn rounds(server: Server) -> Server {
    server
        .tool(
            Tool::new("test_input_required_result_elicitation")
                .description("Asks for a name")
                .handler(|ask: Ask| async move {
                    let Name { name } =
                        ask.form("user_name", "What is your name?").await?.accept()?;
                    Ok::<_, ToolError>(format!("Hello, {name}!"))
                }),
        )
        .tool(
            Tool::new("test_input_required_result_sampling")
                .description("Asks the client's model")
                .handler(|ask: Ask| async move {
                    let result = ask
                        .sample("capital_question", prompt_of("What is the capital of France?"))
                        .await?;
                    let text = result["content"]["text"].as_str().unwrap_or_default();
                    Ok::<_, ToolError>(format!("The model says: {text}"))
                }),
        )
        .tool(
            Tool::new("test_input_required_result_list_roots")
                .description("Asks for the client's roots")
                .handler(|ask: Ask| async move {
                    let result = ask.roots("client_roots").await?;
                    let roots = result["roots"].as_array().map_or(0, Vec::len);
                    Ok::<_, ToolError>(format!("The client has {roots} roots: {}", result["roots"]))
                }),
        )
        .tool(
            Tool::new("test_input_required_result_request_state")
                .description("Carries state")
                .handler(confirmed),
        )
        .tool(
            Tool::new("test_input_required_result_tampered_state")
                .description("Guards its state")
                .handler(confirmed),
        )
        .tool(
            Tool::new("test_input_required_result_multiple_inputs")
                .description("Asks three things")
                .handler(|ask: Ask| async move {
                    let answers = ask
                        .round()
                        .form::<Name>("user_name", "What is your name?")
                        .sample("greeting", prompt_of("Generate a greeting"))
                        .roots("client_roots")
                        .send()
                        .await?;
                    let Name { name } = answers.form("user_name")?.accept()?;
                    Ok::<_, ToolError>(format!("Thank you, {name}: three answers arrived"))
                }),
        )
        .tool(
            Tool::new("test_input_required_result_multi_round").description("Asks twice").handler(
                |ask: Ask| async move {
                    let Name { name } =
                        ask.form("step1", "Step 1: What is your name?").await?.accept()?;
                    let second =
                        ask.form::<Color>("step2", "Step 2: What is your favorite color?").await?;
                    Ok::<_, ToolError>(format!("{name} has answered both: {}", told(&second)))
                },
            ),
        )
        .tool(
            Tool::new("test_input_required_result_capabilities")
                .description("Asks what the client can answer")
                .handler(|ask: Ask| async move {
                    let mut round = ask.round();
                    if ask.supports(ClientCapability::ElicitationForm) {
                        round = round.form::<Name>("user_name", "What is your name?");
                    }
                    if ask.supports(ClientCapability::Sampling) {
                        round = round.sample("greeting", prompt_of("Generate a greeting"));
                    }
                    round.send().await?;
                    Ok::<_, ToolError>("Everything that can be asked was answered")
                }),
        )
}

async fn confirmed(ask: Ask) -> Result<String, ToolError> {
    let answer = ask.form::<Consent>("confirm", "Please confirm").await?;
    Ok(format!("state-ok: {}", told(&answer)))
}
