//! What a call ended with, and the ways a test looks at it.

use serde::de::DeserializeOwned;
use serde_json::Value;
use wharf::ErrorKind;

/// How a `tools/call`, `resources/read` or `prompts/get` ended: with a result, with a failure that the tool reports
/// (`isError`), or with a JSON-RPC error.
///
/// ```
/// # use serde_json::json;
/// # use wharf::{Args, ErrorKind, Server, Tool, ToolError};
/// # use wharf_testkit::Client;
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Divide { by: i64 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = Server::new("demo", "1.0.0").tool(Tool::new("divide").handler(
///     |Args(Divide { by }): Args<Divide>| async move {
///         100_i64.checked_div(by).map(|n| n.to_string()).ok_or(ToolError::invalid_input("nothing is divided by 0"))
///     },
/// ));
/// let client = Client::memory(server).await;
/// assert_eq!(client.call("divide", json!({"by": 4})).await.text(), "25");
/// let refused = client.call("divide", json!({"by": 0})).await;
/// assert_eq!(refused.expect_error(ErrorKind::InvalidInput).message(), "nothing is divided by 0");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an outcome may be a failure: look at it"]
pub struct CallOutcome {
    /// What was called, for messages.
    what: String,
    /// The `result`, or the `error`.
    ended: Result<Value, Value>,
}

impl CallOutcome {
    pub(crate) fn new(what: String, ended: Result<Value, Value>) -> Self {
        Self { what, ended }
    }

    /// Whether it failed, in one way or the other.
    pub fn is_error(&self) -> bool {
        self.ended.as_ref().map_or(true, |result| result["isError"] == true)
    }

    /// The `result` or the `error`, as it came.
    pub fn json(&self) -> &Value {
        match &self.ended {
            Ok(value) | Err(value) => value,
        }
    }

    /// The `result` of a call that succeeded.
    ///
    /// # Panics
    /// When it failed.
    #[track_caller]
    pub fn result(&self) -> &Value {
        assert!(!self.is_error(), "{} failed: {:#}", self.what, self.json());
        self.json()
    }

    /// The text of a success: of a tool's content, a resource's contents or a prompt's messages, one after the other.
    ///
    /// # Panics
    /// When it failed.
    #[track_caller]
    pub fn text(&self) -> String {
        let result = self.result();
        let parts =
            ["content", "contents", "messages"].iter().find_map(|name| result[*name].as_array());
        let texts = parts.into_iter().flatten().filter_map(|part| {
            let text = part["text"].as_str().or_else(|| part["content"]["text"].as_str());
            text.or_else(|| part["resource"]["text"].as_str())
        });
        texts.collect()
    }

    /// The structured content of a success, as a type.
    ///
    /// # Panics
    /// When it failed, has none, or has another shape.
    #[track_caller]
    pub fn structured<T: DeserializeOwned>(&self) -> T {
        let result = self.result();
        let Some(content) = result.get("structuredContent") else {
            panic!("{} has no structured content: {result:#}", self.what)
        };
        match serde_json::from_value(content.clone()) {
            Ok(value) => value,
            Err(error) => panic!("{} has another shape: {error}: {content:#}", self.what),
        }
    }

    /// The stable code of a failure, such as `INVALID_INPUT`: of a tool's failure or of a JSON-RPC error. `None` for a
    /// success, and for an error without one.
    pub fn error_code(&self) -> Option<String> {
        self.failure()?["code"].as_str().map(str::to_owned)
    }

    /// The number of a JSON-RPC error; `None` for a tool's own failure.
    pub fn rpc_code(&self) -> Option<i64> {
        self.ended.as_ref().err()?["code"].as_i64()
    }

    /// What the caller reads of a failure.
    ///
    /// # Panics
    /// When it succeeded.
    #[track_caller]
    pub fn message(&self) -> String {
        assert!(self.is_error(), "{} succeeded: {:#}", self.what, self.json());
        let message = match &self.ended {
            Ok(_) => {
                self.failure().and_then(|failure| failure["message"].as_str().map(str::to_owned))
            }
            Err(error) => error["message"].as_str().map(str::to_owned),
        };
        // A server in another language may say it in plain text.
        message.unwrap_or_else(|| {
            self.json()["content"][0]["text"].as_str().unwrap_or_default().to_owned()
        })
    }

    /// The machine-readable particulars of a failure; null when there are none.
    pub fn details(&self) -> Value {
        self.failure().map(|mut failure| failure["details"].take()).unwrap_or_default()
    }

    /// Asserts a failure of `kind`; gives it back to be looked at further.
    ///
    /// # Panics
    /// When it succeeded, or failed otherwise.
    #[track_caller]
    pub fn expect_error(&self, kind: ErrorKind) -> &Self {
        let code = self.error_code();
        assert!(
            code.as_deref() == Some(kind.code()),
            "{} should fail with {}, and ended with {:#}",
            self.what,
            kind.code(),
            self.json()
        );
        self
    }

    /// The object that describes a failure: a tool's structured content, or its text; an error's `data`.
    fn failure(&self) -> Option<Value> {
        match &self.ended {
            Err(error) => Some(error["data"].clone()),
            Ok(result) if result["isError"] == true => {
                let text = || serde_json::from_str(result["content"][0]["text"].as_str()?).ok();
                result.get("structuredContent").cloned().or_else(text)
            }
            Ok(_) => None,
        }
    }
}
