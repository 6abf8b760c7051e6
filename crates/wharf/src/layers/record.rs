//! Tells the metrics and audit sinks about each call, once, whatever becomes of it. A dropped future is a cancelled call.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::{
    call::{Call, Operation, Outcome},
    context::Context as CallContext,
    error::{Class, Error, ErrorKind},
    observe::CallRecord,
    server::{
        ExtensionMethod,
        entries::{PromptEntry, ResourceEntry, ToolEntry},
    },
    shared::Held,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordLayer;

impl<S> Layer<S> for RecordLayer {
    type Service = Record<S>;

    fn layer(&self, inner: S) -> Record<S> {
        Record { inner }
    }
}

#[derive(Clone)]
pub(crate) struct Record<S> {
    inner: S,
}

impl<S: Service<Call, Response = Outcome, Error = Error>> Service<Call> for Record<S> {
    type Response = Outcome;
    type Error = Error;
    type Future = RecordFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let entry = call.context.core.sinks().are_there().then(|| Entry {
            method: call.method(),
            named: Named::of(&call),
            context: Arc::clone(&call.context),
            started: Instant::now(),
            written: false,
        });
        RecordFuture { inner: self.inner.call(call), entry }
    }
}

/// What a call names, held until it is recorded: the call itself has gone to its handler by then.
enum Named {
    Tool(Held<ToolEntry>),
    Prompt(Arc<PromptEntry>),
    Method(Arc<ExtensionMethod>),
    /// With the URI that was asked for.
    Resource(Arc<ResourceEntry>, Box<str>),
    Other(Box<str>),
}

impl Named {
    fn of(call: &Call) -> Self {
        match &call.operation {
            Operation::CallTool { tool, .. } => Self::Tool(tool.clone()),
            Operation::GetPrompt { prompt, .. } => Self::Prompt(Arc::clone(prompt)),
            Operation::Extension { method, .. } => Self::Method(Arc::clone(method)),
            Operation::ReadResource { resource, .. } => {
                Self::Resource(Arc::clone(resource), call.target().into())
            }
            _ => Self::Other(call.target().into()),
        }
    }

    /// As [`Call::target`].
    fn target(&self) -> &str {
        match self {
            Self::Resource(_, uri) => uri,
            Self::Other(target) => target,
            _ => self.registered(),
        }
    }

    fn registered(&self) -> &str {
        match self {
            Self::Tool(tool) => &tool.name,
            Self::Prompt(prompt) => &prompt.name,
            Self::Method(method) => &method.name,
            Self::Resource(resource, _) => &resource.uri,
            Self::Other(_) => "",
        }
    }
}

struct Entry {
    method: &'static str,
    named: Named,
    context: CallContext,
    started: Instant,
    written: bool,
}

impl Entry {
    fn write(&mut self, outcome: &'static str, class: Class) {
        self.written = true;
        let record = CallRecord {
            request_id: self.context.request_id,
            server: self.context.core.name(),
            method: self.method,
            target: self.named.target(),
            registered: self.named.registered(),
            caller: &self.context.caller,
            revision: self.context.revision,
            outcome,
            class,
            cache: self.context.cache_status(),
            elapsed: self.started.elapsed(),
        };
        self.context.core.sinks().record(&record);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.written {
            return;
        }
        // Nobody waits any more: the client has gone, or `dispatch` has said why the call ends.
        if self.context.is_revoked() {
            let kind = ErrorKind::AuthenticationFailed;
            self.write(kind.code(), kind.class());
        } else if self.context.core.abort.is_cancelled() && !self.context.is_cancelled_by_client() {
            let kind = ErrorKind::ServiceUnavailable;
            self.write(kind.code(), kind.class());
        } else {
            self.write(CallRecord::CANCELLED, Class::CallerFault);
        }
    }
}

pin_project! {
    pub(crate) struct RecordFuture<F> {
        #[pin]
        inner: F,
        entry: Option<Entry>,
    }
}

impl<F: Future<Output = Result<Outcome, Error>>> Future for RecordFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        if let Some(entry) = this.entry {
            let (outcome, class) = match &result {
                Ok(Outcome::Complete(crate::call::Reply::Tool(result))) if result.is_error => {
                    ("TOOL_ERROR", Class::CallerFault)
                }
                Ok(Outcome::InputRequired) => ("INPUT_REQUIRED", Class::Success),
                Ok(_) => (CallRecord::OK, Class::Success),
                Err(error) => (error.code(), error.class()),
            };
            entry.write(outcome, class);
        }
        Poll::Ready(result)
    }
}
