//! The innermost service: runs what the call names.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use serde_json::Value;
use tower::Service;

use crate::{
    call::{Call, Operation, Outcome, Reply},
    context::Context as CallContext,
    error::{Error, ErrorKind, ToolError},
    handler::{BoxHandler, Invocation, ToolResult},
    peer::Peer,
    protocol::{Revision, RpcError},
    server::entries::ToolEntry,
    shared::Held,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Handle;

/// A tool's handler, which most calls run, is not boxed a second time.
pub(crate) enum HandleFuture {
    Tool { future: BoxFuture<'static, Result<ToolResult, ToolError>>, tool: Held<ToolEntry> },
    Other { future: BoxFuture<'static, Result<Outcome, Error>> },
    Done { result: Option<Result<Outcome, Error>> },
}

impl Future for HandleFuture {
    type Output = Result<Outcome, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Tool { future, tool } => {
                let result = std::task::ready!(future.as_mut().poll(cx));
                Poll::Ready(ended(result, |result| {
                    // Here and not in a layer: only here is a tool's result known to be one.
                    if let Some(output) = &tool.output {
                        output.check(&tool.name, &result)?;
                    }
                    Ok(Reply::Tool(result))
                }))
            }
            Self::Other { future } => future.as_mut().poll(cx),
            // Only a future that is polled again after its end has lost its result.
            Self::Done { result } => Poll::Ready(
                result
                    .take()
                    .unwrap_or_else(|| Err(Error::failed(ErrorKind::Internal, "internal error"))),
            ),
        }
    }
}

impl Service<Call> for Handle {
    type Response = Outcome;
    type Error = Error;
    type Future = HandleFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let Call { operation, context } = call;
        match operation {
            Operation::CallTool { tool, arguments } => {
                let future = (tool.handler)(invocation(context, arguments));
                HandleFuture::Tool { future, tool }
            }
            Operation::ReadResource { resource, uri, variables } => {
                let cache = resource.cache;
                let mime_type = resource.mime_type.clone();
                let uri = Some(uri);
                let invocation =
                    Invocation { context, arguments: variables, uri, mime_type, provided: None };
                finish((resource.handler)(invocation), move |contents| {
                    Ok(Reply::Resource(contents, cache))
                })
            }
            Operation::GetPrompt { prompt, arguments } => {
                let future = (prompt.handler)(invocation(context, arguments));
                finish(future, move |mut result: crate::handler::PromptResult| {
                    result.description = result.description.or_else(|| prompt.description.clone());
                    Ok(Reply::Prompt(result))
                })
            }
            Operation::Complete { completer: Some(completer), query, .. } => {
                run(&completer, context, query, Reply::Completion)
            }
            Operation::Extension { method, params } => {
                run(&method.handler, context, params, Reply::Object)
            }
            other => HandleFuture::Done { result: Some(immediate(other, &context)) },
        }
    }
}

fn invocation(context: CallContext, arguments: Value) -> Invocation {
    Invocation { context, arguments, uri: None, mime_type: None, provided: None }
}

fn run<R: Send + 'static>(
    handler: &BoxHandler<R>,
    context: CallContext,
    arguments: Value,
    reply: fn(R) -> Reply,
) -> <Handle as Service<Call>>::Future {
    finish(handler(invocation(context, arguments)), move |result| Ok(reply(result)))
}

fn finish<R: Send + 'static>(
    future: BoxFuture<'static, Result<R, ToolError>>,
    reply: impl FnOnce(R) -> Result<Reply, Error> + Send + 'static,
) -> <Handle as Service<Call>>::Future {
    HandleFuture::Other { future: Box::pin(async move { ended(future.await, reply) }) }
}

fn ended<R>(
    result: Result<R, ToolError>,
    reply: impl FnOnce(R) -> Result<Reply, Error>,
) -> Result<Outcome, Error> {
    match result {
        Ok(result) => reply(result).map(Outcome::Complete),
        Err(error) => match error.into_error() {
            Error::Suspended => Ok(Outcome::InputRequired),
            error => Err(error),
        },
    }
}

/// What needs no handler.
fn immediate(operation: Operation, context: &CallContext) -> Result<Outcome, Error> {
    let core = &context.core;
    let modern = context.revision.is_modern();
    let reply = match operation {
        Operation::List { kind, cursor } => {
            let viewer = (core.name(), &*context.caller.grants);
            let page = core
                .registry
                .load()
                .page(kind, cursor.as_deref(), modern, &core.sealer, viewer)
                .map_err(Error::Rpc)?;
            Reply::Members(page, Some(core.cache))
        }
        Operation::Discover => Reply::Members(core.discover_members(), Some(core.cache)),
        Operation::Initialize { revision } => {
            Reply::Members(core.initialize_members(revision), None)
        }
        Operation::SetLevel(level) => {
            if let Peer::Legacy(session) = &context.peer {
                session.set_log_level(level);
            }
            Reply::EMPTY
        }
        Operation::Subscribe(uri) => {
            subscribe(context, &uri)?;
            Reply::EMPTY
        }
        Operation::Unsubscribe(uri) => {
            if let Peer::Legacy(session) = &context.peer {
                session.unsubscribe(&uri);
            }
            Reply::EMPTY
        }
        Operation::Listen(subscription) => return Ok(Outcome::Listen(subscription)),
        Operation::Refuse(_, error) => return Err(Error::Rpc(*error)),
        // No completer suggests nothing.
        Operation::Complete { .. } => {
            Reply::Completion(crate::handler::CompletionValues::default())
        }
        _ => Reply::EMPTY,
    };
    Ok(Outcome::Complete(reply))
}

fn subscribe(context: &CallContext, uri: &str) -> Result<(), Error> {
    if context.core.registry.load().resource(uri).is_none() {
        return Err(Error::Rpc(RpcError::resource_not_found(Revision::LATEST_LEGACY, uri)));
    }
    match &context.peer {
        Peer::Legacy(session) => session.subscribe(uri).map_err(Error::Rpc),
        _ => Err(Error::Rpc(RpcError::invalid_request(
            "subscriptions need a session: send initialize, and the Mcp-Session-Id that it returns",
        ))),
    }
}
