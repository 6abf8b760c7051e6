//! `wharf prompt`: gets a prompt with its arguments filled in.

use rmcp::model::{GetPromptRequestParams, GetPromptResult};
use serde_json::json;

use crate::{
    arguments::{self, Typing},
    cli::TargetOptions,
    exit::Exit,
    failure::Failure,
    printer::{self, Printer},
    session,
    target::Target,
};

/// Gets a prompt.
///
/// # Errors
/// See [`Failure`].
pub(crate) async fn run(options: &TargetOptions) -> anyhow::Result<Exit> {
    let (target, words) = Target::split(&options.words, &options.command)?;
    let Some((name, words)) = words.split_first() else {
        return Err(Failure::usage("which prompt? give its name").into());
    };
    let arguments = arguments::parse(words, Typing::Text).map_err(Failure::usage)?;
    let result = session::run(&target, &options.client, async |client| {
        let mut params = GetPromptRequestParams::new(name.as_str()).with_arguments(arguments);
        params.meta = session::request_meta(client);
        client.get_prompt(params).await.map_err(Failure::from)
    })
    .await?;
    if options.client.json {
        printer::write_json(&json!({"prompt": name, "result": result}))?;
    } else {
        printer::write(told(Printer::stdout(), &result).as_bytes())?;
    }
    Ok(Exit::Success)
}

fn told(printer: Printer, result: &GetPromptResult) -> String {
    let mut text = String::new();
    for message in &result.messages {
        let role = format!("{:?}:", message.role).to_lowercase();
        text.push_str(&format!("{}\n{}", printer.heading(&role), printer.block(&message.content)));
    }
    text
}
