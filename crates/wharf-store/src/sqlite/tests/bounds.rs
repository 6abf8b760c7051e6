//! What happens when there is no more room.

use std::{num::NonZeroU32, path::Path, sync::Arc, time::Duration};

use futures_util::future::join_all;
use wharf::state::{LogBound, Quota, StateError, StateStore, Take};

use super::{check, contract::Manual, on_connection, reason};
use crate::sqlite::{SqliteLimits, SqliteStore, clock::Source};

const SECOND: Duration = Duration::from_secs(1);

fn open(path: &Path, clock: &Arc<Manual>, change: impl FnOnce(&mut SqliteLimits)) -> SqliteStore {
    let mut limits = SqliteLimits::default();
    change(&mut limits);
    let source: Arc<dyn Source> = Arc::<Manual>::clone(clock);
    SqliteStore::with_clock(path, limits, source).unwrap()
}

fn is_full<T>(result: Result<T, StateError>, expected: &str) -> bool {
    matches!(result, Err(StateError::Full { bound }) if bound == expected)
}

async fn held(store: &SqliteStore) -> (i64, i64) {
    on_connection(store, |connection| {
        check(connection);
        let sql = "SELECT entries, bytes FROM ledger";
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    })
    .await
}

#[tokio::test]
async fn a_full_store_refuses_new_entries_until_one_has_expired() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = open(&folder.path().join("state.db"), &clock, |limits| limits.entries = 4);
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
    clock.advance(SECOND);
    store.acquire(b"e", SECOND).await.unwrap().unwrap();
    assert!(is_full(store.put(b"f", b"", None).await, "entries"));
    clock.advance(4 * SECOND);
    for key in [b"f", b"g", b"h", b"i"] {
        store.put(key, b"", None).await.unwrap();
    }
    assert_eq!(held(&store).await, (4, 4));
}

#[tokio::test]
async fn bytes_are_bounded_and_given_back() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = open(&folder.path().join("state.db"), &clock, |limits| limits.bytes = 1000);
    store.put(b"a", &[0; 499], None).await.unwrap();
    store.put(b"b", &[0; 499], Some(SECOND)).await.unwrap();
    assert!(is_full(store.put(b"c", b"", None).await, "bytes"));
    assert!(is_full(store.put(b"a", &[0; 500], None).await, "bytes"));
    assert_eq!(store.get(b"a").await.unwrap().unwrap().len(), 499);
    store.put(b"a", &[0; 9], None).await.unwrap();
    assert_eq!(held(&store).await, (2, 510));
    clock.advance(SECOND);
    store.put(b"c", &[0; 900], None).await.unwrap();
    store.delete(b"a").await.unwrap();
    store.delete(b"c").await.unwrap();
    assert_eq!(held(&store).await, (0, 0));
}

#[tokio::test]
async fn logs_count_what_they_hold_even_empty_entries() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = open(&folder.path().join("state.db"), &clock, |limits| limits.bytes = 30_000);
    let endless = LogBound { entries: usize::MAX, ttl: SECOND };
    let mut appended = 0;
    while store.append(b"log", b"", endless).await.is_ok() {
        appended += 1;
        assert!(appended < 10_000, "empty entries cost nothing");
    }
    assert!(is_full(store.append(b"new", b"", endless).await, "bytes"));
    assert_eq!(held(&store).await.0, 1, "a log without entries stayed behind");
    // A smaller bound makes room in the same step, however much has to go.
    let entry = vec![1; 20_000];
    store.append(b"log", &entry, LogBound { entries: 1, ttl: SECOND }).await.unwrap();
    assert_eq!(held(&store).await, (1, 3 + 32 + 20_000));
}

#[tokio::test]
async fn a_shrunk_log_shows_what_it_keeps_and_forgets_the_rest_bit_by_bit() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = open(&folder.path().join("state.db"), &clock, |_| {});
    let bound = |entries| LogBound { entries, ttl: 60 * SECOND };
    join_all((0..1000).map(|_| store.append(b"log", b"x", bound(5000)))).await;
    for n in 0..5_usize {
        store.append(b"log", b"y", bound(3)).await.unwrap();
        let page = store.read_from(b"log", 0, 9).await.unwrap();
        assert_eq!((page.entries.len(), page.missed), (3, true));
        let new = page.entries.iter().filter(|entry| entry.value == "y").count();
        assert_eq!(new, (n + 1).min(3));
        held(&store).await;
    }
    assert_eq!(held(&store).await, (1, 3 + 3 * 33));
}

