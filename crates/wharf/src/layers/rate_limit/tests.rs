//! The layer alone: a mock inside, a paused clock, and stores that fail in every way a store can.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use serde_json::json;
use tokio::time::{Instant, advance};
use tower::Layer;

use super::*;
use crate::{
    CallRecord, Server, Tool,
    call::Operation,
    layers::{
        faulty::{Fault, Faulty},
        testing::{Calls, Mock, read, run},
    },
    observe::{MetricsSink, RefusalRecord, StoreTrouble},
    protocol::RpcError,
    server::lists::ListKind,
    state::{MemoryLimits, MemoryStore, StateStore},
};

fn server() -> Server {
    Server::new("limited", "1.0.0").tool(Tool::new("free").handler(|| async {})).tool(
        Tool::new("limited")
            .rate_limit(Rate::per_minute(6).burst(3))
            .rate_limit_per_caller(Rate::per_minute(60).burst(2))
            .handler(|| async {}),
    )
}

fn limits(change: impl FnOnce(&mut RateLimits)) -> RateLimits {
    let mut limits = RateLimits::default();
    change(&mut limits);
    limits
}

/// The layer over a mock, and calls for it.
struct Site {
    calls: Calls,
    inner: Mock,
    service: RateLimit<Mock>,
}

type RateLimit<S> = super::service::RateLimit<S>;

impl Site {
    fn new(limits: RateLimits, store: impl StateStore) -> Self {
        Self::with(limits, Arc::new(store), None)
    }

    fn with(
        limits: RateLimits,
        store: Arc<dyn StateStore>,
        metrics: Option<Arc<dyn MetricsSink>>,
    ) -> Self {
        let inner = Mock::replying(crate::ToolResult::new);
        let service = RateLimitLayer::new("limited", limits, store, metrics).layer(inner.clone());
        Self { calls: Calls::of(server()), inner, service }
    }

    /// One call of a tool: nothing, or the seconds to wait and which limit it was.
    async fn tool(&self, caller: &str, name: &str) -> Result<(), (u64, String)> {
        let failure = match run(&self.service, self.calls.tool(caller, name)).await {
            Ok(_) => return Ok(()),
            Err(failure) => read(&failure),
        };
        assert_eq!(
            (&failure["code"], &failure["retryable"]),
            (&json!("RATE_LIMITED"), &json!(true))
        );
        let limit = failure["details"]["limit"].as_str().unwrap().to_owned();
        Err((failure["retry_after_seconds"].as_u64().unwrap(), limit))
    }

    /// How many of `calls` get through.
    async fn passed(&self, caller: &str, name: &str, calls: usize) -> usize {
        let before = self.inner.runs();
        for _ in 0..calls {
            drop(self.tool(caller, name).await);
        }
        self.inner.runs() - before
    }
}

