//! One failure for many callers: each gets its own copy, and they share the cause that only the log sees.

use std::{error::Error as StdError, fmt, sync::Arc};

use crate::error::{Error, Failure, ToolError};

#[derive(Debug)]
pub(super) struct SharedError {
    failure: Failure,
    cause: Option<Cause>,
}

impl SharedError {
    pub(super) fn new(error: ToolError) -> Self {
        let error = match error.into_error() {
            Error::Failed(failure) => Ok(failure),
            // A question to a person, or a protocol error: these belong to one call, and a loader has none.
            other => Err(ToolError::internal(other).into_error()),
        };
        let mut failure = match error {
            Ok(failure) | Err(Error::Failed(failure)) => failure,
            Err(_) => Failure::new(crate::ErrorKind::Internal, "internal error"),
        };
        let cause = failure.source.take().map(|source| Cause(source.into()));
        Self { failure, cause }
    }

    pub(super) fn to_error(&self) -> ToolError {
        let Failure { kind, message, retry_after, details, .. } = &self.failure;
        let mut copy = Failure::new(*kind, message.clone());
        (copy.retry_after, copy.details) = (*retry_after, details.clone());
        copy.source = self.cause.clone().map(Into::into);
        ToolError::from_error(Error::Failed(copy))
    }
}

#[derive(Clone)]
struct Cause(Arc<dyn StdError + Send + Sync>);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
