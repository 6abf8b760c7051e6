//! Turns SQLite's failures into errors that say what to do next.

use rusqlite::ErrorCode;

use crate::error::{DatabaseError, ONLY_READ};
use crate::names::TableName;

/// Translates a failure of a caller's statement. Messages of the general kind are about the caller's own text and
/// are passed on; every other kind gets words of our own, because SQLite's may name files.
pub(super) fn of_statement(error: &rusqlite::Error) -> DatabaseError {
    match error {
        rusqlite::Error::SqlInputError { error, msg, offset, .. } => {
            let offset = usize::try_from(*offset).ok();
            of_code(*error, Some(msg), offset, true)
        }
        rusqlite::Error::SqliteFailure(error, message) => {
            of_code(*error, message.as_deref(), None, false)
        }
        rusqlite::Error::MultipleStatement => {
            DatabaseError::refused("a second statement", "send one statement at a time")
        }
        rusqlite::Error::Empty => {
            DatabaseError::Syntax { message: "the text holds no statement".into(), offset: None }
        }
        other => DatabaseError::internal(other.to_string()),
    }
}

/// Translates a failure of a statement that may change rows.
pub(super) fn of_change(error: &rusqlite::Error) -> DatabaseError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly) => DatabaseError::Unavailable {
            reason: "its file can't be written; the operator should check who owns it".into(),
            detail: error.to_string(),
        },
        Some(ErrorCode::DiskFull) => DatabaseError::Unavailable {
            reason: "its disk is full; the operator should make room".into(),
            detail: error.to_string(),
        },
        _ => of_statement(error),
    }
}

/// Translates a failure to open or prepare a connection.
pub(super) fn of_opening(error: &rusqlite::Error) -> DatabaseError {
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "the file cannot be opened; the operator should check that it exists and may be read"
        }
        Some(ErrorCode::NotADatabase) => {
            "the file is not an SQLite database; the operator should check the configured path"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            return DatabaseError::Busy { reason: "another process is writing to it".into() };
        }
        _ => "it cannot be opened; the operator's log holds the details",
    };
    DatabaseError::Unavailable { reason: reason.into(), detail: error.to_string() }
}

fn of_code(
    error: rusqlite::ffi::Error,
    message: Option<&str>,
    offset: Option<usize>,
    compiling: bool,
) -> DatabaseError {
    match error.code {
        ErrorCode::ReadOnly => DatabaseError::refused("a change to the database", ONLY_READ),
        ErrorCode::AuthorizationForStatementDenied => {
            DatabaseError::refused("part of the statement", ONLY_READ)
        }
        ErrorCode::TooBig => DatabaseError::TooLarge {
            what: "a value or the statement".into(),
            limit: "what SQLite may handle here".into(),
            advice: "work on smaller values, for example with substr()".into(),
        },
        ErrorCode::OutOfMemory => DatabaseError::TooLarge {
            what: "the memory for sorting or grouping".into(),
            limit: "what SQLite may use here".into(),
            advice: "narrow the statement with WHERE or LIMIT, or order by an indexed column"
                .into(),
        },
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            DatabaseError::Busy { reason: "another process is writing to it".into() }
        }
        // Who interrupted it is known to the watch; this stands when nobody is.
        ErrorCode::OperationInterrupted => DatabaseError::Cancelled,
        ErrorCode::Unknown if compiling || missing_table(message).is_some() => {
            DatabaseError::no_such_table(words(message), offset, missing_table(message))
        }
        ErrorCode::Unknown if message == Some("incomplete input") => {
            DatabaseError::Syntax { message: words(message), offset: None }
        }
        ErrorCode::Unknown
        | ErrorCode::TypeMismatch
        | ErrorCode::ParameterOutOfRange
        | ErrorCode::ConstraintViolation => DatabaseError::Failed { message: words(message) },
        ErrorCode::CannotOpen
        | ErrorCode::NotADatabase
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::SystemIoFailure
        | ErrorCode::PermissionDenied
        | ErrorCode::NotFound => DatabaseError::Unavailable {
            reason: "the file cannot be read; the operator's log holds the details".into(),
            detail: format!("{error}: {}", message.unwrap_or_default()),
        },
        _ => DatabaseError::internal(format!("{error}: {}", message.unwrap_or_default())),
    }
}

/// The table in `no such table: name`, which SQLite says without an offset.
fn missing_table(message: Option<&str>) -> Option<TableName> {
    let name = message?.strip_prefix("no such table: ")?;
    Some(TableName::new(name.strip_prefix("main.").unwrap_or(name)))
}

/// SQLite's words, bounded: they quote the caller's statement.
fn words(message: Option<&str>) -> String {
    let message = message.unwrap_or("no reason was given");
    let kept = &message[..message.floor_char_boundary(300)];
    if kept.len() < message.len() { format!("{kept}…") } else { kept.to_owned() }
}
