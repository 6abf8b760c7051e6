//! Failures: what went wrong, told in one sentence with the next step, and the exit code that goes with it. rmcp's errors are
//! sorted here and nowhere else. A failure never repeats a token or a header that was sent.

use std::{error::Error, fmt};

use rmcp::{
    model::{ErrorCode, ErrorData},
    service::{ClientInitializeError, ServiceError},
    transport::{
        DynamicTransportError,
        streamable_http_client::{AuthRequiredError, InsufficientScopeError, StreamableHttpError},
    },
};
use serde_json::{Value, json};

use crate::{config::ConfigError, exit::Exit};

/// What goes wrong in rmcp's HTTP transport.
type HttpError = StreamableHttpError<reqwest::Error>;

/// A failure with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
    code: Option<ErrorCode>,
    data: Option<Value>,
}

impl Failure {
    /// A failure of this kind; `message` says what happened.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, code: None, data: None }
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message).hint("try --help")
    }

    /// The person pressed Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to do next, when there is something to do.
    pub(crate) fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The object that `--json` prints instead of a result.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({"kind": self.exit.kind(), "message": self.message});
        if let Some(code) = self.code {
            error["code"] = code.0.into();
        }
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        if let Some(hint) = &self.hint {
            error["hint"] = hint.as_str().into();
        }
        json!({"error": error})
    }

    fn rpc(error: ErrorData) -> Self {
        Self {
            code: Some(error.code),
            data: error.data,
            ..Self::new(Exit::Protocol, error.message)
        }
    }

    fn transport(error: &DynamicTransportError) -> Self {
        let error: &(dyn Error + 'static) = error.error.as_ref();
        let text = told(error);
        if wants_credentials(error) {
            return Self::new(
                Exit::Authentication,
                format!("the server wants authentication: {text}"),
            )
            .hint(
                "pass --token or set WHARF_TOKEN; other schemes go in --header 'Authorization: …'",
            );
        }
        let reserved = chain(error).any(|cause| {
            matches!(
                cause.downcast_ref::<HttpError>(),
                Some(StreamableHttpError::ReservedHeaderConflict(_))
            )
        });
        if reserved {
            return Self::usage("--header cannot set a header that the protocol sets itself");
        }
        Self::new(Exit::Transport, text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match self.code {
            Some(code) => write!(formatter, " (JSON-RPC error {})", code.0),
            None => Ok(()),
        }
    }
}

impl Error for Failure {}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::McpError(error) => Self::rpc(error),
            ServiceError::TransportSend(error) => Self::transport(&error),
            ServiceError::TransportClosed => {
                Self::new(Exit::Transport, "the server closed the connection before it answered")
            }
            ServiceError::UnexpectedResponse => {
                Self::new(Exit::Protocol, "the server answered with a result of another kind")
            }
            ServiceError::InputRequiredRoundsExceeded { .. } => {
                Self::new(Exit::Protocol, error.to_string())
            }
            other => Self::new(Exit::Transport, other.to_string()),
        }
    }
}

impl From<ClientInitializeError> for Failure {
    fn from(error: ClientInitializeError) -> Self {
        match error {
            ClientInitializeError::JsonRpcError(error) => Self::rpc(error),
            ClientInitializeError::TransportError { error, .. } => Self::transport(&error),
            ClientInitializeError::ConnectionClosed(_) => {
                Self::new(Exit::Transport, "the server closed the connection during the handshake")
                    .hint("a server that exits at an unknown first message needs --era legacy")
            }
            // Both phases failed; the fallback is the later word, and the one that names a 401.
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => Self::from(*fallback),
            ClientInitializeError::NoCompatibleProtocolVersion { ref server_supported, .. } => {
                let theirs: Vec<_> = server_supported.iter().map(ToString::to_string).collect();
                Self::new(
                    Exit::Protocol,
                    format!(
                        "no protocol version in common; the server speaks {}",
                        theirs.join(", ")
                    ),
                )
                .hint("--era legacy speaks the versions with an initialize handshake")
            }
            other => Self::new(Exit::Protocol, other.to_string()),
        }
    }
}

/// Whether the server answered 401 or 403. With a `WWW-Authenticate` header rmcp has a type for it; without one it keeps the
/// status in the text of `UnexpectedServerResponse` only.
fn wants_credentials(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|cause| {
        let text = cause.to_string();
        cause.is::<AuthRequiredError>()
            || cause.is::<InsufficientScopeError>()
            || text.starts_with("unexpected server response: HTTP 401")
            || text.starts_with("unexpected server response: HTTP 403")
    })
}

/// The error and its causes. rmcp wraps reqwest's error without calling it a source, so that step is taken by hand.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn Error + 'static)| {
        let cause: &'a (dyn Error + 'static) = *cause;
        match cause.downcast_ref::<HttpError>() {
            Some(StreamableHttpError::Client(error)) => Some(error),
            _ => cause.source(),
        }
    })
}

/// The error with its causes: reqwest says only "error sending request" and keeps "connection refused" two causes down. The
/// wrapper around reqwest's error adds nothing but the words "Client error", so it is left out.
fn told(error: &(dyn Error + 'static)) -> String {
    let is_wrapper = |cause: &(dyn Error + 'static)| {
        matches!(cause.downcast_ref::<HttpError>(), Some(StreamableHttpError::Client(_)))
    };
    let mut text = String::new();
    for cause in chain(error).filter(|cause| !is_wrapper(*cause)) {
        let cause = cause.to_string();
        let cause = cause.trim().trim_end_matches(':');
        if text.contains(cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(cause);
    }
    text
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Usage, format!("the configuration can't be used\n{}", error.render(false)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(error: HttpError) -> Failure {
        let id = std::any::TypeId::of::<()>();
        ServiceError::TransportSend(DynamicTransportError::from_parts("test", id, Box::new(error)))
            .into()
    }

    #[test]
    fn statuses_are_sorted_with_and_without_a_challenge() {
        let answered =
            |text: &'static str| StreamableHttpError::UnexpectedServerResponse(text.into());
        for (error, expected) in [
            (
                StreamableHttpError::AuthRequired(AuthRequiredError::new("Bearer".into())),
                Exit::Authentication,
            ),
            (
                StreamableHttpError::InsufficientScope(InsufficientScopeError::new(
                    "Bearer".into(),
                    None,
                )),
                Exit::Authentication,
            ),
            (answered("HTTP 401 Unauthorized: "), Exit::Authentication),
            (answered("HTTP 403 Forbidden: no"), Exit::Authentication),
            (answered("HTTP 404 Not Found: see HTTP 401"), Exit::Transport),
            (StreamableHttpError::UnexpectedEndOfStream, Exit::Transport),
            (StreamableHttpError::ReservedHeaderConflict("accept".into()), Exit::Usage),
        ] {
            let text = error.to_string();
            assert_eq!(sorted(error).exit(), expected, "{text}");
        }
    }

    #[test]
    fn empty_bodies_leave_no_colon_behind() {
        let error = StreamableHttpError::UnexpectedServerResponse("HTTP 404 Not Found: ".into());
        assert_eq!(sorted(error).to_string(), "unexpected server response: HTTP 404 Not Found");
    }
}
