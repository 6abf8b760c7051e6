//! `file:///{root}/{path}`: every file as a resource.
//!
//! The first part of the path is a root's name, not a place on the machine. A resource is read whole or not at all: the
//! protocol has no way to say that contents are a part, so a large file is refused with the tool that reads parts.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use wharf::{Args, CompletionQuery, Resource, ResourceContents, ToolError, Uri};

use crate::{
    tools::{deadline, refuse},
    tree::Files,
};

/// What may not stand for itself in the path of a URI (RFC 3986 section 3.3). `/` separates names, so it stays.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[derive(Deserialize, schemars::JsonSchema)]
struct Variables {
    path: String,
}

/// The template, with completion of paths.
pub(crate) fn file(files: Files) -> Resource {
    let completing = files.clone();
    Resource::template("file:///{+path}", "file")
        .title("File")
        .description(
            "A file by its path: the name of a root, then names, such as file:///docs/guide.md.",
        )
        .timeout(deadline(&files))
        .complete("path", move |query: CompletionQuery| complete(completing.clone(), query))
        .handler(move |uri: Uri, Args(variables): Args<Variables>| {
            read(files.clone(), uri, variables)
        })
}

/// The URI of the file at `path`.
pub(crate) fn uri_of(path: &str) -> String {
    format!("file:///{}", utf8_percent_encode(path, NOT_IN_PATH))
}

async fn read(files: Files, uri: Uri, variables: Variables) -> Result<ResourceContents, ToolError> {
    let contents = files.read_whole(&variables.path).await.map_err(refuse)?;
    let resource = match contents.text {
        Some(text) => ResourceContents::text(&*uri, text),
        None => ResourceContents::blob(&*uri, contents.bytes),
    };
    Ok(resource.mime_type(contents.mime_type))
}

/// Nothing is suggested for what cannot be: whoever is still typing needs no error.
async fn complete(files: Files, query: CompletionQuery) -> Vec<String> {
    files.complete(&query.value).await.unwrap_or_default()
}
