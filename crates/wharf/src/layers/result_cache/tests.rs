//! The layer alone, with the clock in the test's hand.

use std::time::Duration;

use futures_util::{FutureExt, future::join_all};
use serde_json::json;
use tokio::time::{advance, sleep};
use tower::Service;

use super::ResultCacheLayer;
use crate::{
    cache_policy::CachePolicy,
    call::Outcome,
    error::ToolError,
    layers::testing::{Mock, Request, built, failed, meta_of, text, told},
    server::{Handle, Service as Built},
};

const TTL: Duration = Duration::from_secs(60);

fn server() -> Built {
    built(|server| server, |tool| tool.cache(CachePolicy::ttl(TTL).tag("numbers")))
}

fn ask(n: i64) -> Request {
    Request::new(json!({"n": n}))
}

#[tokio::test(start_paused = true)]
async fn a_result_is_given_again_until_it_is_too_old() {
    let server = server();
    let inner = Mock::new(|run| async move { text(format!("run {run}")) });
    let mut layer = inner.under(&ResultCacheLayer);
    let first = layer.call(ask(1).to(&server)).await;
    assert_eq!(meta_of(&first, "cache"), "miss");
    assert_eq!(told(first), "run 1");
    advance(TTL - Duration::from_millis(1)).await;
    let call = ask(1).to(&server);
    let context = call.context.clone();
    let second = layer.call(call).await;
    assert_eq!(meta_of(&second, "cache"), "hit");
    assert_eq!(context.cache_status(), Some(crate::CacheStatus::Hit));
    assert_eq!(told(second), "run 1");
    advance(Duration::from_millis(1)).await;
    assert_eq!(told(layer.call(ask(1).to(&server)).await), "run 2");
}

