//! Batches with a paused clock: who is loaded together, and what becomes of callers when others or the loader fail.

use futures_util::future::join_all;
use tokio::{
    task::JoinHandle,
    time::{Instant, advance},
};

use super::*;
use crate::error::{Error, ErrorKind, Failure};

type Log = Arc<Mutex<Vec<Vec<u32>>>>;

fn limits(change: impl FnOnce(&mut BatchLimits)) -> BatchLimits {
    let mut limits = BatchLimits { wait: Duration::from_millis(10), ..BatchLimits::default() };
    change(&mut limits);
    limits
}

/// Doubles even keys within `time`, knows no 7, and fails for other odd ones.
fn doubling(limits: BatchLimits, time: Duration) -> (Batcher<u32, u32>, Log) {
    let log = Log::default();
    let seen = Arc::clone(&log);
    let batcher = Batcher::with_limits(limits, move |mut keys: Vec<u32>| {
        keys.sort_unstable();
        seen.lock().unwrap().push(keys.clone());
        async move {
            tokio::time::sleep(time).await;
            let odd = || {
                ToolError::conflict("odd").details(serde_json::json!({"odd": true})).source("why")
            };
            let answer = |key| (key, if key % 2 == 0 { Ok(key * 2) } else { Err(odd()) });
            Loaded::Ok(keys.into_iter().filter(|key| *key != 7).map(answer).collect())
        }
    });
    (batcher, log)
}

