//! Turns the server's and the driver's errors into the public ones.
//!
//! The server's primary message goes to the caller, because it tells how to repair a statement. Details, hints, contexts and
//! whatever concerns the login or the machine go to the log only.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use super::wire::Broken;
use crate::error::{DatabaseError, ONLY_READ};
use crate::names::TableName;

/// The reason of a connection that broke, by which a fresh one may be tried.
pub(super) const LOST: &str = "the connection to the server was lost";

/// Longest message of the server that is repeated.
const MAX_MESSAGE_BYTES: usize = 1_000;

/// The error of a login.
pub(super) fn login(error: &Error) -> DatabaseError {
    let code = error.code().map(SqlState::code).unwrap_or_default();
    let reason = match code {
        "53300" => return busy("the server has no connection left"),
        "57P03" => "the server is starting up or shutting down",
        "3D000" => "the database does not exist on the server; check the settings",
        _ if code.starts_with("28") => {
            "the server refused the login; check user and password in the settings"
        }
        _ if code.starts_with("42") || code.starts_with("22") => {
            "the server refused a session setting; check the settings"
        }
        _ => "the server ended the login",
    };
    DatabaseError::Unavailable { reason: reason.into(), detail: whole(error) }
}

/// The error of a statement; `caller` is the caller's text and where it begins in what was sent.
pub(super) fn of_statement(
    error: &Error,
    broken: Option<&Broken>,
    caller: Option<(&str, usize)>,
) -> DatabaseError {
    if let Some(server) = error.as_db_error() {
        return of_server(server, caller);
    }
    match broken {
        Some(Broken::MessageTooLarge { bytes }) => DatabaseError::TooLarge {
            what: format!("a row of {bytes} bytes"),
            limit: "what one row may take in memory".into(),
            advice: "select fewer columns, or shorten long values with substr()".into(),
        },
        Some(Broken::Lost(detail)) => lost(detail.clone()),
        None if error.is_closed() => lost(whole(error)),
        None => match std::error::Error::source(error) {
            // Values that cannot be put into a message, such as a text with a NUL.
            Some(cause) if error.to_string().contains("serializ") => {
                DatabaseError::invalid("params", cause.to_string())
            }
            _ => lost(whole(error)),
        },
    }
}

fn of_server(error: &DbError, caller: Option<(&str, usize)>) -> DatabaseError {
    let code = error.code().code();
    let message = || {
        let text = error.message();
        text[..text.floor_char_boundary(MAX_MESSAGE_BYTES)].to_owned()
    };
    match code {
        "42501" => DatabaseError::refused(
            message(),
            "the database role has no such right; ask for other tables",
        ),
        "25006" => DatabaseError::refused(message(), ONLY_READ),
        "42601" if error.message().contains("multiple commands") => DatabaseError::refused(
            "more than one statement",
            "send exactly one statement that reads",
        ),
        // The caller's own timer says how long; this one is only behind it.
        "57014" => DatabaseError::Cancelled,
        "55P03" => busy("somebody else holds a lock that the statement needs"),
        "40001" | "40P01" => busy("the statement got into the way of another one"),
        "53300" => busy("the server has no connection left"),
        // Functions of extensions say so when they do not understand a value.
        "XX000" => DatabaseError::Failed { message: message() },
        "42P01" => DatabaseError::no_such_table(
            message(),
            caller.and_then(|(sql, prefix)| offset(error, sql, prefix)),
            missing_table(error.message()),
        ),
        _ => match &code[..2] {
            "42" | "26" | "34" | "3F" | "0A" => DatabaseError::Syntax {
                message: message(),
                offset: caller.and_then(|(sql, prefix)| offset(error, sql, prefix)),
            },
            "57" | "08" => lost(error.message().to_owned()),
            "53" | "58" | "XX" | "F0" => DatabaseError::Unavailable {
                reason: "the server has a problem of its own".into(),
                detail: format!("{code}: {}", error.message()),
            },
            _ => DatabaseError::Failed { message: message() },
        },
    }
}

/// The table in `relation "schema.table" does not exist`. A server that speaks another language gives no name.
fn missing_table(message: &str) -> Option<TableName> {
    let quoted = message.strip_prefix("relation \"")?.strip_suffix("\" does not exist")?;
    Some(match quoted.split_once('.') {
        Some((schema, name)) => TableName { schema: Some(schema.into()), name: name.into() },
        None => TableName::new(quoted),
    })
}

/// The byte that the server points at. It counts characters of what was sent, from 1.
fn offset(error: &DbError, sql: &str, prefix: usize) -> Option<usize> {
    let Some(ErrorPosition::Original(position)) = error.position() else { return None };
    let character = (*position as usize).checked_sub(1)?.checked_sub(prefix)?;
    let bytes = sql.char_indices().map(|(byte, _)| byte).chain([sql.len()]);
    bytes.into_iter().nth(character)
}

fn busy(reason: &str) -> DatabaseError {
    DatabaseError::Busy { reason: reason.into() }
}

fn lost(detail: String) -> DatabaseError {
    DatabaseError::Unavailable { reason: LOST.into(), detail }
}

/// Whether a fresh connection may help.
pub(super) fn is_lost(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Unavailable { reason, .. } if reason == LOST)
}

/// The error with its cause, for the log.
fn whole(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
