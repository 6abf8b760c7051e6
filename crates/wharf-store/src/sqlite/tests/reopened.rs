//! What survives an end and a start, and what a clock that jumps can't do.

use std::{num::NonZeroU32, time::Duration};

use wharf::state::{LogBound, Quota, StateStore, Swap, Take};

use super::{check, contract::Manual, on_connection};

const SECOND: Duration = Duration::from_secs(1);
const BOUND: LogBound = LogBound { entries: 2, ttl: Duration::from_secs(60) };

fn quota() -> Quota {
    Quota::new(NonZeroU32::new(3).unwrap(), 30 * SECOND)
}

#[tokio::test]
async fn everything_but_topics_survives_a_reopen() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let path = folder.path().join("state.db");
    let store = clock.open(&path);
    store.put(b"kept", b"value", None).await.unwrap();
    store.put(b"hour", b"value", Some(3600 * SECOND)).await.unwrap();
    store.put(b"soon", b"value", Some(5 * SECOND)).await.unwrap();
    store.put(b"deleted", b"value", None).await.unwrap();
    store.delete(b"deleted").await.unwrap();
    assert_eq!(store.take(b"quota", quota(), 3).await.unwrap(), Take::Granted { remaining: 0 });
    let held = store.acquire(b"held", 60 * SECOND).await.unwrap().unwrap();
    let ended = store.acquire(b"ended", 5 * SECOND).await.unwrap().unwrap();
    for text in [b"a", b"b", b"c"] {
        store.append(b"log", text, BOUND).await.unwrap();
    }
    store.close().await;
    // Time passes while nobody has the file open.
    clock.advance(10 * SECOND);

    let store = clock.open(&path);
    assert_eq!(store.get(b"kept").await.unwrap().as_deref(), Some(&b"value"[..]));
    assert!(store.get(b"hour").await.unwrap().is_some());
    assert_eq!(store.get(b"soon").await.unwrap(), None);
    assert_eq!(store.get(b"deleted").await.unwrap(), None);
    // Ten seconds are one token.
    assert_eq!(store.take(b"quota", quota(), 1).await.unwrap(), Take::Granted { remaining: 0 });
    assert_eq!(store.take(b"quota", quota(), 1).await.unwrap(), Take::Wait(10 * SECOND));
    assert_eq!(store.acquire(b"held", SECOND).await.unwrap(), None);
    assert!(store.renew(&held, 60 * SECOND).await.unwrap());
    assert!(!store.renew(&ended, SECOND).await.unwrap());
    let page = store.read_from(b"log", 0, 9).await.unwrap();
    assert_eq!((page.entries.len(), page.missed), (2, true));
    let next = store.acquire(b"ended", SECOND).await.unwrap().unwrap();
    assert!(next.token > ended.token && next.token > held.token);
    let sequence = store.append(b"log", b"d", BOUND).await.unwrap();
    assert!(sequence > page.entries[1].sequence);
    on_connection(&store, check).await;
}

/// A token must be new even when nothing of the lease is left that it could be counted on from.
#[tokio::test]
async fn tokens_go_on_after_every_lease_is_gone() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let path = folder.path().join("state.db");
    let mut last = 0;
    for _ in 0..5 {
        let store = clock.open(&path);
        let lease = store.acquire(b"name", SECOND).await.unwrap().unwrap();
        assert!(lease.token > last, "{lease:?} after {last}");
        last = lease.token;
        assert!(store.release(&lease).await.unwrap());
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_neither_revives_nor_stops_anything() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let path = folder.path().join("state.db");
    let store = clock.open(&path);
    store.put(b"short", b"x", Some(10 * SECOND)).await.unwrap();
    store.put(b"long", b"x", Some(100 * SECOND)).await.unwrap();
    store.append(b"short", b"x", LogBound { entries: 9, ttl: 10 * SECOND }).await.unwrap();
    let lease = store.acquire(b"short", 10 * SECOND).await.unwrap().unwrap();
    clock.set_back(3600 * SECOND);
    // Still nine seconds are nine seconds.
    clock.advance(9 * SECOND);
    assert!(store.get(b"short").await.unwrap().is_some());
    clock.advance(SECOND);
    assert_eq!(store.get(b"short").await.unwrap(), None);
    assert!(store.read_from(b"short", 0, 9).await.unwrap().entries.is_empty());
    assert!(!store.renew(&lease, SECOND).await.unwrap());
    store.close().await;

    // A start with a clock that says it is an hour ago: what had expired stays so, and time goes on.
    let store = clock.open(&path);
    assert_eq!(store.get(b"short").await.unwrap(), None);
    assert!(store.read_from(b"short", 0, 9).await.unwrap().entries.is_empty());
    assert!(store.get(b"long").await.unwrap().is_some());
    clock.advance(89 * SECOND);
    assert!(store.get(b"long").await.unwrap().is_some());
    clock.advance(SECOND);
    assert_eq!(store.get(b"long").await.unwrap(), None);
}

/// A read alone that found something expired is as binding as a write.
#[tokio::test]
async fn what_a_read_has_called_expired_stays_so_after_a_restart_in_the_past() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let path = folder.path().join("state.db");
    let store = clock.open(&path);
    store.put(b"key", b"x", Some(10 * SECOND)).await.unwrap();
    store.append(b"key", b"x", LogBound { entries: 9, ttl: 10 * SECOND }).await.unwrap();
    clock.advance(10 * SECOND);
    assert_eq!(store.get(b"key").await.unwrap(), None);
    assert!(store.read_from(b"key", 0, 9).await.unwrap().entries.is_empty());
    drop(store);
    clock.set_back(3600 * SECOND);
    let store = clock.open(&path);
    assert_eq!(store.get(b"key").await.unwrap(), None);
    assert!(store.read_from(b"key", 0, 9).await.unwrap().entries.is_empty());
    let swap = store.compare_and_swap(b"key", None, b"new", None).await.unwrap();
    assert_eq!(swap, Swap::Done);
}

#[tokio::test]
async fn an_absurd_clock_is_not_believed() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = clock.open(&folder.path().join("state.db"));
    store.put(b"key", b"x", Some(100 * SECOND)).await.unwrap();
    clock.wall.store(u64::MAX, std::sync::atomic::Ordering::SeqCst);
    assert!(store.get(b"key").await.unwrap().is_some());
    // Nor does a quota that takes for ever overflow.
    let slow = Quota::new(NonZeroU32::MIN, Duration::MAX).with_burst(NonZeroU32::MAX);
    for _ in 0..3 {
        store.take(b"slow", slow, u32::MAX).await.unwrap();
    }
}

#[tokio::test]
async fn a_closed_store_refuses_and_says_so() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let path = folder.path().join("state.db");
    let store = clock.open(&path);
    store.put(b"key", b"x", None).await.unwrap();
    store.close().await;
    store.close().await;
    assert!(super::reason(store.get(b"key").await).contains("closed"));
    // All of it is in the one file.
    assert!(!folder.path().join("state.db-wal").exists());
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    assert!(clock.open(&copy).get(b"key").await.unwrap().is_some());
}
