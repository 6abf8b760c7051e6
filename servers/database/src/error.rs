//! What can go wrong when a database is asked, for two readers.
//!
//! `Display` is the public message: it says what happened and what to do next, and never
//! holds a file path, a credential or a row. [`DatabaseError::detail`] is for the log.

use std::borrow::Cow;
use std::time::Duration;

use crate::names::TableName;
use crate::write::Touched;

/// The advice of a refusal where nothing but reading is allowed. [`DatabaseError::in_a_change`] has another one.
pub(crate) const ONLY_READ: &str = "send a statement that only reads";

/// A failed request to a database. `Display` is safe to show to any caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The statement would do something other than read.
    #[error("only reading is allowed: {what} was refused; {advice}")]
    Refused {
        /// What was refused, such as "DELETE on table users".
        what: String,
        /// What the caller can do instead.
        advice: String,
    },
    /// A statement that changes something would do something other than change rows in the way that is allowed.
    #[error("only single changes of rows are allowed: {what} was refused; {advice}")]
    ChangeRefused {
        /// What was refused, such as "DROP TABLE users".
        what: String,
        /// What the caller can do instead.
        advice: String,
    },
    /// The database did not understand the statement.
    #[error("the SQL was not understood: {message}; correct the statement and send it again")]
    Syntax {
        /// The database's own words.
        message: String,
        /// Byte offset of the offending token in the statement, where known.
        offset: Option<usize>,
    },
    /// The statement names a table or view that is not there.
    #[error("the SQL was not understood: {message}; {}", suggest(suggestions))]
    NoSuchTable {
        /// The database's own words.
        message: String,
        /// Byte offset of the name in the statement, where known.
        offset: Option<usize>,
        /// The name.
        name: TableName,
        /// Existing names that are close to it, the closest first; nobody has looked for them where it is empty.
        suggestions: Vec<String>,
    },
    /// The statement was understood but failed while running, such as on an overflow.
    #[error("the statement failed while running: {message}; change the statement")]
    Failed {
        /// The database's own words.
        message: String,
    },
    /// No table or view has this name.
    #[error("there is no table or view named {name:?}; {}", suggest(suggestions))]
    UnknownTable {
        /// The name that was asked for.
        name: String,
        /// Existing names that are close to it, the closest first.
        suggestions: Vec<String>,
    },
    /// No schema has this name.
    #[error("there is no such schema; {}", suggest(suggestions))]
    UnknownSchema {
        /// Existing names that are close to it, the closest first.
        suggestions: Vec<String>,
    },
    /// No database of the server has this name.
    #[error("there is no database of that name; {}", suggest(suggestions))]
    UnknownDatabase {
        /// The names of those there are.
        suggestions: Vec<String>,
    },
    /// An argument other than the SQL text is wrong.
    #[error("{argument}: {message}")]
    InvalidArgument {
        /// The argument's name.
        argument: String,
        /// The rule it breaks and what would be accepted.
        message: String,
    },
    /// The statement, a value or a row is larger than a limit.
    #[error("{what} is larger than the limit of {limit}; {advice}")]
    TooLarge {
        /// What was too large.
        what: String,
        /// The limit, with its unit.
        limit: String,
        /// How to stay under it.
        advice: String,
    },
    /// The statement ran longer than it may.
    #[error(
        "the statement was stopped after {} ms; narrow it with WHERE or LIMIT, use an indexed column, or ask for a longer timeout",
        timeout.as_millis()
    )]
    Timeout {
        /// The time that was allowed.
        timeout: Duration,
    },
    /// The statement needed more work than it may.
    #[error(
        "the statement was stopped after {steps} steps of work; narrow it with WHERE or LIMIT, or use an indexed column"
    )]
    WorkLimit {
        /// The work that was allowed, in the database's own steps.
        steps: u64,
    },
    /// A change touches other numbers of rows than somebody agreed to. Nothing was changed.
    #[error(
        "nothing was changed: the statement would now touch {found} and not {expected}; look at the rows again and repeat it"
    )]
    Changed {
        /// What was agreed to.
        expected: Touched,
        /// What it would touch now.
        found: Touched,
    },
    /// Whether a change was made is not known.
    #[error(
        "whether the change was made is not known, because {reason}; read the rows before repeating it"
    )]
    OutcomeUnknown {
        /// What happened.
        reason: String,
    },
    /// The caller cancelled, or the database is shutting down.
    #[error("the request was cancelled before it finished")]
    Cancelled,
    /// What the configuration promises about the database is not so. Nothing is answered until it is.
    #[error(
        "the database is not available: a promise of its configuration is not kept; the operator's log holds the details"
    )]
    PromiseBroken {
        /// What is not so, for the operator.
        what: String,
        /// What keeps the promise.
        advice: String,
    },
    /// Every connection is in use, or another process holds the database.
    #[error("the database is busy: {reason}; try again in a moment")]
    Busy {
        /// What is in the way.
        reason: String,
    },
    /// The database cannot be reached or read.
    #[error("the database is not available: {reason}")]
    Unavailable {
        /// What the operator should look at, without paths.
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
    /// The request asks for more than reading.
    PermissionDenied,
    /// What is asked for does not exist.
    NotFound,
    /// Time or work ran out.
    Timeout,
    /// The caller gave up.
    Cancelled,
    /// The world has moved on since the caller looked at it.
    Conflict,
    /// The database cannot answer now.
    Unavailable,
    /// A defect of this program.
    Internal,
}

