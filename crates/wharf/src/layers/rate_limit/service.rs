//! The service.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::FutureExt;
use tower::Service;

use super::{
    RateLimits,
    buckets::{Buckets, free_round},
    error::rate_limited,
    trouble::Trouble,
};
use crate::{
    call::{Call, Outcome},
    context::CallContext,
    error::Error,
    layers::gated::Gated,
    state::{Quota, StateError, StateStore, Take},
};

/// What all clones of the service share. No lock: what callers contend for is in the store.
pub(super) struct Shared {
    pub(super) server: Arc<str>,
    pub(super) limits: RateLimits,
    pub(super) store: Arc<dyn StateStore>,
    pub(super) trouble: Trouble,
}

#[derive(Clone)]
pub(crate) struct RateLimit<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> RateLimit<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S> Service<Call> for RateLimit<S>
where
    S: Service<Call, Response = Outcome, Error = Error> + Clone,
{
    type Response = Outcome;
    type Error = Error;
    type Future = Gated<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let shared = &self.shared;
        let Some(buckets) = Buckets::of(&call, &shared.limits) else {
            return Gated::open(&mut self.inner, call);
        };
        let admitted = if shared.trouble.store_rests() {
            shared.trouble.not_asked()
        } else if shared.store.is_immediate() {
            // No waiting, so nothing to allocate: the future lives and ends on this thread's stack.
            match shared.take(&call.context, &buckets).now_or_never() {
                Some(admitted) => admitted,
                None => shared.trouble.timed_out(),
            }
        } else {
            let (shared, context) = (Arc::clone(shared), Arc::clone(&call.context));
            let line = Box::pin(async move {
                let wait = shared.limits.store_wait;
                match tokio::time::timeout(wait, shared.take(&context, &buckets)).await {
                    Ok(admitted) => admitted,
                    Err(_) => shared.trouble.timed_out(),
                }
            });
            return Gated::waiting(line, self.inner.clone(), call);
        };
        match admitted {
            Ok(()) => Gated::open(&mut self.inner, call),
            Err(error) => Gated::refused(error),
        }
    }
}

impl Shared {
    /// Takes one token from each bucket. The first that has none ends it; tokens that were taken before stay taken.
    async fn take(&self, context: &CallContext, buckets: &Buckets) -> Result<(), Error> {
        match self.is_free(context).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => return self.trouble.failed(&error),
        }
        for (scope, name, rate) in buckets.iter(&self.server, &context.caller.id) {
            match self.store.take(name.as_bytes(), rate.quota(), 1).await {
                Ok(Take::Granted { .. }) => {}
                Ok(Take::Wait(wait)) => return Err(rate_limited(scope, rate, wait)),
                Err(error) => return self.trouble.failed(&error),
            }
        }
        Ok(())
    }

    /// Whether the call goes on with one that was paid for. Each sealed state is good for one such call: brought a second
    /// time it is another call, or one answer would buy any number of them.
    async fn is_free(&self, context: &CallContext) -> Result<bool, StateError> {
        let Some(round) = context.binding.round.as_deref() else { return Ok(false) };
        let once = Quota::new(std::num::NonZeroU32::MIN, context.core.limits.request_state_ttl);
        let name = free_round(&self.server, round);
        let take = self.store.take(name.as_bytes(), once, 1).await?;
        Ok(matches!(take, Take::Granted { .. }))
    }
}
