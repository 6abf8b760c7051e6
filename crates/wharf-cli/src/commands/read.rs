//! `wharf read`: reads a resource. One binary part goes to a pipe as it is, so `wharf read … > logo.png` works; a terminal gets a
//! description of it instead.

use base64::{Engine, prelude::BASE64_STANDARD};
use rmcp::model::{ReadResourceRequestParams, ReadResourceResult, ResourceContents};
use serde_json::json;

use crate::{
    cli::TargetOptions,
    exit::Exit,
    failure::Failure,
    printer::{self, Printer},
    session,
    target::Target,
};

/// Reads.
///
/// # Errors
/// See [`Failure`].
pub(crate) async fn run(options: &TargetOptions) -> anyhow::Result<Exit> {
    let (target, words) = Target::split(&options.words, &options.command)?;
    let uri = match words.as_slice() {
        [uri] => uri,
        [] => return Err(Failure::usage("which resource? give its URI").into()),
        [_, extra, ..] => return Err(Failure::usage(format!("unexpected '{extra}'")).into()),
    };
    let result = session::run(&target, &options.client, async |client| {
        let mut params = ReadResourceRequestParams::new(uri.as_str());
        params.meta = session::request_meta(client);
        client.read_resource(params).await.map_err(Failure::from)
    })
    .await?;
    if options.client.json {
        printer::write_json(&json!({"uri": uri, "result": result}))?;
    } else {
        printer::write(&told(Printer::stdout(), &result)?)?;
    }
    Ok(Exit::Success)
}

fn told(printer: Printer, result: &ReadResourceResult) -> Result<Vec<u8>, Failure> {
    match result.contents.as_slice() {
        [ResourceContents::TextResourceContents { text, .. }] => {
            let text = printer.safe(text);
            Ok(if printer.is_terminal() { printer::ended(&text) } else { text.into_owned() }
                .into_bytes())
        }
        [ResourceContents::BlobResourceContents { blob, .. }] if !printer.is_terminal() => {
            BASE64_STANDARD.decode(blob).map_err(|error| {
                Failure::new(Exit::Protocol, format!("the resource is not base64: {error}"))
            })
        }
        parts => Ok(parts
            .iter()
            .map(|part| printer::ended(&printer.safe(&printer::resource(part))))
            .collect::<String>()
            .into_bytes()),
    }
}