#[tokio::test]
async fn expired_logs_of_any_length_go_bit_by_bit_and_their_names_are_free_at_once() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = open(&folder.path().join("state.db"), &clock, |_| {});
    let bound = LogBound { entries: 5000, ttl: SECOND };
    join_all((0..1000).map(|_| store.append(b"log", b"old", bound))).await;
    clock.advance(SECOND);
    store.append(b"log", b"new", LogBound { ttl: 3600 * SECOND, ..bound }).await.unwrap();
    let page = store.read_from(b"log", 0, 9).await.unwrap();
    assert_eq!((page.entries.len(), page.missed), (1, false));
    let (entries, before) = held(&store).await;
    assert!(entries == 2 && before > 900 * 35, "all of it went at once: {entries}, {before}");
    for n in 0..20_u8 {
        store.put(&[n], b"", None).await.unwrap();
    }
    assert_eq!(held(&store).await, (21, 3 + 35 + 20));
}

#[tokio::test]
async fn what_expires_is_removed_without_being_asked_for() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = open(&folder.path().join("state.db"), &clock, |_| {});
    let keys: Vec<_> = (0..1000_u32).map(u32::to_le_bytes).collect();
    join_all(keys.iter().map(|key| store.put(key, b"x", Some(SECOND)))).await;
    clock.advance(SECOND);
    let keys: Vec<_> = (1000..1400_u32).map(u32::to_le_bytes).collect();
    join_all(keys.iter().map(|key| store.put(key, b"x", None))).await;
    assert_eq!(held(&store).await.0, 400);
}

#[tokio::test]
async fn a_refused_take_writes_nothing() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = open(&folder.path().join("state.db"), &clock, |_| {});
    let quota = Quota::new(NonZeroU32::MIN, 3600 * SECOND);
    store.take(b"key", quota, 1).await.unwrap();
    let changes = |connection: &rusqlite::Connection| connection.total_changes();
    let before = on_connection(&store, changes).await;
    for _ in 0..100 {
        clock.advance(Duration::from_millis(1));
        assert!(matches!(store.take(b"key", quota, 1).await.unwrap(), Take::Wait(_)));
    }
    assert_eq!(on_connection(&store, changes).await, before);
    // A bucket that is full again takes no room.
    clock.advance(3600 * SECOND);
    store.take(b"key", quota, 0).await.unwrap();
    assert_eq!(held(&store).await, (0, 0));
}

#[tokio::test]
async fn what_a_swap_expects_may_be_of_any_length() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let store = open(&folder.path().join("state.db"), &clock, |_| {});
    store.put(b"key", b"", None).await.unwrap();
    // And is not carried.
    let huge = vec![0; 64 << 20];
    let swap = store.compare_and_swap(b"key", Some(&huge), b"", None).await.unwrap();
    assert_eq!(swap, wharf::state::Swap::Differs(Some(bytes::Bytes::new())));
}

#[tokio::test]
async fn a_full_disk_fails_what_does_not_fit_and_nothing_else() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Manual::new());
    let path = folder.path().join("state.db");
    let store = open(&path, &clock, |limits| limits.file_bytes = 256 * 1024);
    store.put(b"small", b"before", None).await.unwrap();
    let large = vec![7; 512 * 1024];
    assert!(reason(store.put(b"large", &large, None).await).contains("disk is full"));
    // In one transaction with others: only the large one fails.
    let names: Vec<_> = (0..20_u8).map(|n| [n]).collect();
    let small = names.iter().map(|name| store.put(name, b"x", None));
    let (_, failed, done) = futures_util::future::join3(
        store.put(b"small", b"after", None),
        store.put(b"large", &large, None),
        join_all(small),
    )
    .await;
    assert!(failed.is_err());
    assert!(done.iter().all(Result::is_ok));
    assert_eq!(store.get(b"small").await.unwrap().as_deref(), Some(&b"after"[..]));
    assert_eq!(store.get(b"large").await.unwrap(), None);
    let mut n = 0_u64;
    while store.put(&n.to_le_bytes(), &[1; 4000], None).await.is_ok() {
        n += 1;
        assert!(n < 1000, "the file grew past its bound");
    }
    held(&store).await;
    // Deleting makes room again.
    for key in 0..n {
        store.delete(&key.to_le_bytes()).await.unwrap();
    }
    store.put(b"again", &[1; 4000], None).await.unwrap();
    drop(store);
    assert!(std::fs::metadata(&path).unwrap().len() <= 256 * 1024);
    assert!(clock.open(&path).get(b"again").await.unwrap().is_some());
}
