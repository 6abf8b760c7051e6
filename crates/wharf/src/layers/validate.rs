//! Nothing reaches a handler that its JSON Schema does not accept. Refusals name the path and the rule, and never repeat
//! the value.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use futures_util::future::Either;
use tower::{Layer, Service};

use crate::{
    call::{Call, Operation, Outcome},
    error::{Error, ErrorKind, Failure},
    protocol::RpcError,
    schema::Refusals,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct ValidateLayer;

impl<S> Layer<S> for ValidateLayer {
    type Service = Validate<S>;

    fn layer(&self, inner: S) -> Validate<S> {
        Validate { inner }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Validate<S> {
    inner: S,
}

impl<S: Service<Call, Response = Outcome, Error = Error>> Service<Call> for Validate<S> {
    type Response = Outcome;
    type Error = Error;
    type Future = Either<S::Future, Ready<Result<Outcome, Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        match validate(&mut call) {
            Ok(()) => Either::Left(self.inner.call(call)),
            Err(error) => Either::Right(ready(Err(error))),
        }
    }
}

fn validate(call: &mut Call) -> Result<(), Error> {
    match &mut call.operation {
        Operation::CallTool { tool, arguments } => {
            tool.input.check(arguments).map_err(|refusals| {
                let mut failure =
                    Failure::new(ErrorKind::InvalidInput, format!("invalid arguments: {refusals}"));
                failure.details = Some(refusals.to_json());
                Error::Failed(failure)
            })
        }
        Operation::GetPrompt { prompt, arguments } => match &prompt.arguments {
            Some(schema) => schema.check(arguments).map_err(invalid_params),
            None => Ok(()),
        },
        Operation::Extension { method, params } => match &method.schema {
            Some(schema) => schema.check(params).map_err(invalid_params),
            None => Ok(()),
        },
        // A URI whose variables do not fit names nothing that exists.
        Operation::ReadResource { resource, uri, variables } => match &resource.variables {
            Some(schema) => schema
                .check(variables)
                .map_err(|_| Error::Rpc(RpcError::resource_not_found(call.context.revision, uri))),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn invalid_params(refusals: Refusals) -> Error {
    let data =
        serde_json::json!({"code": ErrorKind::InvalidInput.code(), "details": refusals.to_json()});
    Error::Rpc(RpcError::invalid_params(format!("invalid arguments: {refusals}")).with_data(data))
}
