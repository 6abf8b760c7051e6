//! Calls for tests of single layers, and what stands in for everything inside of them.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use serde_json::{Value, json};
use tower::{Layer, Service};

use crate::{
    call::{Call, Operation, Outcome, Reply},
    caller::Caller,
    context::{Binding, CallContext},
    error::{Error, ToolError},
    handler::{
        ToolResult,
        ask::{AskState, Flow},
    },
    peer::Peer,
    protocol::{Id, RequestMeta, Revision},
    server::{Server, Service as Built, Tool, ToolBuilder},
};

/// A server with one tool, `work`, whose arguments are free.
pub(super) fn built(
    change_server: impl FnOnce(Server) -> Server,
    change_tool: impl FnOnce(ToolBuilder) -> ToolBuilder,
) -> Built {
    let schema = json!({"type": "object", "properties": {"key": {}, "n": {}}});
    let tool = change_tool(Tool::new("work").input_schema(schema)).handler(|| async {});
    change_server(Server::new("mock", "1")).tool(tool).build().unwrap()
}

/// A call of `work`, to be changed by what a test is about.
pub(super) struct Request {
    pub(super) caller: &'static str,
    pub(super) arguments: Value,
    pub(super) meta: Value,
    /// Brings answers together with the sealed state that asked for them.
    pub(super) continues: bool,
}

impl Request {
    pub(super) fn new(arguments: Value) -> Self {
        Self { caller: "ada", arguments, meta: json!({}), continues: false }
    }

    pub(super) fn by(mut self, caller: &'static str) -> Self {
        self.caller = caller;
        self
    }

    pub(super) fn to(self, server: &Built) -> Call {
        let raw = Bytes::from(self.meta.to_string());
        let meta = RequestMeta::parse(&raw, std::str::from_utf8(&raw).ok()).unwrap();
        let mut ask = AskState::default();
        if self.continues {
            ask.flow = Some(Flow::resume("flow".to_owned(), 1, 0));
        }
        let context = CallContext::new(
            Arc::clone(&server.0),
            Id::Number(1),
            Arc::new(
                Caller::authenticated(self.caller, self.caller).with_grants(crate::Grants::all()),
            ),
            Revision::V2026_07_28,
            Peer::Sessionless,
            meta,
            ask,
            Binding::default(),
            false,
        );
        let tool = server.0.registry.load().tool("work").unwrap();
        let operation = Operation::CallTool { tool, arguments: self.arguments };
        Call { operation, context: Arc::new(context) }
    }
}

/// Counts how often it ran, and answers what the test says.
#[derive(Clone)]
pub(super) struct Inner<F> {
    runs: Arc<AtomicUsize>,
    answer: F,
}

impl<F, Fut> Inner<F>
where
    F: Fn(usize) -> Fut,
    Fut: Future<Output = Result<Outcome, Error>>,
{
    /// `answer` gets the number of the run, from 1.
    pub(super) fn new(answer: F) -> Self {
        Self { runs: Arc::default(), answer }
    }

    pub(super) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    pub(super) fn under<L: Layer<Self>>(&self, layer: &L) -> L::Service
    where
        F: Clone,
    {
        layer.layer(self.clone())
    }
}

impl<F, Fut> Service<Call> for Inner<F>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    type Response = Outcome;
    type Error = Error;
    type Future = futures_util::future::BoxFuture<'static, Result<Outcome, Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let (runs, answer) = (Arc::clone(&self.runs), self.answer.clone());
        // A service's future does nothing until it is polled, as a handler's does.
        Box::pin(async move {
            let _kept_until_the_end = call;
            answer(runs.fetch_add(1, Ordering::SeqCst) + 1).await
        })
    }
}

pub(super) fn text(text: impl Into<String>) -> Result<Outcome, Error> {
    Ok(Outcome::Complete(Reply::Tool(ToolResult::text(text))))
}

pub(super) fn failed(error: ToolError) -> Result<Outcome, Error> {
    Err(error.into_error())
}

/// An outcome as its text, or its code.
pub(super) fn told(result: Result<Outcome, Error>) -> String {
    match result {
        Ok(Outcome::Complete(Reply::Tool(result))) => match result.content.first() {
            Some(crate::Content::Text { text, .. }) => text.clone(),
            _ => String::new(),
        },
        Ok(Outcome::InputRequired) => "INPUT_REQUIRED".to_owned(),
        Ok(_) => "?".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

/// A member of a result's `_meta` under the project's prefix.
pub(super) fn meta_of(result: &Result<Outcome, Error>, name: &str) -> Value {
    let Ok(Outcome::Complete(Reply::Tool(result))) = result else { return Value::Null };
    let key = format!("{}{name}", crate::Meta::PREFIX);
    result.meta.get(&key).cloned().unwrap_or_default()
}
