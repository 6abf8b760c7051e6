//! The layer alone, over a store in memory and over stores that fail, with the clock in the test's hand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::json;
use tokio::time::advance;
use tower::Service;

use super::IdempotencyLayer;
use crate::{
    call::Outcome,
    error::{Error, ToolError},
    layers::testing::{Mock, Request, built, failed, meta_of, text, told},
    server::Service as Built,
    state::{
        Lease, LogBound, LogPage, MemoryStore, Messages, Quota, StateError, StateFuture,
        StateStore, Swap, Take,
    },
};

fn server() -> Built {
    built(|server| server, |tool| tool.idempotent_by("key"))
}

fn on(store: &Arc<dyn StateStore>) -> Built {
    let store = Arc::clone(store);
    built(|server| server.state_store(store), |tool| tool.idempotent_by("key"))
}

fn ask(key: &str, n: i64) -> Request {
    Request::new(json!({"key": key, "n": n}))
}

#[tokio::test(start_paused = true)]
async fn the_second_call_gets_the_outcome_of_the_first() {
    let server = server();
    let inner = Mock::new(|run| async move { text(format!("run {run}")) });
    let mut layer = inner.under(&IdempotencyLayer);
    let first = layer.call(ask("a", 1).to(&server)).await;
    assert_eq!(meta_of(&first, "replayed"), json!(null));
    let second = layer.call(ask("a", 1).to(&server)).await;
    assert_eq!(meta_of(&second, "replayed"), json!(true));
    assert_eq!((told(first), told(second)), ("run 1".into(), "run 1".into()));
    // Other keys, other callers, and no key at all are other calls.
    assert_eq!(told(layer.call(ask("b", 1).to(&server)).await), "run 2");
    assert_eq!(told(layer.call(ask("a", 1).by("bob").to(&server)).await), "run 3");
    for run in ["run 4", "run 5"] {
        let none = Request::new(json!({"n": 1}));
        assert_eq!(told(layer.call(none.to(&server)).await), run);
    }
    // An outcome is kept for a day.
    advance(Duration::from_secs(24 * 3600 - 1)).await;
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "run 1");
    advance(Duration::from_secs(1)).await;
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "run 6");
}

