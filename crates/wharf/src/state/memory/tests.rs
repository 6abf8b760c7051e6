//! The contract, and what only this store promises: its bounds, and how it keeps to them.

use std::num::NonZeroU32;

use super::*;
use crate::state::{
    Delivery,
    contract::{CASES, Harness},
};

struct Paused;

impl Harness for Paused {
    fn open(&self) -> futures_util::future::BoxFuture<'_, Arc<dyn StateStore>> {
        Box::pin(async { Arc::new(MemoryStore::default()) as Arc<dyn StateStore> })
    }

    fn pass(&self, time: Duration) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(tokio::time::advance(time))
    }

    fn key_bytes(&self) -> usize {
        MemoryLimits::default().key_bytes
    }

    fn value_bytes(&self) -> usize {
        MemoryLimits::default().value_bytes
    }
}

#[tokio::test(start_paused = true)]
async fn every_promise_of_the_contract_is_kept() {
    for case in CASES {
        eprintln!("{}", case.name);
        case.run(&Paused).await;
    }
}

/// What happens at once on one thread only interleaves at awaits; here it really happens at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_promises_about_callers_at_once_hold_on_several_threads() {
    let at_once: Vec<_> = CASES
        .iter()
        .filter(|case| case.name.contains("at_once") || case.name.contains("increment"))
        .collect();
    assert!(at_once.len() >= 5);
    for case in at_once {
        case.run(&Paused).await;
    }
}

fn store(change: impl FnOnce(&mut MemoryLimits)) -> MemoryStore {
    let mut limits = MemoryLimits::default();
    change(&mut limits);
    MemoryStore::new(limits)
}