fn failure(result: Result<u32, ToolError>) -> Failure {
    match result.unwrap_err().into_error() {
        Error::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

fn spawn(batcher: &Batcher<u32, u32>, key: u32) -> JoinHandle<Result<u32, ToolError>> {
    let batcher = batcher.clone();
    tokio::spawn(async move { batcher.load(key).await })
}

/// Lets everything that can go on go on.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_at_about_the_same_time_is_loaded_at_once() {
    let (batcher, log) = doubling(limits(|_| {}), Duration::ZERO);
    let began = Instant::now();
    let results = join_all([2, 4, 3, 2, 7, 2].map(|key| batcher.load(key))).await;
    assert!(began.elapsed() <= Duration::from_millis(12), "{:?}", began.elapsed());
    assert_eq!(*log.lock().unwrap(), [vec![2, 3, 4, 7]]);
    let mut results = results.into_iter();
    let mut next = || results.next().unwrap();
    assert_eq!((next().unwrap(), next().unwrap()), (4, 8));
    // To each its own failure, whole.
    let odd = failure(next());
    assert_eq!((odd.kind, &*odd.message), (ErrorKind::Conflict, "odd"));
    assert_eq!(odd.details.unwrap()["odd"], true);
    assert_eq!(odd.source.unwrap().to_string(), "why");
    assert_eq!(next().unwrap(), 4);
    assert_eq!(failure(next()).kind, ErrorKind::ResourceNotFound);
    assert_eq!(next().unwrap(), 4);
    // It is no cache.
    assert_eq!(batcher.load(2).await.unwrap(), 4);
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait() {
    let (batcher, log) = doubling(
        limits(|limits| (limits.items, limits.wait) = (3, Duration::from_secs(3600))),
        Duration::ZERO,
    );
    let began = Instant::now();
    join_all([2, 4, 2, 6].map(|key| batcher.load(key))).await;
    assert!(began.elapsed() < Duration::from_millis(10));
    assert_eq!(*log.lock().unwrap(), [vec![2, 4, 6]]);
    // The next begins with an hour's wait again.
    let late = spawn(&batcher, 8);
    settle().await;
    assert_eq!(log.lock().unwrap().len(), 1);
    advance(Duration::from_secs(3601)).await;
    assert_eq!(late.await.unwrap().unwrap(), 16);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_harms_nobody() {
    let (batcher, log) = doubling(limits(|_| {}), Duration::from_secs(1));
    // The first of them drives the batch.
    let calls: Vec<_> = [2, 4, 6, 2].map(|key| spawn(&batcher, key)).into();
    settle().await;
    // Before the batch leaves: its key goes with it, unless someone else wants that too.
    calls[2].abort();
    calls[3].abort();
    settle().await;
    advance(Duration::from_millis(11)).await;
    settle().await;
    assert_eq!(*log.lock().unwrap(), [vec![2, 4]]);
    // While it is loaded.
    calls[0].abort();
    settle().await;
    let mut calls = calls.into_iter();
    assert!(calls.next().unwrap().await.unwrap_err().is_cancelled());
    assert_eq!(calls.next().unwrap().await.unwrap().unwrap(), 8);
    assert_eq!(log.lock().unwrap().len(), 1);
    assert_eq!(batcher.0.waiting.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_is_stopped() {
    struct Stopped(Arc<AtomicUsize>);
    impl Drop for Stopped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let stopped = Arc::<AtomicUsize>::default();
    let guard = Arc::clone(&stopped);
    let batcher = Batcher::<u32, u32>::with_limits(limits(|_| {}), move |_| {
        let guard = Stopped(Arc::clone(&guard));
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            unreachable!("nothing ends a pending future")
        }
    });
    let calls = [2, 4].map(|key| spawn(&batcher, key));
    settle().await;
    advance(Duration::from_millis(11)).await;
    settle().await;
    calls[0].abort();
    settle().await;
    assert_eq!(stopped.load(Ordering::SeqCst), 0);
    calls[1].abort();
    settle().await;
    assert_eq!(stopped.load(Ordering::SeqCst), 1);
    // A batch that lost everyone before it left takes nobody else down.
    let call = spawn(&batcher, 2);
    settle().await;
    call.abort();
    settle().await;
    let (fresh, _) = doubling(limits(|_| {}), Duration::ZERO);
    drop(tokio::time::timeout(Duration::from_millis(1), fresh.load(2)).await);
    assert_eq!(fresh.load(4).await.unwrap(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_loader_that_panics_fails_its_batch_and_no_other() {
    let batcher = Batcher::<u32, u32>::with_limits(limits(|_| {}), |keys| {
        assert!(!keys.contains(&1), "secret at once");
        async move {
            tokio::task::yield_now().await;
            assert!(!keys.contains(&3), "secret later");
            Ok(keys.into_iter().map(|key| (key, Ok(key))).collect())
        }
    });
    for bad in [1, 3] {
        for result in join_all([bad, 2, 4].map(|key| batcher.load(key))).await {
            let failure = failure(result);
            assert_eq!((failure.kind, &*failure.message), (ErrorKind::Internal, "internal error"));
            assert!(failure.source.unwrap().to_string().contains("secret"));
        }
        assert_eq!(batcher.load(2).await.unwrap(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_whole_batch_reaches_everyone() {
    let batcher = Batcher::<u32, u32>::new(|_| async {
        Err(ToolError::unavailable("upstream is gone").retry_after(Duration::from_secs(7)))
    });
    for result in join_all([1, 2, 1].map(|key| batcher.load(key))).await {
        let failure = failure(result);
        assert_eq!(failure.kind, ErrorKind::ServiceUnavailable);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded() {
    let (batcher, _) = doubling(limits(|limits| limits.queue = 3), Duration::ZERO);
    let results = join_all([2, 2, 4, 6].map(|key| batcher.load(key))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    let refused = results.into_iter().find(Result::is_err).unwrap();
    assert_eq!(failure(refused).kind, ErrorKind::ServiceUnavailable);
    assert_eq!(batcher.load(6).await.unwrap(), 12);
}

#[tokio::test(start_paused = true)]
async fn while_upstream_is_busy_the_next_batch_goes_on_collecting() {
    let (batcher, log) = doubling(limits(|limits| limits.loads = 1), Duration::from_millis(100));
    let first = spawn(&batcher, 2);
    settle().await;
    advance(Duration::from_millis(11)).await;
    settle().await;
    let mut later = Vec::new();
    for key in [4, 6, 8] {
        later.push(spawn(&batcher, key));
        settle().await;
        advance(Duration::from_millis(20)).await;
    }
    first.await.unwrap().unwrap();
    for call in later {
        call.await.unwrap().unwrap();
    }
    assert_eq!(*log.lock().unwrap(), [vec![2], vec![4, 6, 8]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_get_their_own_answers() {
    let wait = Duration::from_micros(200);
    let (batcher, log) = doubling(
        limits(|limits| (limits.items, limits.wait, limits.loads) = (16, wait, 3)),
        Duration::from_micros(100),
    );
    let calls = (0..2000_u32).map(|number| {
        let batcher = batcher.clone();
        tokio::spawn(async move {
            let key = number % 50 * 2 + 8;
            // A part of them gives up at some moment.
            let patience = match number % 5 {
                0 => Duration::from_micros(u64::from(number % 400)),
                _ => Duration::from_secs(20),
            };
            match tokio::time::timeout(patience, batcher.load(key)).await {
                Ok(result) => assert_eq!(result.unwrap(), key * 2),
                Err(_) => assert_eq!(number % 5, 0),
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let log = log.lock().unwrap();
    assert!(log.iter().all(|keys| keys.len() <= 16));
    assert_eq!(batcher.0.waiting.load(Ordering::SeqCst), 0);
}
