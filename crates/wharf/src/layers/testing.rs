//! Calls for tests of single layers, and what stands in for everything inside of them.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tower::Layer;

use crate::{
    Caller, Grants, Server, Service, Tool, ToolBuilder,
    call::{Call, Operation, Outcome, Reply},
    context::{Binding, CallContext},
    error::{Error, Failure, ToolError},
    handler::{
        ToolResult,
        ask::{AskState, Flow},
    },
    peer::Peer,
    protocol::{Id, RequestMeta, Revision},
};

/// A call of 2026-07-28 by somebody who may use everything.
fn call(
    service: &Service,
    caller: &str,
    operation: Operation,
    (meta, ask, binding): (RequestMeta, AskState, Binding),
) -> Call {
    let caller = Caller::authenticated(caller, caller).with_grants(Grants::all());
    let context = CallContext::new(
        service.0.hold(),
        Id::Number(1),
        Arc::new(caller),
        Revision::V2026_07_28,
        Peer::Sessionless,
        meta,
        ask,
        binding,
        false,
    );
    Call { operation, context: Arc::new(context) }
}

/// Calls of one server.
pub(crate) struct Calls(pub(crate) Service);

impl Calls {
    pub(crate) fn of(server: Server) -> Self {
        Self(server.build().unwrap())
    }

    /// `caller` does this.
    pub(crate) fn call(&self, caller: &str, operation: Operation) -> Call {
        self.with_round(caller, operation, None)
    }

    /// The same with what names an opened state.
    pub(crate) fn with_round(
        &self,
        caller: &str,
        operation: Operation,
        round: Option<&str>,
    ) -> Call {
        let binding = Binding { round: round.map(Into::into), ..Binding::default() };
        let parts = (RequestMeta::default(), AskState::default(), binding);
        call(&self.0, caller, operation, parts)
    }

    /// A call of the tool `name`.
    pub(crate) fn tool(&self, caller: &str, name: &str) -> Call {
        self.call(caller, self.operation(name))
    }

    pub(crate) fn operation(&self, name: &str) -> Operation {
        let tool = self.0.0.registry.load().tool(name).unwrap();
        Operation::CallTool { tool, arguments: json!({}) }
    }
}

/// A server with one tool, `work`, whose arguments are free.
pub(crate) fn built(
    change_server: impl FnOnce(Server) -> Server,
    change_tool: impl FnOnce(ToolBuilder) -> ToolBuilder,
) -> Service {
    let schema = json!({"type": "object", "properties": {"key": {}, "n": {}}});
    let tool = change_tool(Tool::new("work").input_schema(schema)).handler(|| async {});
    change_server(Server::new("mock", "1")).tool(tool).build().unwrap()
}

/// A call of `work`, to be changed by what a test is about.
pub(crate) struct Request {
    pub(crate) caller: &'static str,
    pub(crate) arguments: Value,
    pub(crate) meta: Value,
    /// Brings answers together with the sealed state that asked for them.
    pub(crate) continues: bool,
}

impl Request {
    pub(crate) fn new(arguments: Value) -> Self {
        Self { caller: "ada", arguments, meta: json!({}), continues: false }
    }

    pub(crate) fn by(mut self, caller: &'static str) -> Self {
        self.caller = caller;
        self
    }

    pub(crate) fn to(self, server: &Service) -> Call {
        let raw = Bytes::from(self.meta.to_string());
        let (meta, _) = RequestMeta::parse(&raw, std::str::from_utf8(&raw).ok(), None).unwrap();
        let mut ask = AskState::default();
        if self.continues {
            ask.flow = Some(Flow::resume("flow".to_owned(), 1, 0));
        }
        let tool = server.0.registry.load().tool("work").unwrap();
        let operation = Operation::CallTool { tool, arguments: self.arguments };
        call(server, self.caller, operation, (meta, ask, Binding::default()))
    }
}

type Answer = dyn Fn(usize) -> BoxFuture<'static, Result<Outcome, Error>> + Send + Sync;

/// The service inside a layer: counts how often it runs, and answers what the test says.
#[derive(Clone)]
pub(crate) struct Mock {
    runs: Arc<AtomicUsize>,
    answer: Arc<Answer>,
}

impl Mock {
    /// `answer` gets the number of the run, from 1.
    pub(crate) fn new<Fut>(answer: impl Fn(usize) -> Fut + Send + Sync + 'static) -> Self
    where
        Fut: Future<Output = Result<Outcome, Error>> + Send + 'static,
    {
        let answer = move |run| -> BoxFuture<'static, _> { Box::pin(answer(run)) };
        Self { runs: Arc::default(), answer: Arc::new(answer) }
    }

    pub(crate) fn replying(reply: impl Fn() -> ToolResult + Send + Sync + 'static) -> Self {
        Self::new(move |_| std::future::ready(Ok(Outcome::Complete(Reply::Tool(reply())))))
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    pub(crate) fn under<L: Layer<Self>>(&self, layer: &L) -> L::Service {
        layer.layer(self.clone())
    }
}

impl tower::Service<Call> for Mock {
    type Response = Outcome;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Outcome, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let (runs, answer) = (Arc::clone(&self.runs), Arc::clone(&self.answer));
        // A service's future does nothing until it is polled, as a handler's does.
        Box::pin(async move {
            let _kept_until_the_end = call;
            answer(runs.fetch_add(1, Ordering::SeqCst) + 1).await
        })
    }
}

/// Runs one call through a clone of `service`, as the stack does.
pub(crate) async fn run<S>(service: &S, call: Call) -> Result<ToolResult, Failure>
where
    S: tower::Service<Call, Response = Outcome, Error = Error> + Clone,
{
    match service.clone().call(call).await {
        Ok(Outcome::Complete(Reply::Tool(result))) => Ok(result),
        Err(Error::Failed(failure)) => Err(failure),
        other => panic!("neither a result nor a failure: {other:?}"),
    }
}

pub(crate) fn text(text: impl Into<String>) -> Result<Outcome, Error> {
    Ok(Outcome::Complete(Reply::Tool(ToolResult::text(text))))
}

pub(crate) fn failed(error: ToolError) -> Result<Outcome, Error> {
    Err(error.into_error())
}

/// An outcome as its text, or its code.
pub(crate) fn told(result: Result<Outcome, Error>) -> String {
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

/// A failure as the caller reads it.
pub(crate) fn read(failure: &Failure) -> Value {
    serde_json::to_value(failure).unwrap()
}

/// A member of a result's `_meta` under the project's prefix.
pub(crate) fn meta_of(result: &Result<Outcome, Error>, name: &str) -> Value {
    let Ok(Outcome::Complete(Reply::Tool(result))) = result else { return Value::Null };
    let key = format!("{}{name}", crate::Meta::PREFIX);
    result.meta.get(&key).cloned().unwrap_or_default()
}
