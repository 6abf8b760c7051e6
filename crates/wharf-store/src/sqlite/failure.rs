//! Why the engine did not do it, told in a way that an operator can act on.

use std::fmt;

use rusqlite::ErrorCode;
use wharf::state::StateError;

/// What ends one operation early.
#[derive(Debug)]
pub(super) enum Fault {
    /// The store's own refusal, for this operation alone; it has changed nothing.
    Refused(StateError),
    /// The engine failed: the transaction is undone.
    Engine(rusqlite::Error),
    /// Something has expired and must be removed before anybody is told so: a read becomes a change.
    Expired,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        Self::Refused(error)
    }
}

/// The engine's failure for the log. Everyone whose operation was in the same transaction gets a copy.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) struct EngineFailed {
    advice: &'static str,
    detail: String,
}

impl fmt::Display for EngineFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.advice, self.detail)
    }
}

impl EngineFailed {
    pub(super) fn of(error: &rusqlite::Error) -> Self {
        Self { advice: advice(error.sqlite_error_code()), detail: error.to_string() }
    }

    /// The thread that owns the file has ended.
    pub(super) fn closed() -> Self {
        Self { advice: "the state file is closed", detail: "its thread has ended".into() }
    }
}

impl From<EngineFailed> for StateError {
    fn from(failed: EngineFailed) -> Self {
        Self::unavailable(failed)
    }
}

fn advice(code: Option<ErrorCode>) -> &'static str {
    match code {
        Some(ErrorCode::DiskFull) => {
            "the disk is full, or the state file may not grow further; free some space or raise its limit"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process holds the state file for too long"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the state file is damaged; restore it, or move it away to begin anew"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "the state file can't be written; check its permissions and its folder's"
        }
        Some(ErrorCode::CannotOpen) => "the state file can't be opened; check its folder",
        Some(ErrorCode::SystemIoFailure) => "the disk of the state file fails",
        _ => "the state file can't be used",
    }
}
