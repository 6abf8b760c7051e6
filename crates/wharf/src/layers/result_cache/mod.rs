//! Answers a tool's call from an earlier result, and lets calls that ask the same at the same time share one run.
//!
//! Inside validation, so that arguments are in their final form, and inside authorization, so that nobody gets what they
//! may not ask for. A call that brings answers to questions is never answered from here, and a result that asks questions is
//! never kept or shared.

mod store;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{BoxFuture, Either};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower::{Layer, Service};

pub(crate) use store::ResultStore;

use self::store::Kept;
use crate::{
    cache_policy::{CachePolicy, CacheStatus},
    call::{Call, Operation, Outcome, Reply},
    canonical,
    error::Error,
    server::entries::ToolEntry,
};

/// Where a result says whence it came, under [`Meta::PREFIX`](crate::Meta::PREFIX).
const CACHE_META: &str = "dev.wharf/cache";

#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultCacheLayer;

impl<S> Layer<S> for ResultCacheLayer {
    type Service = ResultCache<S>;

    fn layer(&self, inner: S) -> ResultCache<S> {
        ResultCache { inner }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ResultCache<S> {
    inner: S,
}

impl<S> Service<Call> for ResultCache<S>
where
    S: Service<Call, Response = Outcome, Error = Error> + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Outcome;
    type Error = Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Outcome, Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let Some((key, ttl)) = cacheable(&call) else {
            return Either::Left(self.inner.call(call));
        };
        let context = Arc::clone(&call.context);
        // Not polled before this call knows that it has to run.
        let run = self.inner.call(call);
        Either::Right(Box::pin(async move {
            let results = &context.core.kept_results;
            let (outcome, status) = kept_or_run(results, key, ttl, run).await?;
            context.note_cache(status);
            Ok(marked(outcome, status))
        }))
    }
}

/// The key of a call that may be answered from an earlier one, and how long its own result may be.
fn cacheable(call: &Call) -> Option<([u8; 32], Duration)> {
    let Operation::CallTool { tool, arguments } = &call.operation else { return None };
    let policy = tool.cache.as_ref().filter(|_| !call.context.brings_answers())?;
    Some((key(call, tool, policy, arguments), policy.ttl))
}

fn key(call: &Call, tool: &ToolEntry, policy: &CachePolicy, arguments: &Value) -> [u8; 32] {
    let context = &call.context;
    let mut hasher = Sha256::new();
    // A tool that was replaced under its name is another tool.
    hasher.update(tool.serial.to_le_bytes());
    hasher.update(context.core.kept_results.generation(&tool.name, &policy.tags).to_le_bytes());
    let caller = if policy.public { "" } else { &context.caller.id };
    hasher.update([u8::from(policy.public)]);
    hasher.update((caller.len() as u64).to_le_bytes());
    hasher.update(caller);
    if !policy.public {
        // Who may use less than before may also get less than before.
        hasher.update(context.caller.grants.fingerprint().to_le_bytes());
    }
    canonical::absorb(arguments, &mut hasher);
    hasher.finalize().into()
}

/// Gives what is kept and not too old. Otherwise it runs, unless a call with the same key is running: then its result is
/// this call's too. Whoever runs may be cancelled; then one of those who wait runs in its place.
async fn kept_or_run<F>(
    results: &ResultStore,
    key: [u8; 32],
    ttl: Duration,
    run: F,
) -> Result<(Outcome, CacheStatus), Error>
where
    F: Future<Output = Result<Outcome, Error>>,
{
    let mut run = std::pin::pin!(run);
    let began = results.moment();
    loop {
        let mut own = None;
        let kept = results
            .get_or_run(key, async {
                let result = run.as_mut().await;
                let kept = match &result {
                    Ok(Outcome::Complete(Reply::Tool(result))) => results.keep(result, ttl),
                    _ => None,
                };
                own = Some(result);
                kept
            })
            .await;
        return match (own, kept) {
            (Some(result), _) => result.map(|outcome| (outcome, CacheStatus::Miss)),
            (None, Some(kept)) if kept.is_too_old() => {
                results.forget(&key, &kept);
                continue;
            }
            (None, Some(kept)) => {
                // What was made since this call began was made while it waited.
                let status = match kept.is_since(began) {
                    true => CacheStatus::Shared,
                    false => CacheStatus::Hit,
                };
                Ok((kept.outcome(), status))
            }
            // What the other got is for it alone: a failure, or a question to its client.
            (None, None) => run.await.map(|outcome| (outcome, CacheStatus::Miss)),
        };
    }
}

/// Says in the result where it came from.
fn marked(outcome: Outcome, status: CacheStatus) -> Outcome {
    match outcome {
        Outcome::Complete(Reply::Tool(mut result)) => {
            result.meta = result.meta.with(CACHE_META, status.as_str());
            Outcome::Complete(Reply::Tool(result))
        }
        other => other,
    }
}

impl Kept {
    fn outcome(&self) -> Outcome {
        Outcome::Complete(Reply::Tool(self.result.clone()))
    }
}
