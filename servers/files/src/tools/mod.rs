//! The server's tools, one per file, and how failures with files become theirs.

pub(crate) mod list_directory;
pub(crate) mod read_file;

use std::time::Duration;

use wharf::{ErrorKind, ToolError};

use crate::{
    error::{ErrorKind as FilesErrorKind, FilesError},
    tree::Files,
};

/// What a call may take: the longest work and the wait for a thread. The work ends itself before, so the caller learns which
/// of its bounds was met.
pub(crate) fn deadline(files: &Files) -> Duration {
    const SLACK: Duration = Duration::from_secs(1);
    files.limits().timeout + files.limits().acquire_timeout + SLACK
}

/// The public message is the error's own; what names places on the machine goes to the log.
pub(crate) fn refuse(error: FilesError) -> ToolError {
    let kind = match error.kind() {
        FilesErrorKind::InvalidInput => ErrorKind::InvalidInput,
        FilesErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        FilesErrorKind::NotFound => ErrorKind::ResourceNotFound,
        FilesErrorKind::Timeout => ErrorKind::Timeout,
        FilesErrorKind::Cancelled => ErrorKind::Cancelled,
        FilesErrorKind::Unavailable => ErrorKind::ServiceUnavailable,
        FilesErrorKind::Internal => ErrorKind::Internal,
    };
    let failure = ToolError::new(kind, error.to_string());
    match error.detail() {
        Some(detail) => failure.source(detail.to_owned()),
        None => failure,
    }
}
