//! What can go wrong when files are asked for, for two readers.
//!
//! `Display` is the public message: it says what happened and what to do next, and names files only by the paths that
//! callers use, never by where they are on the machine. [`FilesError::detail`] is for the log.

use std::time::Duration;

/// The most characters of a caller's own path that a message repeats.
const MAX_SHOWN_CHARS: usize = 200;

/// A failed request for files. `Display` is safe to show to any caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// The first part of the path is no root.
    #[error("there is no root named {}; begin the path with one of: {}", shown(name), roots.join(", "))]
    UnknownRoot {
        /// The first part of the path.
        name: String,
        /// The roots there are.
        roots: Vec<String>,
    },
    /// Nothing is there.
    #[error("there is nothing at {}; {}", shown(path), suggest(suggestions))]
    NotFound {
        /// The path that was asked for.
        path: String,
        /// Existing paths that are close to it, the closest first.
        suggestions: Vec<String>,
    },
    /// A directory was asked for, and this is none.
    #[error(
        "{} is not a directory; read a file with read_file, list the directory that holds it with list_directory",
        shown(path)
    )]
    NotADirectory {
        /// The path that was asked for.
        path: String,
    },
    /// A file was asked for, and this is a directory.
    #[error("{} is a directory; list it with list_directory", shown(path))]
    IsADirectory {
        /// The path that was asked for.
        path: String,
    },
    /// Neither a regular file nor a directory.
    #[error("{} is {what}, which is never opened; choose a regular file", shown(path))]
    Special {
        /// The path that was asked for.
        path: String,
        /// Such as "a FIFO".
        what: &'static str,
    },
    /// The path leads out of its root.
    #[error(
        "{} leads outside its root, through '..' or a symbolic link; only what is inside a root can be read",
        shown(path)
    )]
    Outside {
        /// The path that was asked for.
        path: String,
    },
    /// The operating system forbids it.
    #[error(
        "the server is not allowed to read {}; ask the operator for access, or choose another file",
        shown(path)
    )]
    Denied {
        /// The path that was asked for.
        path: String,
    },
    /// An argument is wrong.
    #[error("{argument}: {message}")]
    InvalidArgument {
        /// The argument's name.
        argument: String,
        /// The rule it breaks and what would be accepted.
        message: String,
    },
    /// What was asked for is larger than a limit.
    #[error("{what} is more than the limit of {limit}; {advice}")]
    TooLarge {
        /// What was too large, with its size.
        what: String,
        /// The limit, with its unit.
        limit: String,
        /// How to stay under it.
        advice: String,
    },
    /// The work took longer than it may.
    #[error("reading was stopped after {} ms; ask for a smaller part, or try again later", timeout.as_millis())]
    Timeout {
        /// The time that was allowed.
        timeout: Duration,
    },
    /// The caller is gone, or the server is shutting down.
    #[error("the request was cancelled before it finished")]
    Cancelled,
    /// Every thread for files is in use.
    #[error("too many requests for files at once; try again in a moment")]
    Busy,
    /// A root or a file cannot be read now.
    #[error("{what} cannot be read now: {reason}")]
    Unavailable {
        /// Such as `the root "docs"`.
        what: String,
        /// What to look at, without the machine's paths.
        reason: String,
        /// The underlying failure, for the log only.
        detail: String,
    },
    /// A defect of this program.
    #[error("an internal error occurred; the operator's log holds the details")]
    Internal {
        /// What happened, for the log only.
        detail: String,
    },
}

/// The kinds of failure that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller can repair the request.
    InvalidInput,
    /// Reading this is not allowed.
    PermissionDenied,
    /// What is asked for does not exist.
    NotFound,
    /// Time ran out.
    Timeout,
    /// The caller gave up.
    Cancelled,
    /// The files cannot be read now.
    Unavailable,
    /// A defect of this program.
    Internal,
}

impl FilesError {
    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownRoot { .. } | Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Special { .. } | Self::Outside { .. } | Self::Denied { .. } => {
                ErrorKind::PermissionDenied
            }
            Self::NotADirectory { .. }
            | Self::IsADirectory { .. }
            | Self::InvalidArgument { .. }
            | Self::TooLarge { .. } => ErrorKind::InvalidInput,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Busy | Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    /// What only the log may hold: it can name places on the machine.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Unavailable { detail, .. } | Self::Internal { detail } => Some(detail),
            _ => None,
        }
    }

    pub(crate) fn invalid(argument: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidArgument { argument: argument.into(), message: message.into() }
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::Internal { detail: detail.into() }
    }
}

/// A caller's path, quoted, with control characters escaped and cut if it is long.
pub(crate) fn shown(path: &str) -> String {
    match path.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{:?}...", &path[..end]),
        None => format!("{path:?}"),
    }
}

fn suggest(paths: &[String]) -> String {
    if paths.is_empty() {
        return "list the directory with list_directory to see the names".to_owned();
    }
    let quoted: Vec<String> = paths.iter().map(|path| shown(path)).collect();
    format!("did you mean {}?", quoted.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_to_do_next() {
        let check = |error: FilesError, expected: &str| assert_eq!(error.to_string(), expected);
        check(
            FilesError::NotFound {
                path: "docs/red.md".into(),
                suggestions: vec!["docs/read.md".into()],
            },
            "there is nothing at \"docs/red.md\"; did you mean \"docs/read.md\"?",
        );
        check(
            FilesError::UnknownRoot {
                name: "etc".into(),
                roots: vec!["docs".into(), "src".into()],
            },
            "there is no root named \"etc\"; begin the path with one of: docs, src",
        );
    }

    #[test]
    fn a_long_path_is_not_repeated_whole() {
        let path = "ä\n".repeat(100_000);
        let error = FilesError::IsADirectory { path };
        assert!(error.to_string().len() < 1_000 && !error.to_string().contains('\n'));
    }

    #[test]
    fn detail_stays_out_of_the_public_message() {
        let error = FilesError::Unavailable {
            what: "the root \"docs\"".into(),
            reason: "it cannot be opened".into(),
            detail: "/secret/place".into(),
        };
        assert!(!error.to_string().contains("secret"));
        assert_eq!(error.detail(), Some("/secret/place"));
    }
}
