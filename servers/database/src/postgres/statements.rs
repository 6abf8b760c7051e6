//! The callers' statements that a session keeps prepared, and under which verdict.
//!
//! What is kept never decides whether a statement may run: the server itself compares the catalogue with the verdict, in the
//! transaction that runs the statement and before it (see [`super::guard`]), and whatever no longer fits is forgotten. A session
//! that is made clean for the next caller keeps them, because they hold nothing of the last one: no values and no state.
//!
//! It refuses to grow: the statement that was used longest ago goes first, by number and by bytes of text.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_postgres::Statement;

use super::cells::Reading;
use super::guard::Verdict;
use crate::engine::StatementStats;
use crate::result::Column;

/// Bytes of statements that one session keeps at most.
const MAX_BYTES: usize = 1 << 20;

/// A statement that was judged and prepared.
pub(super) struct Known {
    pub(super) sql: String,
    pub(super) verdict: Arc<Verdict>,
    /// The statement behind its prefix.
    pub(super) prefixed: Statement,
    /// How its columns are read, and what is told about them.
    pub(super) readings: Vec<Reading>,
    pub(super) columns: Vec<Column>,
    /// The moment of the catalogue at which the verdict was last found to stand.
    stood_at: Mutex<String>,
}

impl Known {
    pub(super) fn new(
        sql: &str,
        verdict: Arc<Verdict>,
        prefixed: Statement,
        readings: Vec<Reading>,
        columns: Vec<Column>,
    ) -> Self {
        Self {
            sql: sql.to_owned(),
            verdict,
            prefixed,
            readings,
            columns,
            stood_at: Mutex::default(),
        }
    }

    /// When the verdict was last found to stand, as [`Verdict::check`] told it.
    pub(super) fn stood_at(&self) -> String {
        self.stood_at.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn stands_at(&self, moment: String) {
        *self.stood_at.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }
}

/// What the sessions of one database did with prepared statements.
#[derive(Debug, Default)]
pub(super) struct Counters {
    kept: AtomicUsize,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Counters {
    pub(super) fn stats(&self) -> StatementStats {
        StatementStats {
            kept: self.kept.load(Ordering::Relaxed),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }
}

/// The statements of one session.
pub(super) struct Statements {
    /// The one used last stands last. They are few, and their lengths tell most of them apart.
    kept: Mutex<Vec<Arc<Known>>>,
    max: usize,
    counters: Arc<Counters>,
}

impl Statements {
    pub(super) fn new(max: usize, counters: Arc<Counters>) -> Self {
        Self { kept: Mutex::default(), max, counters }
    }

    /// The statement of this text, if it is kept.
    pub(super) fn get(&self, sql: &str) -> Option<Arc<Known>> {
        let mut kept = self.lock();
        let Some(at) = kept.iter().rposition(|known| known.sql == sql) else {
            self.counters.misses.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        self.counters.hits.fetch_add(1, Ordering::Relaxed);
        kept[at..].rotate_left(1);
        kept.last().cloned()
    }

    /// Keeps a statement, in the place of others if need be.
    pub(super) fn keep(&self, known: Known) {
        if self.max == 0 || known.sql.len() > MAX_BYTES / 4 {
            return;
        }
        self.forget(&known.sql);
        let mut kept = self.lock();
        let bytes: usize = known.sql.len() + kept.iter().map(|one| one.sql.len()).sum::<usize>();
        let mut surplus = bytes.saturating_sub(MAX_BYTES);
        let mut old = (kept.len() + 1).saturating_sub(self.max);
        for one in kept.iter().skip(old) {
            if surplus == 0 {
                break;
            }
            surplus = surplus.saturating_sub(one.sql.len());
            old += 1;
        }
        drop(kept.drain(..old));
        kept.push(Arc::new(known));
        self.counters.kept.fetch_add(1, Ordering::Relaxed);
        self.counters.kept.fetch_sub(old, Ordering::Relaxed);
    }

    /// Forgets a statement, which the server then forgets too.
    pub(super) fn forget(&self, sql: &str) {
        let mut kept = self.lock();
        if let Some(at) = kept.iter().position(|known| known.sql == sql) {
            kept.remove(at);
            self.counters.kept.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Known>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Statements {
    fn drop(&mut self) {
        let kept = self.kept.get_mut().unwrap_or_else(PoisonError::into_inner).len();
        self.counters.kept.fetch_sub(kept, Ordering::Relaxed);
    }
}
