//! Nobody uses what they were not granted. What a caller may not use it does not see in lists either, which
//! [`Handle`](super::Handle) sees to; calling it all the same is PERMISSION_DENIED and says what is missing.
//!
//! Inside the record, so that denials are counted and audited; outside everything that spends quota or work on a call.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use futures_util::future::Either;
use tower::{Layer, Service};

use crate::{
    call::{Call, Operation, Outcome, Subject},
    context::CallContext,
    error::{Error, ErrorKind, Failure},
    results,
    scope::{Refusal, Scope, Target, TargetKind},
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct AuthorizeLayer;

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        Authorize { inner }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Authorize<S> {
    inner: S,
}

impl<S: Service<Call, Response = Outcome, Error = Error>> Service<Call> for Authorize<S> {
    type Response = Outcome;
    type Error = Error;
    type Future = Either<S::Future, Ready<Result<Outcome, Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        match authorize(&mut call) {
            Ok(()) => Either::Left(self.inner.call(call)),
            Err(error) => Either::Right(ready(Err(error))),
        }
    }
}

fn authorize(call: &mut Call) -> Result<(), Error> {
    let context = &call.context;
    match &mut call.operation {
        Operation::CallTool { tool, .. } => {
            check(context, TargetKind::Tool, &tool.name, &tool.scopes)
        }
        // Belongs to whoever may use the tool that made it, which only its page tells: the reader checks that.
        Operation::ReadResource { uri, .. } if uri.starts_with(results::PREFIX) => Ok(()),
        Operation::ReadResource { resource, uri, .. } => {
            check(context, TargetKind::Resource, uri, &resource.scopes)
        }
        Operation::GetPrompt { prompt, .. } => {
            check(context, TargetKind::Prompt, &prompt.name, &prompt.scopes)
        }
        // Suggestions tell what there is: they are for who may use it.
        Operation::Complete { subject: Subject::Prompt(prompt), .. } => {
            check(context, TargetKind::Prompt, &prompt.name, &prompt.scopes)
        }
        Operation::Complete { subject: Subject::Resource(resource), .. } => {
            let target = Target::new(
                context.core.name(),
                TargetKind::Resource,
                &resource.uri,
                &resource.scopes,
            );
            let may = match resource.template {
                Some(_) => context.caller.grants.may_allow(&target),
                None => context.caller.grants.allows(&target),
            };
            if may { Ok(()) } else { Err(denied(&target, Refusal::NotGranted)) }
        }
        Operation::Subscribe(uri) => check_uri(context, uri),
        // What a caller may not read it does not hear of; the acknowledgement says what is left.
        Operation::Listen(subscription) => {
            if let Some(uris) = &mut subscription.uris {
                uris.retain(|uri| check_uri(context, uri).is_ok());
            }
            Ok(())
        }
        Operation::Extension { method, .. } => check(context, TargetKind::Tool, &method.name, &[]),
        // Lists show what the caller may use; the rest tells nothing that is guarded, or ends in a refusal anyway.
        Operation::List { .. }
        | Operation::Discover
        | Operation::Initialize { .. }
        | Operation::Ping
        | Operation::SetLevel(_)
        | Operation::Unsubscribe(_)
        | Operation::Refuse(..) => Ok(()),
    }
}

/// A resource by its URI, with the scopes of whatever it is registered as.
fn check_uri(context: &CallContext, uri: &str) -> Result<(), Error> {
    match context.core.registry.load().resource(uri) {
        Some((resource, _)) => check(context, TargetKind::Resource, uri, &resource.scopes),
        None => check(context, TargetKind::Resource, uri, &[]),
    }
}

fn check(
    context: &CallContext,
    kind: TargetKind,
    item: &str,
    scopes: &[Scope],
) -> Result<(), Error> {
    let target = Target::new(context.core.name(), kind, item, scopes);
    context.caller.grants.check(&target).map_err(|refusal| denied(&target, refusal))
}

fn denied(target: &Target<'_>, refusal: Refusal<'_>) -> Error {
    let needed = target.needed();
    let message = match refusal {
        Refusal::MissingScope(scope) => {
            format!(
                "this needs the scope {scope}, which this caller does not hold; ask the operator for it"
            )
        }
        Refusal::Denied => "the operator has denied this to this caller".to_owned(),
        _ => format!("this caller may not use this; ask the operator to allow {needed}"),
    };
    let mut failure = Failure::new(ErrorKind::PermissionDenied, message);
    if !matches!(refusal, Refusal::Denied) {
        failure.details = Some(serde_json::json!({"required_scopes": needed}));
    }
    if matches!(refusal, Refusal::MissingScope(_)) {
        failure.insufficient_scope = Some(needed);
    }
    Error::Failed(failure)
}
