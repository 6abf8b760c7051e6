//! Folders as an MCP server: read-only, and never outside the folders that were named.
//!
//! [`server`] offers `list_directory` and `read_file`, and every file as the resource `file:///{root}/{path}`. A path is the
//! name of a root and names below it; where a root is on the machine, no caller learns. What surrounds a call (validation,
//! deadlines, concurrency) is the runtime's business; what may be opened is decided in [`tree`], which knows no MCP.
//!
//! It refuses to write, to leave a root by whatever way, and to open anything but regular files and directories. A hard link
//! is the file itself, so whoever may create one inside a root can show what they could read anyway.

pub mod error;
pub mod limits;
mod names;
mod readiness;
mod resources;
pub mod settings;
mod tools;
pub mod tree;

use std::sync::Arc;

use wharf::Server;

use crate::{error::FilesError, settings::FilesSettings, tree::Files};

/// The server over these folders, ready to be built. Opens them, so it blocks for a moment.
///
/// # Errors
/// [`FilesError::InvalidArgument`] names the setting that cannot be used, [`FilesError::Unavailable`] the root that cannot be
/// opened.
///
/// ```
/// use wharf_files::settings::{FilesSettings, RootSettings};
///
/// let settings = FilesSettings::new([RootSettings::new("docs", env!("CARGO_MANIFEST_DIR"))]);
/// let server = wharf_files::server(&settings)?;
/// # Ok::<(), wharf_files::error::FilesError>(())
/// ```
pub fn server(settings: &FilesSettings) -> Result<Server, FilesError> {
    let files = Files::open(settings)?;
    Ok(Server::new("files", env!("CARGO_PKG_VERSION"))
        .title("Files")
        .description("Read-only access to named folders")
        .instructions(
            "Paths begin with the name of a root, such as docs/guide.md. Call list_directory without a path to see the roots, \
             then with one to see what is in it, and read_file to read. Nothing can be changed.",
        )
        .tool(tools::list_directory::tool(files.clone()))
        .tool(tools::read_file::tool(files.clone()))
        .resource(resources::file(files.clone()))
        .probe(Arc::new(readiness::RootsProbe(files))))
}
