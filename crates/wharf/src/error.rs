//! The error taxonomy: one closed set of kinds that every failure of a handler or of the stack falls into.
//!
//! Two audiences read a failure. The caller gets `code`, `message` and what to do next; the operator gets the
//! `source`, which stays in the log under the request id and never reaches the wire unless configured.
//! This module knows nothing of JSON-RPC: `dispatch` alone turns failures into wire errors.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use serde::{Serialize, ser::SerializeMap};
use serde_json::Value;

use crate::{
    capability::{ClientCapability, Missing},
    protocol::RpcError,
    state::StateError,
};

/// What went wrong, in the terms that a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The arguments are wrong; the same call will fail again.
    InvalidInput,
    /// No identity, or one that could not be verified.
    AuthenticationFailed,
    /// The identity is known and may not do this.
    PermissionDenied,
    /// The thing that was named does not exist, or is hidden from this caller.
    ResourceNotFound,
    /// Too many calls; wait and try again.
    RateLimited,
    /// The deadline passed before the work was done.
    Timeout,
    /// The client withdrew the call.
    Cancelled,
    /// The state is not what the call assumed.
    Conflict,
    /// A dependency or the server itself can't serve right now.
    ServiceUnavailable,
    /// A defect or an unforeseen failure on the server's side.
    Internal,
}

impl ErrorKind {
    /// The stable upper-case code that callers, logs and metrics share.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidInput => "INVALID_INPUT",
            Self::AuthenticationFailed => "AUTHENTICATION_FAILED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceNotFound => "RESOURCE_NOT_FOUND",
            Self::RateLimited => "RATE_LIMITED",
            Self::Timeout => "TIMEOUT",
            Self::Cancelled => "CANCELLED",
            Self::Conflict => "CONFLICT",
            Self::ServiceUnavailable => "SERVICE_UNAVAILABLE",
            Self::Internal => "INTERNAL_ERROR",
        }
    }

    /// The kind of a code, if it is one.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [
            Self::InvalidInput,
            Self::AuthenticationFailed,
            Self::PermissionDenied,
            Self::ResourceNotFound,
            Self::RateLimited,
            Self::Timeout,
            Self::Cancelled,
            Self::Conflict,
            Self::ServiceUnavailable,
            Self::Internal,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
    }

    /// Whether the same call may succeed later without a change by the caller.
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Timeout | Self::ServiceUnavailable)
    }

    /// Whose fault it is, for retries, breakers, metrics and audit.
    pub const fn class(self) -> Class {
        match self {
            Self::InvalidInput
            | Self::AuthenticationFailed
            | Self::PermissionDenied
            | Self::ResourceNotFound
            | Self::Cancelled
            | Self::Conflict => Class::CallerFault,
            Self::RateLimited => Class::Throttled,
            Self::Timeout | Self::Internal => Class::OurFault,
            Self::ServiceUnavailable => Class::UpstreamFault,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Whose fault an outcome is. One classification feeds retry, breaker, metrics and audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The call succeeded.
    Success,
    /// The caller must change something.
    CallerFault,
    /// The server must change something.
    OurFault,
    /// The caller was asked to slow down.
    Throttled,
    /// Something that the server depends on failed.
    UpstreamFault,
}

/// A handler's failure. Built by [`ToolError::new`] and its short forms, or by `?` from any [`std::error::Error`],
/// which becomes [`ErrorKind::Internal`] with the detail kept for the log.
///
/// It deliberately does not implement [`std::error::Error`], as `anyhow::Error` does not: that is what lets `?` convert
/// every other error into it.
pub struct ToolError(Box<Repr>);

enum Repr {
    Failure(Failure),
    /// The handler waits for the client's answers; what it asked for is kept in the call's `Ask` state.
    Suspended,
    MissingCapability(Missing),
    Rpc(RpcError),
}

/// What a failed call tells.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The entry of the taxonomy.
    pub kind: ErrorKind,
    /// What the caller reads: what went wrong and what to do next.
    pub message: Cow<'static, str>,
    /// How long to wait before another try.
    pub retry_after: Option<Duration>,
    /// Machine-readable particulars for the caller.
    pub details: Option<Value>,
    /// What the operator reads in the log. Never sent unless configured.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
    /// The scopes that a bearer token would need (RFC 6750 section 3.1): such a refusal is an HTTP 403 with a challenge.
    pub(crate) insufficient_scope: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
            details: None,
            source: None,
            insufficient_scope: None,
        }
    }
}

impl Serialize for Failure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.kind.code())?;
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("retryable", &self.kind.retryable())?;
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: a client that waits less than asked is refused again.
            map.serialize_entry("retry_after_seconds", &wait.as_millis().div_ceil(1000))?;
        }
        if let Some(details) = &self.details {
            map.serialize_entry("details", details)?;
        }
        map.end()
    }
}

macro_rules! short_forms {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        $($(#[$doc])* pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
            Self::new(ErrorKind::$kind, message)
        })*
    };
}

