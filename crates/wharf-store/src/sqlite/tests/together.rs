//! Several callers, several stores and several processes on one file.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use futures_util::future::{join_all, poll_immediate};
use wharf::state::{LogBound, StateStore, Swap};

use super::{check, on_connection};
use crate::sqlite::{SqliteLimits, SqliteStore};

const CHILD: &str = "WHARF_STORE_TEST_COUNTER";

fn open(path: &Path) -> Arc<SqliteStore> {
    // Others are busy with the same file all the time.
    let busy_timeout = Duration::from_secs(30);
    let limits = SqliteLimits { busy_timeout, ..SqliteLimits::default() };
    Arc::new(SqliteStore::open(path, limits).unwrap())
}

async fn count(store: &SqliteStore, times: usize) {
    for _ in 0..times {
        let mut known = store.get(b"count").await.unwrap();
        loop {
            let now = known.as_deref().map_or(0, |raw| u64::from_le_bytes(raw.try_into().unwrap()));
            let next = (now + 1).to_le_bytes();
            match store.compare_and_swap(b"count", known.as_deref(), &next, None).await.unwrap() {
                Swap::Done => break,
                Swap::Differs(found) => known = found,
            }
        }
    }
}

async fn counted(store: &SqliteStore) -> u64 {
    let raw = store.get(b"count").await.unwrap().unwrap();
    u64::from_le_bytes(raw[..].try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_callers_of_two_stores_lose_no_increment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let stores = [open(&path), open(&path)];
    let tasks = (0..16).map(|n| {
        let store = Arc::clone(&stores[n % 2]);
        tokio::spawn(async move { count(&store, 10).await })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!((counted(&stores[0]).await, counted(&stores[1]).await), (160, 160));
    for store in &stores {
        on_connection(store, check).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_stores_one_gets_the_lease_and_tokens_rise_in_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let stores = [open(&path), open(&path)];
    let mut last = 0;
    for _ in 0..20 {
        let leases = join_all((0..16).map(|n| {
            let store = Arc::clone(&stores[n % 2]);
            async move { store.acquire(b"name", Duration::from_secs(60)).await.unwrap() }
        }));
        let held: Vec<_> = leases.await.into_iter().flatten().collect();
        let [lease] = &held[..] else { panic!("not one holder: {held:?}") };
        assert!(lease.token > last);
        last = lease.token;
        // Whoever asks: the lease is in the file, not in the store that gave it.
        assert!(stores[1].release(lease).await.unwrap());
    }
}

/// Two processes, one of which is this test again.
#[tokio::test]
async fn two_processes_lose_no_increment() {
    if let Some(path) = std::env::var_os(CHILD) {
        count(&open(Path::new(&path)), 100).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    // Both make the file at once.
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::tests::together::two_processes_lose_no_increment"])
        .env(CHILD, &path)
        .stdout(Stdio::null())
        .spawn();
    let store = open(&path);
    count(&store, 100).await;
    assert!(child.unwrap().wait().unwrap().success());
    assert_eq!(counted(&store).await, 200);
    on_connection(&store, check).await;
}

#[tokio::test]
async fn stores_that_are_opened_at_once_make_one_file() {
    // Several times: what goes wrong between two of them goes wrong now and then.
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let threads: Vec<_> = (0..8)
            .map(|n: u8| {
                let path = path.clone();
                std::thread::spawn(move || (n, open(&path)))
            })
            .collect();
        let stores: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        for (n, store) in &stores {
            store.put(&[*n], b"x", None).await.unwrap();
        }
        for n in 0..8 {
            assert!(stores[0].1.get(&[n]).await.unwrap().is_some());
        }
    }
}

/// Polls so often, and leaves.
async fn give_up<T>(future: impl Future<Output = T>, polls: u8) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if poll_immediate(&mut future).await.is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_leave_half_way_leave_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("state.db"));
    let bound = LogBound { entries: 10_000, ttl: Duration::from_secs(3600) };
    let tasks = (0..16_u8).map(|n| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for round in 0..20_u8 {
                let (key, log, entry, value) = ([n, round], [n], [round], [n; 500]);
                give_up(store.put(&key, &value, None), round % 4).await;
                give_up(store.append(&log, &entry, bound), round % 4).await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    for n in 0..16_u8 {
        // What was begun is done, in its order; what was never begun is not.
        let page = store.read_from(&[n], 0, 100).await.unwrap();
        let rounds: Vec<_> = page.entries.iter().map(|entry| entry.value[0]).collect();
        assert_eq!(rounds, (0..20).filter(|round| round % 4 > 0).collect::<Vec<_>>());
        for round in 0..20 {
            let value = store.get(&[n, round]).await.unwrap();
            assert_eq!(value.is_some(), round % 4 > 0);
            assert!(value.is_none_or(|value| value[..] == [n; 500]));
        }
    }
    on_connection(&store, check).await;
}

#[tokio::test]
async fn a_store_that_is_dropped_first_does_what_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = open(&path);
    for n in 0..100_u8 {
        let _ = poll_immediate(store.put(&[n], b"x", None)).await;
    }
    drop(store);
    let store = open(&path);
    for n in 0..100_u8 {
        assert!(store.get(&[n]).await.unwrap().is_some(), "{n}");
    }
}
