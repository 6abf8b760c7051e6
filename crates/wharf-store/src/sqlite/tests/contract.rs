//! The suite that every store passes, by a clock that the test moves.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use tempfile::TempDir;
use wharf::state::{
    StateStore,
    contract::{CASES, Harness},
};

use crate::sqlite::{SqliteLimits, SqliteStore, clock::Source};

/// Stands still unless it is moved; each of its two hands by itself.
#[derive(Debug, Default)]
pub(super) struct Manual {
    pub(super) wall: AtomicU64,
    pub(super) steady: AtomicU64,
}

impl Manual {
    pub(super) fn new() -> Arc<Self> {
        let clock = Self::default();
        clock.wall.store(1_800_000_000_000_000_000, Ordering::SeqCst);
        Arc::new(clock)
    }

    pub(super) fn advance(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap();
        self.wall.fetch_add(nanos, Ordering::SeqCst);
        self.steady.fetch_add(nanos, Ordering::SeqCst);
    }

    /// As an operator or a time server sets it.
    pub(super) fn set_back(&self, time: Duration) {
        self.wall.fetch_sub(u64::try_from(time.as_nanos()).unwrap(), Ordering::SeqCst);
    }

    pub(super) fn open(self: &Arc<Self>, path: &Path) -> SqliteStore {
        let source: Arc<dyn Source> = Arc::<Self>::clone(self);
        SqliteStore::with_clock(path, SqliteLimits::default(), source).unwrap()
    }
}

impl Source for Manual {
    fn wall(&self) -> Duration {
        Duration::from_nanos(self.wall.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        Duration::from_nanos(self.steady.load(Ordering::SeqCst))
    }
}

struct Files {
    folder: TempDir,
    clock: Arc<Manual>,
    opened: Mutex<Vec<Arc<SqliteStore>>>,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, clock: Manual::new(), opened: Mutex::default() }
    }
}

impl Harness for Files {
    fn open(&self) -> BoxFuture<'_, Arc<dyn StateStore>> {
        let mut opened = self.opened.lock().unwrap();
        let path = self.folder.path().join(format!("{}.db", opened.len()));
        let store = Arc::new(self.clock.open(&path));
        opened.push(Arc::clone(&store));
        Box::pin(std::future::ready(store as Arc<dyn StateStore>))
    }

    fn pass(&self, time: Duration) -> BoxFuture<'_, ()> {
        let opened = self.opened.lock().unwrap().clone();
        Box::pin(async move {
            // What callers have left behind is done before time goes on.
            for store in opened {
                store.get(b"").await.unwrap();
            }
            self.clock.advance(time);
        })
    }

    fn key_bytes(&self) -> usize {
        SqliteLimits::default().key_bytes
    }

    fn value_bytes(&self) -> usize {
        SqliteLimits::default().value_bytes
    }
}

#[tokio::test]
async fn every_promise_of_the_contract_is_kept() {
    for case in CASES {
        eprintln!("{}", case.name);
        case.run(&Files::new()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_promises_about_callers_at_once_hold_on_several_threads() {
    let at_once = |name: &str| name.contains("at_once") || name.contains("increment");
    let cases: Vec<_> = CASES.iter().filter(|case| at_once(case.name)).collect();
    assert!(cases.len() >= 5);
    for case in cases {
        case.run(&Files::new()).await;
    }
}