impl ToolError {
    /// A failure of `kind` with the message that the caller reads.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Repr::Failure(Failure::new(kind, message))))
    }

    short_forms! {
        /// The arguments are wrong: say which and what would be right.
        invalid_input => InvalidInput;
        /// The caller may not do this: say what to ask for.
        permission_denied => PermissionDenied;
        /// The named thing does not exist.
        not_found => ResourceNotFound;
        /// The state is not what the call assumed.
        conflict => Conflict;
        /// A dependency can't serve right now.
        unavailable => ServiceUnavailable;
        /// The work took longer than its deadline.
        timeout => Timeout;
    }

    /// An internal failure: the caller reads a neutral message and the request id, the log gets `source`.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut failure = Failure::new(ErrorKind::Internal, "internal error");
        failure.source = Some(source.into());
        Self(Box::new(Repr::Failure(failure)))
    }

    /// Adds machine-readable particulars for the caller.
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        if let Repr::Failure(failure) = &mut *self.0 {
            failure.details = Some(details);
        }
        self
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        if let Repr::Failure(failure) = &mut *self.0 {
            failure.source = Some(source.into());
        }
        self
    }

    /// Says how long to wait before the next try.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        if let Repr::Failure(failure) = &mut *self.0 {
            failure.retry_after = Some(wait);
        }
        self
    }

    pub(crate) fn suspended() -> Self {
        Self(Box::new(Repr::Suspended))
    }

    pub(crate) fn missing_capability(
        capability: ClientCapability,
        or_argument: Option<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Repr::MissingCapability(Missing { capability, or_argument })))
    }

    /// What a part of the stack said, said by the handler.
    pub(crate) fn from_error(error: Error) -> Self {
        Self(Box::new(match error {
            Error::Failed(failure) => Repr::Failure(failure),
            Error::Suspended => Repr::Suspended,
            Error::MissingCapability(missing) => Repr::MissingCapability(missing),
            Error::Rpc(error) => Repr::Rpc(error),
        }))
    }

    pub(crate) fn rpc(error: RpcError) -> Self {
        Self(Box::new(Repr::Rpc(error)))
    }

    pub(crate) fn into_error(self) -> Error {
        match *self.0 {
            Repr::Failure(failure) => Error::Failed(failure),
            Repr::Suspended => Error::Suspended,
            Repr::MissingCapability(missing) => Error::MissingCapability(missing),
            Repr::Rpc(error) => Error::Rpc(error),
        }
    }
}

impl fmt::Debug for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Repr::Failure(failure) => failure.fmt(f),
            Repr::Suspended => f.write_str("Suspended"),
            Repr::MissingCapability(missing) => missing.fmt(f),
            Repr::Rpc(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Repr::Failure(failure) => write!(f, "{}: {}", failure.kind, failure.message),
            Repr::Suspended => f.write_str("the handler waits for the client's answers"),
            Repr::MissingCapability(missing) => write!(f, "{missing}"),
            Repr::Rpc(error) => write!(f, "{error}"),
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for ToolError {
    fn from(source: E) -> Self {
        let source: Box<dyn StdError + Send + Sync> = Box::new(source);
        match source.downcast::<StateError>() {
            // A store that is full or away is a matter of time, not a defect.
            Ok(error) if error.is_passing() => Self::unavailable(
                "the server can't reach or extend its state right now; try again shortly",
            )
            .source(error),
            Ok(error) => Self::internal(error),
            Err(source) => Self::internal(source),
        }
    }
}

/// The one error type of the middleware stack: what a call can end with besides an [`Outcome`](crate::Outcome).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A failure of the taxonomy: a tool's result with `isError`, otherwise a JSON-RPC error.
    Failed(Failure),
    /// A protocol failure: always a JSON-RPC error.
    Rpc(RpcError),
    /// The client lacks what the handler needs (-32021 on 2026-07-28).
    MissingCapability(Missing),
    /// The handler waits for answers. `dispatch` turns it into [`Outcome::InputRequired`](crate::Outcome).
    Suspended,
}

impl Error {
    pub(crate) fn failed(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Failed(Failure::new(kind, message))
    }

    /// The code that logs, metrics and audit record.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.kind.code(),
            Self::Rpc(error) => error.kind.code(),
            Self::MissingCapability(_) => ErrorKind::InvalidInput.code(),
            Self::Suspended => "INPUT_REQUIRED",
        }
    }

    /// Whose fault it is.
    pub fn class(&self) -> Class {
        match self {
            Self::Failed(failure) => failure.kind.class(),
            Self::Rpc(error) => error.kind.class(),
            Self::MissingCapability(_) => Class::CallerFault,
            Self::Suspended => Class::Success,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => write!(f, "{}: {}", failure.kind, failure.message),
            Self::Rpc(error) => write!(f, "{error}"),
            Self::MissingCapability(missing) => write!(f, "{missing}"),
            Self::Suspended => f.write_str("waiting for the client's answers"),
        }
    }
}

impl StdError for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_error_becomes_internal_and_keeps_its_text_for_the_log() {
        fn fails() -> Result<(), ToolError> {
            let _: u32 = "secret-text".parse::<u32>()?;
            Ok(())
        }
        let Error::Failed(failure) = fails().unwrap_err().into_error() else {
            panic!("not a failure")
        };
        assert_eq!(failure.kind, ErrorKind::Internal);
        assert!(failure.source.is_some());
        assert!(!serde_json::to_string(&failure).unwrap().contains("digit"));
    }

    #[test]
    fn waits_are_rounded_up_to_whole_seconds() {
        let Error::Failed(failure) =
            ToolError::unavailable("later").retry_after(Duration::from_millis(1001)).into_error()
        else {
            panic!("not a failure")
        };
        assert_eq!(serde_json::to_value(&failure).unwrap()["retry_after_seconds"], 2);
    }
}
