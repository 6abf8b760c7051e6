//! What the store holds under a key, and the outcomes that can be kept.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    call::{Outcome, Reply},
    content::Content,
    error::{Error, ErrorKind, Failure},
    handler::ToolResult,
    meta::Meta,
};

/// The state of one key.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// Digest of the arguments, in base64.
    arguments: String,
    pub(super) state: State,
}

#[derive(Serialize, Deserialize)]
pub(super) enum State {
    /// Someone runs the call, for as long as they hold the lease of the same name and token.
    Running {
        token: u64,
    },
    /// The client has been asked something.
    Waiting,
    Done(Stored),
}

/// A complete outcome.
#[derive(Serialize, Deserialize)]
pub(super) enum Stored {
    Result { content: Vec<Content>, structured: Option<Box<RawValue>>, is_error: bool, meta: Meta },
    Failure { code: String, message: String, retry_after_ms: Option<u64>, details: Option<Value> },
}

impl Record {
    pub(super) fn new(arguments: &[u8; 32], state: State) -> Self {
        Self { arguments: STANDARD_NO_PAD.encode(arguments), state }
    }

    pub(super) fn is_for(&self, arguments: &[u8; 32]) -> bool {
        self.arguments == STANDARD_NO_PAD.encode(arguments)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // Every part is a plain value, which always has a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl Stored {
    /// What is kept of a result; `None` for what a later call may try again.
    pub(super) fn of(result: &Result<Outcome, Error>) -> Option<Self> {
        match result {
            Ok(Outcome::Complete(Reply::Tool(result))) => Some(Self::Result {
                content: result.content.clone(),
                structured: result.structured.clone(),
                is_error: result.is_error,
                meta: result.meta.clone(),
            }),
            Err(Error::Failed(failure)) if !failure.kind.retryable() => Some(Self::Failure {
                code: failure.kind.code().to_owned(),
                message: failure.message.clone().into_owned(),
                retry_after_ms: failure
                    .retry_after
                    .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
                details: failure.details.clone(),
            }),
            _ => None,
        }
    }

    pub(super) fn into_outcome(self) -> Result<Outcome, Error> {
        match self {
            Self::Result { content, structured, is_error, meta } => {
                let mut result = ToolResult::new();
                (result.content, result.structured) = (content, structured);
                (result.is_error, result.meta) = (is_error, meta);
                Ok(Outcome::Complete(Reply::Tool(result)))
            }
            Self::Failure { code, message, retry_after_ms, details } => {
                // Another release may have had a kind that this one does not know.
                let kind = ErrorKind::from_code(&code).unwrap_or(ErrorKind::Internal);
                let mut failure = Failure::new(kind, message);
                failure.retry_after = retry_after_ms.map(Duration::from_millis);
                failure.details = details;
                Err(Error::Failed(failure))
            }
        }
    }
}
