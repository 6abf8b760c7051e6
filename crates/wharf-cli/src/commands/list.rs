//! `wharf list`: what a server offers. Without a kind it lists all that the server says it has, and asks for nothing else, because
//! a server without prompts may answer a question about them with an error.

use rmcp::model::{Prompt, Resource, ResourceTemplate, Tool};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    cli::TargetOptions,
    exit::Exit,
    failure::Failure,
    printer::{self, Printer},
    session::{self, Client},
    target::Target,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tools,
    Resources,
    Templates,
    Prompts,
}

/// The answer to `wharf list --json`; only what was asked for is there.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Listing {
    protocol_version: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    server: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Vec<Tool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Vec<Resource>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_templates: Option<Vec<ResourceTemplate>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompts: Option<Vec<Prompt>>,
}

/// Lists.
///
/// # Errors
/// See [`Failure`].
pub(crate) async fn run(options: &TargetOptions) -> anyhow::Result<Exit> {
    let (target, words) = Target::split(&options.words, &options.command)?;
    let kind = match words.as_slice() {
        [] => None,
        [word] => Some(kind(word)?),
        [_, extra, ..] => return Err(Failure::usage(format!("unexpected '{extra}'")).into()),
    };
    let listing =
        session::run(&target, &options.client, async |client| list(client, kind).await).await?;
    if options.client.json {
        printer::write_json(&json!(listing))?;
    } else {
        printer::write(told(Printer::stdout(), &listing).as_bytes())?;
    }
    Ok(Exit::Success)
}

fn kind(word: &str) -> Result<Kind, Failure> {
    match word {
        "tools" => Ok(Kind::Tools),
        "resources" => Ok(Kind::Resources),
        "templates" => Ok(Kind::Templates),
        "prompts" => Ok(Kind::Prompts),
        _ => Err(Failure::usage(format!(
            "'{word}' cannot be listed; choose tools, resources, templates or prompts"
        ))),
    }
}

async fn list(client: &Client, kind: Option<Kind>) -> Result<Listing, Failure> {
    let mut listing = Listing::default();
    let Some(info) = session::server_info(client) else {
        return Ok(listing);
    };
    listing.protocol_version = info.protocol_version.to_string();
    listing.server = json!(info.server_info);
    let has = &info.capabilities;
    let wanted = |one: Kind, has: bool| kind.map_or(has, |kind| kind == one);
    if wanted(Kind::Tools, has.tools.is_some()) {
        listing.tools = Some(client.list_all_tools().await?);
    }
    if wanted(Kind::Resources, has.resources.is_some()) {
        listing.resources = Some(client.list_all_resources().await?);
    }
    if wanted(Kind::Templates, has.resources.is_some()) {
        listing.resource_templates = Some(client.list_all_resource_templates().await?);
    }
    if wanted(Kind::Prompts, has.prompts.is_some()) {
        listing.prompts = Some(client.list_all_prompts().await?);
    }
    Ok(listing)
}

fn told(printer: Printer, listing: &Listing) -> String {
    let mut text = String::new();
    let mut section = |name: &str, rows: Vec<Vec<String>>| {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&printer.heading(&format!("{name} ({})", rows.len())));
        text.push('\n');
        text.push_str(&printer.table(&rows));
    };
    if let Some(tools) = &listing.tools {
        section("Tools", tools.iter().map(tool_row).collect());
    }
    if let Some(resources) = &listing.resources {
        let row = |one: &Resource| vec![one.uri.clone(), described(&one.description, &one.name)];
        section("Resources", resources.iter().map(row).collect());
    }
    if let Some(templates) = &listing.resource_templates {
        let row = |one: &ResourceTemplate| {
            vec![one.uri_template.clone(), described(&one.description, &one.name)]
        };
        section("Resource templates", templates.iter().map(row).collect());
    }
    if let Some(prompts) = &listing.prompts {
        section("Prompts", prompts.iter().map(prompt_row).collect());
    }
    text
}

/// `add a:integer [b:integer]`, as it would be typed, then what it does.
fn tool_row(tool: &Tool) -> Vec<String> {
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
    let properties = tool.input_schema.get("properties").and_then(Value::as_object);
    let arguments = properties.into_iter().flatten().map(|(name, schema)| {
        let kind = schema.get("type").and_then(Value::as_str).map(|kind| format!(":{kind}"));
        argument(&format!("{name}{}", kind.unwrap_or_default()), is_required(name))
    });
    vec![words(&tool.name, arguments), described(&tool.description, "")]
}

fn prompt_row(prompt: &Prompt) -> Vec<String> {
    let arguments = prompt.arguments.iter().flatten();
    let arguments = arguments.map(|one| argument(&one.name, one.required.unwrap_or_default()));
    vec![words(&prompt.name, arguments), described(&prompt.description, "")]
}

fn argument(text: &str, required: bool) -> String {
    if required { text.to_owned() } else { format!("[{text}]") }
}

fn words(name: &str, arguments: impl Iterator<Item = String>) -> String {
    std::iter::once(name.to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn described(description: &Option<impl AsRef<str>>, otherwise: &str) -> String {
    description.as_ref().map_or(otherwise, AsRef::as_ref).to_owned()
}