#[tokio::test(start_paused = true)]
async fn the_key_is_what_was_asked_and_by_whom() {
    let server = server();
    let inner = Mock::new(|run| async move { text(format!("run {run}")) });
    let mut layer = inner.under(&ResultCacheLayer);
    let parse = |text: &str| Request::new(serde_json::from_str(text).unwrap());
    assert_eq!(told(layer.call(parse(r#"{"n":1,"key":2}"#).to(&server)).await), "run 1");
    assert_eq!(told(layer.call(parse(r#"{"key":2,"n":1}"#).to(&server)).await), "run 1");
    assert_eq!(told(layer.call(parse(r#"{"key":1,"n":2}"#).to(&server)).await), "run 2");
    assert_eq!(told(layer.call(parse(r#"{"key":2,"n":1}"#).by("bob").to(&server)).await), "run 3");
}

#[tokio::test(start_paused = true)]
async fn other_permissions_are_another_key() {
    let server = server();
    let inner = Mock::new(|run| async move { text(format!("run {run}")) });
    let mut layer = inner.under(&ResultCacheLayer);
    let with = |patterns: [&str; 1]| {
        let mut call = ask(1).to(&server);
        let grants = crate::Grants::parse(patterns).unwrap();
        let context = std::sync::Arc::get_mut(&mut call.context).unwrap();
        let caller = crate::Caller::clone(&context.caller).with_grants(grants.into());
        context.caller = caller.into();
        call
    };
    assert_eq!(told(layer.call(with(["*"])).await), "run 1");
    assert_eq!(told(layer.call(with(["tools"])).await), "run 2");
    assert_eq!(told(layer.call(with(["*"])).await), "run 1");
}

#[tokio::test(start_paused = true)]
async fn a_public_result_is_everybody_s() {
    let server = built(|server| server, |tool| tool.cache(CachePolicy::ttl(TTL).public()));
    let inner = Mock::new(|run| async move { text(format!("run {run}")) });
    let mut layer = inner.under(&ResultCacheLayer);
    for caller in ["ada", "bob"] {
        assert_eq!(told(layer.call(ask(1).by(caller).to(&server)).await), "run 1");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_invalidated_runs_again() {
    let server = server();
    let handle: Handle = server.handle();
    let inner = Mock::new(|run| async move { text(format!("run {run}")) });
    let mut layer = inner.under(&ResultCacheLayer);
    assert_eq!(told(layer.call(ask(1).to(&server)).await), "run 1");
    handle.invalidate_tag("other");
    handle.invalidate_tool("other");
    assert_eq!(told(layer.call(ask(1).to(&server)).await), "run 1");
    handle.invalidate_tag("numbers");
    assert_eq!(told(layer.call(ask(1).to(&server)).await), "run 2");
    handle.invalidate_tool("work");
    assert_eq!(told(layer.call(ask(1).to(&server)).await), "run 3");
    // Names that nobody knows cost nothing in the long run, and bring nothing back.
    for n in 0..10_000 {
        handle.invalidate_tag(&n.to_string());
    }
    assert_eq!(told(layer.call(ask(1).to(&server)).await), "run 4");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_began_before_an_invalidation_is_not_kept() {
    let server = server();
    let inner = Mock::new(|run| async move {
        sleep(Duration::from_secs(1)).await;
        text(format!("run {run}"))
    });
    let mut layer = inner.under(&ResultCacheLayer);
    let mut early = layer.call(ask(1).to(&server));
    assert!((&mut early).now_or_never().is_none());
    server.handle().invalidate_tool("work");
    assert_eq!(told(early.await), "run 1");
    assert_eq!(told(layer.call(ask(1).to(&server)).await), "run 2");
}

#[tokio::test(start_paused = true)]
async fn calls_at_once_share_one_run() {
    let server = server();
    let inner = Mock::new(|run| async move {
        sleep(Duration::from_secs(1)).await;
        text(format!("run {run}"))
    });
    let mut layer = inner.under(&ResultCacheLayer);
    let calls: Vec<_> = (0..50).map(|_| layer.call(ask(1).to(&server))).collect();
    let answers = join_all(calls).await;
    let shared = answers.iter().filter(|answer| meta_of(answer, "cache") == "shared").count();
    assert_eq!(shared, 49);
    for answer in answers {
        assert_eq!(told(answer), "run 1");
    }
    assert_eq!(inner.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_fails_nobody_who_waits() {
    let server = server();
    let inner = Mock::new(|run| async move {
        sleep(Duration::from_secs(1)).await;
        text(format!("run {run}"))
    });
    let mut layer = inner.under(&ResultCacheLayer);
    let mut first = layer.call(ask(1).to(&server));
    assert!((&mut first).now_or_never().is_none());
    let waiting: Vec<_> = (0..10).map(|_| layer.call(ask(1).to(&server))).collect();
    let mut waiting = Box::pin(join_all(waiting));
    assert!((&mut waiting).now_or_never().is_none());
    drop(first);
    for answer in waiting.await {
        assert_eq!(told(answer), "run 2");
    }
    // And one who waits can leave without a trace.
    let mut runs = layer.call(ask(2).to(&server));
    let mut leaves = layer.call(ask(2).to(&server));
    assert!((&mut runs).now_or_never().is_none() && (&mut leaves).now_or_never().is_none());
    drop(leaves);
    assert_eq!(told(runs.await), "run 3");
}

#[tokio::test(start_paused = true)]
async fn failures_and_questions_belong_to_their_call_alone() {
    for first in ["failure", "error result", "question"] {
        let server = server();
        let inner = Mock::new(move |run| async move {
            sleep(Duration::from_secs(1)).await;
            match (run, first) {
                (1, "failure") => failed(ToolError::invalid_input("no")),
                (1, "question") => Ok(Outcome::InputRequired),
                (1, _) => {
                    Ok(Outcome::Complete(crate::Reply::Tool(crate::ToolResult::failure("failed"))))
                }
                _ => text(format!("run {run}")),
            }
        });
        let mut layer = inner.under(&ResultCacheLayer);
        let (one, two) =
            tokio::join!(layer.call(ask(1).to(&server)), layer.call(ask(1).to(&server)));
        assert_ne!(told(one), "run 1", "{first}");
        assert_eq!(told(two), "run 2", "{first}");
        // Neither was kept before, the second is not what came first.
        let third = told(layer.call(ask(1).to(&server)).await);
        assert!(third == "run 2" || third == "run 3", "{first}: {third}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_brings_answers_is_not_answered_from_here() {
    let server = server();
    let inner = Mock::new(|run| async move { text(format!("run {run}")) });
    let mut layer = inner.under(&ResultCacheLayer);
    assert_eq!(told(layer.call(ask(1).to(&server)).await), "run 1");
    let mut continuation = ask(1);
    continuation.continues = true;
    let answer = layer.call(continuation.to(&server)).await;
    assert_eq!(meta_of(&answer, "cache"), json!(null));
    assert_eq!(told(answer), "run 2");
}

#[tokio::test(start_paused = true)]
async fn kept_results_are_bounded_in_bytes() {
    const BOUND: u64 = 100_000;
    let server = built(
        |server| {
            server.limits(crate::Limits { result_cache_bytes: BOUND, ..crate::Limits::default() })
        },
        |tool| tool.cache(CachePolicy::ttl(TTL)),
    );
    let inner = Mock::new(|_| async { text("x".repeat(1_000)) });
    let mut layer = inner.under(&ResultCacheLayer);
    for n in 0..1_000 {
        layer.call(ask(n).to(&server)).await.unwrap();
    }
    assert!(server.0.kept_results.size_bytes() <= BOUND);
}

#[tokio::test(start_paused = true)]
async fn those_who_waited_for_a_failure_run_at_once_and_not_one_after_the_other() {
    let server = server();
    let inner = Mock::new(|_| async move {
        sleep(Duration::from_secs(1)).await;
        failed(ToolError::invalid_input("no"))
    });
    let mut layer = inner.under(&ResultCacheLayer);
    let began = tokio::time::Instant::now();
    let calls: Vec<_> = (0..50).map(|_| layer.call(ask(1).to(&server))).collect();
    assert!(join_all(calls).await.iter().all(Result::is_err));
    assert_eq!(inner.runs(), 50);
    // The first one, and then all others together.
    assert_eq!(began.elapsed(), Duration::from_secs(2));
    assert_eq!(server.0.kept_results.size_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_result_as_large_as_a_budget_allows_is_kept_whatever_the_number_of_parts() {
    let server = server();
    let inner = Mock::new(|run| async move { text(format!("{run}{}", "x".repeat(1 << 20))) });
    let mut layer = inner.under(&ResultCacheLayer);
    let first = told(layer.call(ask(1).to(&server)).await);
    assert_eq!(told(layer.call(ask(1).to(&server)).await), first);
    assert_eq!(inner.runs(), 1);
}