fn is_full<T>(result: Result<T, StateError>, expected: &str) -> bool {
    matches!(result, Err(StateError::Full { bound }) if bound == expected)
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_full_store_refuses_new_entries_until_one_has_expired() {
    let store = store(|limits| limits.entries = 4);
    let bound = LogBound { entries: 1, ttl: 4 * SECOND };
    let quota = Quota::new(NonZeroU32::MIN, 4 * SECOND);
    store.put(b"a", b"", Some(SECOND)).await.unwrap();
    store.take(b"b", quota, 1).await.unwrap();
    store.acquire(b"c", 4 * SECOND).await.unwrap().unwrap();
    store.append(b"d", b"", bound).await.unwrap();
    assert!(is_full(store.put(b"e", b"", None).await, "entries"));
    assert!(is_full(store.compare_and_swap(b"e", None, b"", None).await, "entries"));
    assert!(is_full(store.take(b"e", quota, 1).await, "entries"));
    assert!(is_full(store.acquire(b"e", SECOND).await, "entries"));
    assert!(is_full(store.append(b"e", b"", bound).await, "entries"));
    // Full is not stuck: what is there can be used, and what has expired makes room, of whatever kind it is.
    store.put(b"a", b"again", Some(SECOND)).await.unwrap();
    assert!(matches!(store.take(b"b", quota, 1).await.unwrap(), Take::Wait(_)));
    store.append(b"d", b"more", bound).await.unwrap();
    tokio::time::advance(SECOND).await;
    store.acquire(b"e", SECOND).await.unwrap().unwrap();
    assert!(is_full(store.put(b"f", b"", None).await, "entries"));
    tokio::time::advance(4 * SECOND).await;
    for key in [b"f", b"g", b"h", b"i"] {
        store.put(key, b"", None).await.unwrap();
    }
    assert_eq!(store.held(), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_and_given_back() {
    let store = store(|limits| limits.bytes = 1000);
    store.put(b"a", &[0; 499], None).await.unwrap();
    store.put(b"b", &[0; 499], Some(SECOND)).await.unwrap();
    assert!(is_full(store.put(b"c", b"", None).await, "bytes"));
    assert!(is_full(store.put(b"a", &[0; 500], None).await, "bytes"));
    // What did not fit has changed nothing.
    assert_eq!(store.get(b"a").await.unwrap().unwrap().len(), 499);
    store.put(b"a", &[0; 9], None).await.unwrap();
    assert_eq!(store.held(), (2, 510));
    assert!(is_full(store.put(b"c", &[0; 490], None).await, "bytes"));
    tokio::time::advance(SECOND).await;
    store.put(b"c", &[0; 490], None).await.unwrap();
    store.delete(b"a").await.unwrap();
    store.delete(b"c").await.unwrap();
    assert_eq!(store.held(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn logs_count_what_they_hold_even_empty_entries() {
    let store = store(|limits| limits.bytes = 10_000);
    let endless = LogBound { entries: usize::MAX, ttl: SECOND };
    let mut appended = 0;
    while store.append(b"log", b"", endless).await.is_ok() {
        appended += 1;
        assert!(appended < 10_000, "empty entries cost nothing");
    }
    assert!(is_full(store.append(b"new", b"", endless).await, "bytes"));
    assert_eq!(store.held().0, 1, "a log without entries stayed behind");
    // Within its bound a log goes on for ever.
    let store = self::store(|limits| limits.bytes = 1000);
    let bound = LogBound { entries: 3, ttl: SECOND };
    for n in 0..1000_u32 {
        store.append(b"log", &vec![0; n as usize % 100], bound).await.unwrap();
    }
    tokio::time::advance(SECOND).await;
    store.put(b"x", b"", None).await.unwrap();
    store.append(b"other", b"", bound).await.unwrap();
    store.append(b"log", b"abc", bound).await.unwrap();
    let entry = size_of::<crate::state::LogEntry>();
    assert_eq!(store.held(), (3, 1 + 5 + entry + 3 + 3 + entry));
}

#[tokio::test(start_paused = true)]
async fn listeners_and_their_backlogs_are_bounded() {
    let store = store(|limits| {
        (limits.listeners, limits.backlog, limits.backlog_bytes) = (2, 3, 10);
    });
    let mut first = store.subscribe(b"topic").await.unwrap();
    let second = store.subscribe(b"topic").await.unwrap();
    assert!(is_full(store.subscribe(b"topic").await, "listeners"));
    drop(second);
    drop(store.subscribe(b"topic").await.unwrap());
    let mut hear = async |sent: &[&[u8]], heard: &[&'static [u8]]| {
        for message in sent {
            store.publish(b"topic", message).await.unwrap();
        }
        assert_eq!(first.next().await, Some(Delivery::Lagged));
        for message in heard {
            assert_eq!(first.next().await, Some(Delivery::Message(Bytes::from_static(message))));
        }
    };
    hear(&[b"1", b"2", b"3", b"4"], &[b"2", b"3", b"4"]).await;
    hear(&[b"1234", b"5678", b"90ab"], &[b"5678", b"90ab"]).await;
    // One that is longer than the whole backlog still arrives.
    hear(&[b"1", b"longer than ten bytes"], &[b"longer than ten bytes"]).await;
}

#[tokio::test(start_paused = true)]
async fn values_do_not_keep_what_they_were_cut_from() {
    let store = MemoryStore::default();
    let body = Bytes::from(vec![7; 1 << 20]);
    store.put(b"key", &body[..10], None).await.unwrap();
    let value = store.get(b"key").await.unwrap().unwrap();
    assert!(!body.as_ptr_range().contains(&value.as_ptr()));
    // Reading hands out the same bytes again and again.
    assert_eq!(store.get(b"key").await.unwrap().unwrap().as_ptr(), value.as_ptr());
}

#[tokio::test(start_paused = true)]
async fn what_expires_is_removed_without_being_asked_for() {
    let store = MemoryStore::default();
    for n in 0..5000_u32 {
        store.put(&n.to_le_bytes(), b"x", Some(SECOND)).await.unwrap();
    }
    tokio::time::advance(SECOND).await;
    for n in 0..5000_u32 {
        store.put(&(n + 10_000).to_le_bytes(), b"x", Some(SECOND)).await.unwrap();
    }
    // Each write removes several, so the old ones are gone long before the store is full.
    assert!(store.held().0 < 5200, "{:?}", store.held());
}

#[tokio::test(start_paused = true)]
async fn renewing_for_ever_leaves_one_mark() {
    let store = MemoryStore::default();
    let quota = Quota::new(NonZeroU32::new(1000).unwrap(), SECOND);
    let lease = store.acquire(b"lease", SECOND).await.unwrap().unwrap();
    for n in 0..2000_u64 {
        store.put(b"value", b"x", Some(SECOND * (1 + n as u32 % 7))).await.unwrap();
        store.take(b"quota", quota, 1).await.unwrap();
        assert!(store.renew(&lease, SECOND).await.unwrap());
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    let mut marks = 0;
    store.values.each(|table| marks += table.marks());
    store.quotas.each(|table| marks += table.marks());
    store.leases.each(|table| marks += table.marks());
    assert_eq!((marks, store.held().0), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_brought_nearer_makes_room_in_time() {
    let store = store(|limits| limits.entries = 2);
    let wide = Quota::new(NonZeroU32::MIN, 1000 * SECOND);
    store.put(b"value", b"", Some(1000 * SECOND)).await.unwrap();
    store.put(b"value", b"", Some(SECOND)).await.unwrap();
    store.take(b"quota", wide, 1).await.unwrap();
    let narrow = Quota::new(NonZeroU32::MIN, SECOND);
    assert_eq!(store.take(b"quota", narrow, 1).await.unwrap(), Take::Wait(SECOND));
    assert!(is_full(store.put(b"a", b"", None).await, "entries"));
    tokio::time::advance(SECOND).await;
    store.put(b"a", b"", None).await.unwrap();
    store.put(b"b", b"", None).await.unwrap();
    assert!(is_full(store.put(b"c", b"", None).await, "entries"));
}
