//! `list_directory`: the roots, or one page of a directory.

use serde::Deserialize;
use wharf::{Args, Json, Tool, ToolError};

use super::{deadline, refuse};
use crate::tree::{DirectoryPage, Files, ListRequest};

#[derive(Deserialize, schemars::JsonSchema)]
struct ListDirectory {
    /// Directory such as docs or docs/guides. Without it, the roots are listed.
    #[schemars(length(min = 1, max = 4_096))]
    path: Option<String>,
    /// next_cursor of the page before, with the same path and include_hidden.
    #[schemars(length(min = 1, max = 360))]
    cursor: Option<String>,
    /// Entries to return at most; 100 unless given.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<usize>,
    /// Whether to list names that begin with a dot.
    #[serde(default)]
    include_hidden: bool,
}

/// The tool.
pub(crate) fn tool(files: Files) -> Tool {
    Tool::new("list_directory")
        .title("List directory")
        .description(
            "List a directory with kind, size, time and MIME type of its entries, in the order of their names. Pass \
             next_cursor as cursor for more.",
        )
        .read_only()
        .idempotent()
        .open_world(false)
        .timeout(deadline(&files))
        .handler(move |Args(arguments): Args<ListDirectory>| list(files.clone(), arguments))
}

async fn list(files: Files, arguments: ListDirectory) -> Result<Json<DirectoryPage>, ToolError> {
    let request = ListRequest {
        path: arguments.path,
        cursor: arguments.cursor,
        limit: arguments.limit,
        include_hidden: arguments.include_hidden,
    };
    files.list(request).await.map(Json).map_err(refuse)
}
