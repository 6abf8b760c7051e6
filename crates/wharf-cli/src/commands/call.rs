//! `wharf call`: calls a tool. It lists the tools first, to type `key=value` words by the schema and because HTTP repeats some
//! arguments in headers that the schema names. A tool that is not listed is called all the same: the server decides.

use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject, Tool};
use serde_json::{Value, json};

use crate::{
    arguments::{self, Typing},
    cli::CallOptions,
    exit::Exit,
    failure::Failure,
    printer::{self, Printer},
    session::{self, Client},
    target::Target,
};

/// Calls.
///
/// # Errors
/// See [`Failure`]; a tool that fails is no error here but [`Exit::ToolFailed`].
pub(crate) async fn run(options: &CallOptions) -> anyhow::Result<Exit> {
    let client = &options.target.client;
    let (target, words) = Target::split(&options.target.words, &options.target.command)?;
    let Some((name, words)) = words.split_first() else {
        return Err(Failure::usage("which tool? give its name").into());
    };
    let given = Given::new(options.args.as_deref(), words)?;
    let result =
        session::run(&target, client, async |client| call(client, name, &given).await).await?;
    let failed = result.is_error == Some(true);
    if client.json {
        printer::write_json(&json!({"tool": name, "result": result}))?;
    } else {
        printer::write(told(Printer::stdout(), &result).as_bytes())?;
    }
    if failed {
        printer::note(&format!("wharf: {name} reported an error"));
        return Ok(Exit::ToolFailed);
    }
    Ok(Exit::Success)
}

/// The arguments as they were given; words can be typed only when the schema is known.
enum Given<'a> {
    Object(JsonObject),
    Words(&'a [String]),
}

impl<'a> Given<'a> {
    fn new(object: Option<&str>, words: &'a [String]) -> Result<Self, Failure> {
        let Some(object) = object else {
            // Mistakes that need no schema are told before anything is connected.
            if let Some(word) = words.iter().find(|word| !word.contains('=')) {
                return Err(Failure::usage(format!("'{word}' is not key=value")));
            }
            return Ok(Self::Words(words));
        };
        if let Some(word) = words.first() {
            return Err(Failure::usage(format!("--args and '{word}' exclude each other")));
        }
        serde_json::from_str(object)
            .map(Self::Object)
            .map_err(|error| Failure::usage(format!("--args is not a JSON object: {error}")))
    }

    fn typed(&self, tool: Option<&Tool>) -> Result<JsonObject, Failure> {
        let schema =
            tool.map(|tool| Value::Object((*tool.input_schema).clone())).unwrap_or_default();
        match self {
            Self::Object(object) => Ok(object.clone()),
            Self::Words(words) => {
                arguments::parse(words, Typing::Schema(&schema)).map_err(Failure::usage)
            }
        }
    }
}

async fn call(client: &Client, name: &str, given: &Given<'_>) -> Result<CallToolResult, Failure> {
    let tools = client.list_all_tools().await?;
    let tool = tools.iter().find(|tool| tool.name == name);
    let mut params = CallToolRequestParams::new(name.to_owned()).with_arguments(given.typed(tool)?);
    params.meta = session::request_meta(client);
    let result = client.call_tool(params).await.map_err(Failure::from);
    if tool.is_some() {
        return result;
    }
    let near = arguments::near_names(name, tools.iter().map(|tool| tool.name.as_ref()));
    result.map_err(|failure| match near.as_slice() {
        [] => failure.hint("wharf list shows the tools of a server"),
        near => failure.hint(format!("did you mean {}?", near.join(" or "))),
    })
}

fn told(printer: Printer, result: &CallToolResult) -> String {
    let structured = result.structured_content.as_ref();
    let mut text = String::new();
    for block in &result.content {
        // Servers repeat structured content as text for old clients; once is enough.
        let repeats = block.as_text().is_some_and(|block| {
            structured.is_some() && serde_json::from_str(&block.text).ok().as_ref() == structured
        });
        if !repeats {
            text.push_str(&printer.block(block));
        }
    }
    if let Some(value) = structured {
        text.push_str(&printer.json(value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_come_from_one_place() {
        let words = ["a=1".to_owned()];
        assert!(Given::new(Some("{}"), &words).is_err());
        assert!(Given::new(Some("[]"), &[]).is_err());
        assert!(Given::new(None, &["a".to_owned()]).is_err());
        assert!(Given::new(None, &words).is_ok());
    }
}