#[tokio::test(start_paused = true)]
async fn other_arguments_under_the_same_key_are_a_conflict() {
    let server = server();
    let inner = Mock::new(|_| async { text("done") });
    let mut layer = inner.under(&IdempotencyLayer);
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "done");
    assert_eq!(told(layer.call(ask("a", 2).to(&server)).await), "CONFLICT");
    assert_eq!(inner.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_can_send_a_key_for_any_tool() {
    let server = built(|server| server, |tool| tool);
    let inner = Mock::new(|run| async move { text(format!("run {run}")) });
    let mut layer = inner.under(&IdempotencyLayer);
    let keyed = |key: serde_json::Value| {
        let mut request = Request::new(json!({"n": 1}));
        request.meta = json!({"dev.wharf/idempotencyKey": key});
        request
    };
    for _ in 0..3 {
        assert_eq!(told(layer.call(keyed(json!("k")).to(&server)).await), "run 1");
    }
    let longest = "x".repeat(256);
    assert_eq!(told(layer.call(keyed(json!(longest)).to(&server)).await), "run 2");
    for bad in [json!(""), json!("x".repeat(257)), json!(7), json!(null), json!({})] {
        let answer = layer.call(keyed(bad.clone()).to(&server)).await;
        assert_eq!(told(answer), "INVALID_INPUT", "{bad}");
    }
    assert_eq!(inner.runs(), 2);
}

#[tokio::test(start_paused = true)]
async fn calls_at_once_run_once_and_all_get_the_outcome() {
    let server = server();
    let inner = Mock::new(|run| async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        text(format!("run {run}"))
    });
    let mut layer = inner.under(&IdempotencyLayer);
    let calls: Vec<_> = (0..20).map(|_| layer.call(ask("a", 1).to(&server))).collect();
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(told(answer), "run 1");
    }
    assert_eq!(inner.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn failures_are_outcomes_unless_they_say_to_try_again() {
    let check = async |error: fn() -> ToolError, second: &str, runs: usize| {
        let server = server();
        let inner =
            Mock::new(
                move |run| async move { if run == 1 { failed(error()) } else { text("done") } },
            );
        let mut layer = inner.under(&IdempotencyLayer);
        let first = layer.call(ask("a", 1).to(&server)).await;
        assert!(first.is_err());
        assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), second);
        assert_eq!(inner.runs(), runs);
    };
    check(|| ToolError::invalid_input("no"), "INVALID_INPUT", 1).await;
    check(|| ToolError::conflict("taken"), "CONFLICT", 1).await;
    check(|| ToolError::internal("broken"), "INTERNAL_ERROR", 1).await;
    check(|| ToolError::unavailable("later"), "done", 2).await;
    check(|| ToolError::timeout("later"), "done", 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_cut_off_is_never_repeated() {
    let server = server();
    let inner = Mock::new(|_| std::future::pending());
    let mut layer = inner.under(&IdempotencyLayer);
    let mut first = layer.call(ask("a", 1).to(&server));
    assert!((&mut first).now_or_never().is_none());
    let mut waiting = layer.call(ask("a", 1).to(&server));
    assert!((&mut waiting).now_or_never().is_none());
    // The client withdraws it, its deadline passes, or its handler panics: the future is dropped.
    drop(first);
    assert_eq!(told(waiting.await), "CONFLICT");
    let Err(Error::Failed(failure)) = layer.call(ask("a", 1).to(&server)).await else {
        panic!("not refused")
    };
    assert!(failure.message.contains("outcome is unknown"), "{}", failure.message);
    assert_eq!(inner.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_killed_leaves_an_unknown_outcome_to_the_next() {
    let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
    let (killed, next) = (on(&store), on(&store));
    let inner = Mock::new(|_| std::future::pending());
    let mut layer = inner.under(&IdempotencyLayer);
    let mut first = layer.call(ask("a", 1).to(&killed));
    assert!((&mut first).now_or_never().is_none());
    // A killed process drops nothing: its lease ends by itself.
    std::mem::forget(first);
    let done = Mock::new(|_| async { text("done") });
    let mut restarted = done.under(&IdempotencyLayer);
    let mut second = restarted.call(ask("a", 1).to(&next));
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(told(second.await), "CONFLICT");
    assert_eq!(done.runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_long_call_keeps_its_lease() {
    let server = server();
    let inner = Mock::new(|_| async {
        tokio::time::sleep(Duration::from_secs(300)).await;
        text("done")
    });
    let mut layer = inner.under(&IdempotencyLayer);
    let first = layer.call(ask("a", 1).to(&server));
    let second = layer.call(ask("a", 1).to(&server));
    let (first, second) = tokio::join!(first, second);
    assert_eq!((told(first), told(second)), ("done".into(), "done".into()));
}

#[tokio::test(start_paused = true)]
async fn a_question_keeps_the_key_for_its_continuation() {
    let server = server();
    let inner = Mock::new(|run| async move {
        if run == 1 { Ok(Outcome::InputRequired) } else { text(format!("run {run}")) }
    });
    let mut layer = inner.under(&IdempotencyLayer);
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "INPUT_REQUIRED");
    // The same call again is another attempt, not the answer.
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "CONFLICT");
    let continuation = || {
        let mut request = ask("a", 1);
        request.continues = true;
        request
    };
    assert_eq!(told(layer.call(continuation().to(&server)).await), "run 2");
    // A replayed continuation, and a late first attempt, get the outcome.
    assert_eq!(told(layer.call(continuation().to(&server)).await), "run 2");
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "run 2");
    assert_eq!(inner.runs(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_question_gives_the_key_back() {
    let server = server();
    let inner =
        Mock::new(
            |run| async move { if run == 1 { Ok(Outcome::InputRequired) } else { text("done") } },
        );
    let mut layer = inner.under(&IdempotencyLayer);
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "INPUT_REQUIRED");
    advance(server.0.limits.request_state_ttl).await;
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "done");
}

/// A store that is gone while the switch is on.
struct Flaky {
    store: MemoryStore,
    gone: AtomicBool,
    /// Whether it does not answer at all, in place of an error.
    silent: bool,
}

impl Flaky {
    fn new(silent: bool) -> Arc<Self> {
        Arc::new(Self { store: MemoryStore::default(), gone: AtomicBool::new(false), silent })
    }

    fn or_gone<'a, T: Send + 'a>(&self, answer: StateFuture<'a, T>) -> StateFuture<'a, T> {
        match (self.gone.load(Ordering::SeqCst), self.silent) {
            (false, _) => answer,
            (true, false) => StateFuture::ready(Err(StateError::unavailable("gone"))),
            (true, true) => StateFuture::boxed(std::future::pending()),
        }
    }
}

impl StateStore for Flaky {
    fn get<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, Option<Bytes>> {
        self.or_gone(self.store.get(key))
    }
    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, ()> {
        self.or_gone(self.store.put(key, value, ttl))
    }
    fn compare_and_swap<'a>(
        &'a self,
        key: &'a [u8],
        expected: Option<&'a [u8]>,
        value: &'a [u8],
        ttl: Option<Duration>,
    ) -> StateFuture<'a, Swap> {
        if self.gone.load(Ordering::SeqCst) {
            return self.or_gone(StateFuture::ready(Ok(Swap::Done)));
        }
        self.store.compare_and_swap(key, expected, value, ttl)
    }
    fn delete<'a>(&'a self, key: &'a [u8]) -> StateFuture<'a, bool> {
        self.or_gone(self.store.delete(key))
    }
    fn take<'a>(&'a self, key: &'a [u8], quota: Quota, cost: u32) -> StateFuture<'a, Take> {
        self.or_gone(self.store.take(key, quota, cost))
    }
    fn acquire<'a>(&'a self, name: &'a [u8], ttl: Duration) -> StateFuture<'a, Option<Lease>> {
        self.or_gone(self.store.acquire(name, ttl))
    }
    fn renew<'a>(&'a self, lease: &'a Lease, ttl: Duration) -> StateFuture<'a, bool> {
        self.or_gone(self.store.renew(lease, ttl))
    }
    fn release<'a>(&'a self, lease: &'a Lease) -> StateFuture<'a, bool> {
        self.or_gone(self.store.release(lease))
    }
    fn append<'a>(
        &'a self,
        name: &'a [u8],
        entry: &'a [u8],
        bound: LogBound,
    ) -> StateFuture<'a, u64> {
        self.or_gone(self.store.append(name, entry, bound))
    }
    fn read_from<'a>(
        &'a self,
        name: &'a [u8],
        after: u64,
        limit: usize,
    ) -> StateFuture<'a, LogPage> {
        self.or_gone(self.store.read_from(name, after, limit))
    }
    fn publish<'a>(&'a self, topic: &'a [u8], message: &'a [u8]) -> StateFuture<'a, ()> {
        self.or_gone(self.store.publish(topic, message))
    }
    fn subscribe<'a>(&'a self, topic: &'a [u8]) -> StateFuture<'a, Box<dyn Messages>> {
        self.or_gone(self.store.subscribe(topic))
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_store_nothing_runs() {
    for silent in [false, true] {
        let store = Flaky::new(silent);
        store.gone.store(true, Ordering::SeqCst);
        let shared: Arc<dyn StateStore> = store.clone();
        let server = on(&shared);
        let inner = Mock::new(|_| async { text("done") });
        let mut layer = inner.under(&IdempotencyLayer);
        let answer = layer.call(ask("a", 1).to(&server)).await;
        assert_eq!(told(answer), "SERVICE_UNAVAILABLE", "silent: {silent}");
        assert_eq!(inner.runs(), 0);
        // It comes back, and so does the key.
        store.gone.store(false, Ordering::SeqCst);
        advance(Duration::from_secs(31)).await;
        assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "done");
        // Calls without a key never needed it.
        store.gone.store(true, Ordering::SeqCst);
        assert_eq!(told(layer.call(Request::new(json!({})).to(&server)).await), "done");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_can_not_be_kept_reaches_its_caller_and_is_unknown_to_others() {
    let store = Flaky::new(false);
    let shared: Arc<dyn StateStore> = store.clone();
    let server = on(&shared);
    let switch = store.clone();
    let inner = Mock::new(move |run| {
        switch.gone.store(true, Ordering::SeqCst);
        async move { text(format!("run {run}")) }
    });
    let mut layer = inner.under(&IdempotencyLayer);
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "run 1");
    store.gone.store(false, Ordering::SeqCst);
    // The lease could not be given back either.
    assert_eq!(told(layer.call(ask("a", 1).to(&server)).await), "CONFLICT");
    assert_eq!(inner.runs(), 1);
}
