//! One decoded call, and what it can end with: the currency of the middleware stack.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    cache::CacheHint,
    caller::Caller,
    content::ResourceContents,
    context::{Context, RequestId},
    gate::Line,
    handler::{CompletionValues, PromptResult, ToolResult},
    listen::Subscription,
    protocol::{LogLevel, Revision, RpcError},
    results,
    server::{
        ExtensionMethod,
        entries::{PromptEntry, ResourceEntry, ToolEntry},
        lists::ListKind,
    },
    shared::Held,
};

/// What suggestions are for.
pub(crate) enum Subject {
    Prompt(Arc<PromptEntry>),
    /// Or a template.
    Resource(Arc<ResourceEntry>),
}

/// What is to be done.
pub(crate) enum Operation {
    CallTool {
        tool: Held<ToolEntry>,
        arguments: Value,
    },
    ReadResource {
        resource: Arc<ResourceEntry>,
        uri: Arc<str>,
        variables: Value,
    },
    GetPrompt {
        prompt: Arc<PromptEntry>,
        arguments: Value,
    },
    Complete {
        subject: Subject,
        completer: Option<crate::handler::BoxHandler<CompletionValues>>,
        query: Value,
    },
    List {
        kind: ListKind,
        cursor: Option<String>,
    },
    Discover,
    Initialize {
        revision: Revision,
    },
    Ping,
    SetLevel(LogLevel),
    Subscribe(Arc<str>),
    Unsubscribe(Arc<str>),
    Listen(Subscription),
    Extension {
        method: Arc<ExtensionMethod>,
        params: Value,
    },
    /// Something was named that does not exist, or in a form that can't be served. It travels through the stack so that
    /// it is traced, counted and audited like any call, and ends with this error.
    Refuse(&'static str, Box<RpcError>),
}

/// One call. It owns everything it needs, so it can outlive its request.
pub struct Call {
    pub(crate) operation: Operation,
    pub(crate) context: Context,
}

impl Call {
    /// Which request it is.
    pub fn request_id(&self) -> RequestId {
        self.context.request_id
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.context.caller
    }

    /// The revision that the client speaks.
    pub fn revision(&self) -> Revision {
        self.context.revision
    }

    /// The protocol's method; `extension` for an extension's.
    pub fn method(&self) -> &'static str {
        match &self.operation {
            Operation::CallTool { .. } => "tools/call",
            Operation::ReadResource { .. } => "resources/read",
            Operation::GetPrompt { .. } => "prompts/get",
            Operation::Complete { .. } => "completion/complete",
            Operation::List { kind, .. } => kind.method(),
            Operation::Discover => "server/discover",
            Operation::Initialize { .. } => "initialize",
            Operation::Ping => "ping",
            Operation::SetLevel(_) => "logging/setLevel",
            Operation::Subscribe(_) => "resources/subscribe",
            Operation::Unsubscribe(_) => "resources/unsubscribe",
            Operation::Listen(_) => "subscriptions/listen",
            Operation::Extension { .. } => "extension",
            Operation::Refuse(method, _) => method,
        }
    }

    /// The tool, URI, prompt or extension method that is named; empty where nothing is.
    pub fn target(&self) -> &str {
        match &self.operation {
            Operation::CallTool { tool, .. } => &tool.name,
            // Whoever reads the log must not be able to read the result.
            Operation::ReadResource { uri, .. } if uri.starts_with(results::PREFIX) => {
                results::PREFIX
            }
            Operation::ReadResource { uri, .. } => uri,
            Operation::GetPrompt { prompt, .. } => &prompt.name,
            Operation::Subscribe(uri) | Operation::Unsubscribe(uri) => uri,
            Operation::Extension { method, .. } => &method.name,
            _ => "",
        }
    }

    /// How long it may take in place of the server's default.
    pub(crate) fn timeout(&self) -> Option<std::time::Duration> {
        match &self.operation {
            Operation::CallTool { tool, .. } => tool.timeout,
            Operation::ReadResource { resource, .. } => resource.timeout,
            Operation::GetPrompt { prompt, .. } => prompt.timeout,
            _ => None,
        }
    }

    /// Where it waits besides the server's own line, when its tool limits how many run at once.
    pub(crate) fn line(&self) -> Option<&Arc<Line>> {
        match &self.operation {
            Operation::CallTool { tool, .. } => tool.policy.concurrency.as_ref(),
            _ => None,
        }
    }

    /// Whether it counts against rate limits: what runs a handler does, what opens something that stays, and what names
    /// something that does not exist, so that guessing is not free.
    pub(crate) fn costs_a_token(&self) -> bool {
        self.runs_handler()
            || matches!(
                self.operation,
                Operation::Subscribe(_) | Operation::Listen(_) | Operation::Refuse(..)
            )
    }

    /// Whether it waits for a concurrency permit: only what runs a handler does.
    pub(crate) fn runs_handler(&self) -> bool {
        matches!(
            self.operation,
            Operation::CallTool { .. }
                | Operation::ReadResource { .. }
                | Operation::GetPrompt { .. }
                | Operation::Complete { completer: Some(_), .. }
                | Operation::Extension { .. }
        )
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Arguments stay out of logs.
        f.debug_struct("Call")
            .field("method", &self.method())
            .field("target", &self.target())
            .field("request_id", &self.context.request_id)
            .finish_non_exhaustive()
    }
}

/// What a call ends with when it does not fail.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The work is done.
    Complete(Reply),
    /// The client has to answer questions and call again (2026-07-28, patterns/mrtr). The questions are in the call.
    InputRequired,
    /// A stream of notifications begins.
    Listen(Subscription),
}

/// The answer of a completed call.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Of a tool.
    Tool(ToolResult),
    /// Of a resource.
    Resource(Vec<ResourceContents>, CacheHint),
    /// Of a prompt.
    Prompt(PromptResult),
    /// Of a completer.
    Completion(CompletionValues),
    /// Members of a result object that are ready to send, without braces; with a cache hint where the revision has one.
    Members(Bytes, Option<CacheHint>),
    /// An object of an extension.
    Object(Value),
}

impl Reply {
    pub(crate) const EMPTY: Self = Self::Members(Bytes::new(), None);
}