fn wait(seconds: u64, limit: &str) -> Result<(), (u64, String)> {
    Err((seconds, limit.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn each_caller_has_its_own_bucket() {
    let rate = Rate::per_minute(60).burst(2);
    let site = Site::new(limits(|limits| limits.per_caller = Some(rate)), MemoryStore::default());
    for caller in ["ann", "bob"] {
        assert_eq!(site.tool(caller, "free").await, Ok(()));
        assert_eq!(site.tool(caller, "free").await, Ok(()));
        assert_eq!(site.tool(caller, "free").await, wait(1, "per_caller"));
    }
    assert_eq!(site.inner.runs(), 4);
    // A refused call took nothing: exactly when it was told to, the caller may come back, once.
    advance(Duration::from_millis(999)).await;
    assert_eq!(site.tool("ann", "free").await, wait(1, "per_caller"));
    advance(Duration::from_millis(1)).await;
    assert_eq!(site.tool("ann", "free").await, Ok(()));
    assert_eq!(site.tool("ann", "free").await, wait(1, "per_caller"));
    // However long it waits, no more than the burst is saved up.
    advance(Duration::from_secs(86_400)).await;
    assert_eq!(site.passed("ann", "free", 10).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_tool_has_a_bucket_for_each_caller_and_one_for_all() {
    let site = Site::new(RateLimits::default(), MemoryStore::default());
    assert_eq!(site.tool("ann", "limited").await, Ok(()));
    assert_eq!(site.tool("ann", "limited").await, Ok(()));
    // Over its own limit a caller takes nothing from the others.
    for _ in 0..50 {
        assert_eq!(site.tool("ann", "limited").await, wait(1, "tool_per_caller"));
    }
    assert_eq!(site.tool("bob", "limited").await, Ok(()));
    assert_eq!(site.tool("bob", "limited").await, wait(10, "tool"));
    assert_eq!(site.passed("ann", "free", 100).await, 100);
}

#[tokio::test(start_paused = true)]
async fn a_server_has_one_bucket_for_all() {
    let rate = Rate::per_hour(3);
    let site = Site::new(limits(|limits| limits.server = Some(rate)), MemoryStore::default());
    for caller in ["ann", "bob", "eve"] {
        assert_eq!(site.tool(caller, "free").await, Ok(()));
    }
    assert_eq!(site.tool("zoe", "free").await, wait(1200, "server"));
}

#[tokio::test(start_paused = true)]
async fn a_daily_quota_outlives_the_minute() {
    let limits = limits(|limits| {
        limits.per_caller = Some(Rate::per_second(1));
        limits.daily_per_caller = Some(Rate::per_day(4));
    });
    let site = Site::new(limits, MemoryStore::default());
    for _ in 0..4 {
        assert_eq!(site.tool("ann", "free").await, Ok(()));
        advance(Duration::from_secs(60)).await;
    }
    // One of four comes back every six hours; four minutes have passed.
    assert_eq!(site.tool("ann", "free").await, wait(6 * 3600 - 240, "daily_per_caller"));
    assert_eq!(site.tool("bob", "free").await, Ok(()));
    advance(Duration::from_secs(6 * 3600 - 240)).await;
    assert_eq!(site.passed("ann", "free", 1).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_runs_no_handler_costs_nothing_and_guessing_is_not_free() {
    let rate = Rate::per_minute(1);
    let site = Site::new(limits(|limits| limits.per_caller = Some(rate)), MemoryStore::default());
    for _ in 0..100 {
        for operation in [
            Operation::List { kind: ListKind::Tools, cursor: None },
            Operation::Discover,
            Operation::Ping,
        ] {
            run(&site.service, site.calls.call("ann", operation)).await.unwrap();
        }
    }
    let guess = || {
        let error = RpcError::unknown_tool("guess", None);
        site.calls.call("ann", Operation::Refuse("tools/call", Box::new(error)))
    };
    run(&site.service, guess()).await.unwrap();
    assert!(run(&site.service, guess()).await.is_err());
    assert_eq!(site.tool("ann", "free").await, wait(60, "per_caller"));
}

#[tokio::test(start_paused = true)]
async fn a_verified_continuation_is_free_once() {
    let rate = Rate::per_minute(2);
    let site = Site::new(limits(|limits| limits.per_caller = Some(rate)), MemoryStore::default());
    let bring = async |round| {
        let call = site.calls.with_round("ann", site.calls.operation("free"), Some(round));
        run(&site.service, call).await.is_ok()
    };
    assert_eq!(site.passed("ann", "free", 3).await, 2);
    // Without a token left it still goes on, each round of it.
    assert!(bring("first").await);
    assert!(bring("second").await);
    // Brought again it is a call like any other, or one answer would buy any number of them.
    assert!(!bring("first").await);
    advance(Duration::from_secs(30)).await;
    assert!(bring("first").await);
    assert!(!bring("first").await);
}

/// A million callers within a second, most of whom never come back.
#[tokio::test(start_paused = true)]
async fn a_million_callers_take_bounded_memory() {
    const HELD: usize = 20_000;
    let room = MemoryLimits { entries: HELD, ..MemoryLimits::default() };
    let store = Arc::new(MemoryStore::new(room));
    let rate = Rate::per_second(20).burst(1);
    let limits = limits(|limits| {
        limits.per_caller = Some(rate);
        limits.store_failure = StoreFailure::Refuse;
    });
    let site = Site::with(limits, Arc::clone(&store) as _, None);
    let mut most = (0, 0);
    for caller in 0..1_000_000_u32 {
        // Each bucket is full again after 50 ms, in which 10,000 others come.
        if caller % 100 == 0 {
            advance(Duration::from_micros(500)).await;
        }
        assert_eq!(site.tool(&format!("caller {caller}"), "free").await, Ok(()));
        let held = store.held();
        most = (most.0.max(held.0), most.1.max(held.1));
    }
    assert!((10_000..=HELD).contains(&most.0), "{most:?}");
    // Short, whatever callers are called.
    let name = "rlc_limited_caller 999999".len();
    assert!(most.1 <= most.0 * name);
    let long = "x".repeat(1_000_000);
    assert_eq!(site.tool(&long, "free").await, Ok(()));
    assert_eq!(site.tool(&long, "free").await, wait(1, "per_caller"));
    let hashed = "rlc_limited_".len() + 32;
    assert!(store.held().1 <= store.held().0 * name + hashed - name);
}

#[tokio::test]
async fn callers_at_the_same_moment_share_what_is_left() {
    let rate = Rate::per_hour(1000);
    let site = Site::new(limits(|limits| limits.server = Some(rate)), MemoryStore::default());
    let site = Arc::new(site);
    let tasks: Vec<_> = (0..8)
        .map(|caller| {
            let site = Arc::clone(&site);
            std::thread::spawn(move || {
                let name = format!("caller {caller}");
                futures_util::FutureExt::now_or_never(async {
                    for _ in 0..500 {
                        drop(site.tool(&name, "free").await);
                    }
                })
                .unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.join().unwrap();
    }
    // 4,000 calls at the edge: exactly the burst, and what an hour's rate gives back meanwhile (one per 3.6 s).
    assert!((1000..=1005).contains(&site.inner.runs()), "{}", site.inner.runs());
}

#[derive(Default)]
struct Seen(Mutex<Vec<(String, bool)>>);

impl MetricsSink for Seen {
    fn record(&self, _: &CallRecord<'_>) {}

    fn refused(&self, _: &RefusalRecord<'_>) {}

    fn store_trouble(&self, trouble: &StoreTrouble<'_>) {
        assert_eq!(trouble.server, "limited");
        self.0.lock().unwrap().push((trouble.part.to_owned(), trouble.allowed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_in_trouble_lets_calls_pass_or_refuses_them_as_configured() {
    let slow = Fault::Slow(Duration::from_millis(251));
    for fault in [Fault::Gone, Fault::Full, Fault::Silent, slow, Fault::Lies] {
        for choice in [StoreFailure::Allow, StoreFailure::Refuse] {
            let seen = Arc::new(Seen::default());
            let limits = limits(|limits| {
                limits.per_caller = Some(Rate::per_minute(1));
                limits.store_failure = choice;
            });
            let store = Arc::new(Faulty::new(fault));
            let site = Site::with(limits, store, Some(Arc::clone(&seen) as _));
            let began = Instant::now();
            let result = run(&site.service, site.calls.tool("ann", "free")).await;
            assert!(began.elapsed() <= Duration::from_millis(251), "{fault:?}");
            let allowed = choice == StoreFailure::Allow;
            assert_eq!(site.inner.runs(), usize::from(allowed), "{fault:?} {choice:?}");
            match result {
                Ok(_) => assert!(allowed),
                Err(failure) => {
                    let failure = read(&failure);
                    assert_eq!(failure["code"], "SERVICE_UNAVAILABLE");
                    assert_eq!(failure["retry_after_seconds"], 1);
                    assert!(!failure.to_string().contains("gone"), "{failure}");
                }
            }
            assert_eq!(*seen.0.lock().unwrap(), [("rate_limit".to_owned(), allowed)]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_that_answers_in_time_counts() {
    let limits = limits(|limits| limits.per_caller = Some(Rate::per_minute(1)));
    let fault = Fault::Slow(Duration::from_millis(249));
    let seen = Arc::new(Seen::default());
    let store = Arc::new(Faulty::new(fault));
    let site = Site::with(limits, store, Some(Arc::clone(&seen) as _));
    assert_eq!(site.passed("ann", "free", 3).await, 3);
    assert!(seen.0.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_store_holds_up_one_call_in_a_while_not_each() {
    let store = Arc::new(Faulty::new(Fault::Silent));
    let limits = limits(|limits| limits.per_caller = Some(Rate::per_minute(1)));
    let site = Site::with(limits, Arc::clone(&store) as _, None);
    let began = Instant::now();
    assert_eq!(site.passed("ann", "free", 100).await, 100);
    assert_eq!(began.elapsed(), Duration::from_millis(250));
    assert_eq!(store.asked.load(Ordering::SeqCst), 1);
    advance(Duration::from_secs(1)).await;
    assert_eq!(site.passed("ann", "free", 100).await, 100);
    assert_eq!(store.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_the_store_is_silent_reaches_nothing() {
    let store = Arc::new(Faulty::new(Fault::Silent));
    let limits = limits(|limits| limits.per_caller = Some(Rate::per_minute(1)));
    let site = Site::with(limits, store, None);
    let call = run(&site.service, site.calls.tool("ann", "free"));
    let dropped = tokio::time::timeout(Duration::from_millis(1), call).await;
    assert!(dropped.is_err());
    advance(Duration::from_secs(10)).await;
    assert_eq!(site.inner.runs(), 0);
}
