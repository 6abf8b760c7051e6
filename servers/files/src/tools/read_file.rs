//! `read_file`: a file, or a part of it.

use serde::Deserialize;
use serde_json::Value;
use wharf::{Args, Content, IntoToolResult, Json, ResourceContents, Tool, ToolError, ToolResult};

use super::{deadline, refuse};
use crate::{
    resources::uri_of,
    tree::{DataKind, FileContents, Files, ReadRequest},
};

#[derive(Deserialize, schemars::JsonSchema)]
struct ReadFile {
    /// File such as docs/guide.md.
    #[schemars(length(min = 1, max = 4_096))]
    path: String,
    /// Byte to begin at: 0, or next_offset of the part before.
    offset: Option<u64>,
    /// Bytes to return at most; 65536 of text unless given.
    #[schemars(range(min = 4, max = 16_777_216))]
    limit: Option<usize>,
    /// Line to begin at, counted from 1. Not together with offset.
    #[schemars(range(min = 1))]
    line: Option<u64>,
    /// Lines to return at most.
    #[schemars(range(min = 1))]
    lines: Option<u64>,
}

/// The tool.
pub(crate) fn tool(files: Files) -> Tool {
    Tool::new("read_file")
        .title("Read file")
        .description(
            "Read a file, by default its first 64 KiB; truncated says whether it goes on, next_offset where. Text comes as \
             text, small images as images, other small files in base64; parts of larger ones with offset and limit.",
        )
        .read_only()
        .idempotent()
        .open_world(false)
        .timeout(deadline(&files))
        .handler(move |Args(arguments): Args<ReadFile>| read(files.clone(), arguments))
}

async fn read(files: Files, arguments: ReadFile) -> Result<Part, ToolError> {
    let request = ReadRequest {
        path: arguments.path,
        offset: arguments.offset,
        limit: arguments.limit,
        line: arguments.line,
        lines: arguments.lines,
    };
    files.read(request).await.map(Part).map_err(refuse)
}

/// What was read, and beside it the bytes of what is no text: as an image, or as a resource.
struct Part(FileContents);

impl IntoToolResult for Part {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        let contents = self.0;
        let result = ToolResult::structured(&contents)?;
        Ok(match contents.kind {
            DataKind::Text => result,
            DataKind::Image => result.with(Content::image(contents.bytes, contents.mime_type)),
            DataKind::Binary => {
                let resource = ResourceContents::blob(uri_of(&contents.path), contents.bytes);
                result.with(Content::resource(resource.mime_type(contents.mime_type)))
            }
        })
    }

    fn output_schema() -> Option<Value> {
        <Json<FileContents> as IntoToolResult>::output_schema()
    }
}
