//! Calls and a service for tests of one layer alone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::future::{BoxFuture, ready};
use serde_json::{Value, json};

use crate::{
    Caller, Grants, Server, Service,
    call::{Call, Operation, Outcome, Reply},
    context::{Binding, CallContext},
    error::{Error, Failure},
    handler::{ToolResult, ask::AskState},
    peer::Peer,
    protocol::{Id, RequestMeta, Revision},
};

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
        let context = CallContext::new(
            Arc::clone(&self.0.0),
            Id::Number(1),
            Arc::new(Caller::authenticated(caller, caller).with_grants(Grants::all())),
            Revision::V2026_07_28,
            Peer::Sessionless,
            RequestMeta::default(),
            AskState::default(),
            binding,
            false,
        );
        Call { operation, context: Arc::new(context) }
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

/// The service inside a layer: counts what reaches it and answers with `reply`.
#[derive(Clone)]
pub(crate) struct Mock {
    pub(crate) reached: Arc<AtomicUsize>,
    reply: Arc<dyn Fn() -> ToolResult + Send + Sync>,
}

impl Mock {
    pub(crate) fn new() -> Self {
        Self::replying(ToolResult::new)
    }

    pub(crate) fn replying(reply: impl Fn() -> ToolResult + Send + Sync + 'static) -> Self {
        Self { reached: Arc::default(), reply: Arc::new(reply) }
    }

    pub(crate) fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}

impl tower::Service<Call> for Mock {
    type Response = Outcome;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Outcome, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Call) -> Self::Future {
        self.reached.fetch_add(1, Ordering::SeqCst);
        Box::pin(ready(Ok(Outcome::Complete(Reply::Tool((self.reply)())))))
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

/// A failure as the caller reads it.
pub(crate) fn told(failure: &Failure) -> Value {
    serde_json::to_value(failure).unwrap()
}