impl DatabaseError {
    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { .. } | Self::ChangeRefused { .. } => ErrorKind::PermissionDenied,
            Self::Syntax { .. }
            | Self::NoSuchTable { .. }
            | Self::Failed { .. }
            | Self::InvalidArgument { .. }
            | Self::TooLarge { .. } => ErrorKind::InvalidInput,
            Self::UnknownTable { .. }
            | Self::UnknownSchema { .. }
            | Self::UnknownDatabase { .. } => ErrorKind::NotFound,
            Self::Timeout { .. } | Self::WorkLimit { .. } => ErrorKind::Timeout,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Changed { .. } | Self::OutcomeUnknown { .. } => ErrorKind::Conflict,
            Self::Busy { .. } | Self::Unavailable { .. } | Self::PromiseBroken { .. } => {
                ErrorKind::Unavailable
            }
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    /// Whether the same request may succeed when it is sent again unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unavailable { .. })
    }

    /// What only the log may hold: it can name files.
    #[must_use]
    pub fn detail(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Unavailable { detail, .. } | Self::Internal { detail } => Some(detail.into()),
            Self::PromiseBroken { what, advice } => Some(format!("{what}: {advice}").into()),
            _ => None,
        }
    }

    /// A statement that names a table that is not there, in the database's own words. Without its name it is like any other
    /// statement that is not understood.
    pub(crate) fn no_such_table(
        message: String,
        offset: Option<usize>,
        name: Option<TableName>,
    ) -> Self {
        match name {
            Some(name) => Self::NoSuchTable { message, offset, name, suggestions: Vec::new() },
            None => Self::Syntax { message, offset },
        }
    }

    pub(crate) fn refused(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), advice: advice.into() }
    }

    /// The same where more than reading is allowed, so that a refusal says what is.
    pub(crate) fn in_a_change(self) -> Self {
        match self {
            Self::Refused { what, advice } if advice == ONLY_READ => {
                let advice =
                    "change rows of your own tables, and read with execute_query".to_owned();
                Self::ChangeRefused { what, advice }
            }
            Self::Refused { what, advice } => Self::ChangeRefused { what, advice },
            other => other,
        }
    }

    pub(crate) fn invalid(argument: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidArgument { argument: argument.into(), message: message.into() }
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::Internal { detail: detail.into() }
    }
}

fn suggest(names: &[String]) -> String {
    if names.is_empty() {
        return "list them to see the names".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("did you mean {}?", quoted.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_table_offers_near_names() {
        let error =
            DatabaseError::UnknownTable { name: "user".into(), suggestions: vec!["users".into()] };
        assert_eq!(
            error.to_string(),
            "there is no table or view named \"user\"; did you mean \"users\"?"
        );
    }

    #[test]
    fn detail_stays_out_of_the_public_message() {
        let error = DatabaseError::Unavailable {
            reason: "the file cannot be opened".into(),
            detail: "/secret/place.db".into(),
        };
        assert!(!error.to_string().contains("secret"));
        assert_eq!(error.detail().as_deref(), Some("/secret/place.db"));
    }

    #[test]
    fn a_refused_change_says_what_a_change_may_do() {
        let refused = DatabaseError::refused("a change of sqlite_sequence", ONLY_READ);
        assert!(
            refused.to_string().starts_with("only reading is allowed: a change of sqlite_sequence")
        );
        let change = refused.in_a_change();
        assert_eq!(change.kind(), ErrorKind::PermissionDenied);
        let text = change.to_string();
        assert!(text.starts_with("only single changes of rows are allowed: a change of"), "{text}");
        assert!(!text.contains("only reads"), "{text}");
    }
}
