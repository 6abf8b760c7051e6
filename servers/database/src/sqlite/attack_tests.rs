//! Every attack of the corpora against both boundaries, and against each of them alone.
//!
//! A refusal is an error, and nothing on disk may have changed. What is only harmless must end within the
//! work budget, and nothing on disk may have changed either. What is legitimate must run. These are unit tests
//! because switching a boundary off is not possible from outside the crate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::connection::Boundaries;
use super::{Database, SqliteSettings};
use crate::corpus::{self, Expect};
use crate::error::DatabaseError;
use crate::peak::Peak;
use crate::request::QueryRequest;
use crate::result::QueryResult;

const SESSION_ALONE: Boundaries = Boundaries { session: true, authorizer: false };
const AUTHORIZER_ALONE: Boundaries = Boundaries { session: false, authorizer: true };

/// A database file in a directory of its own.
struct Fixture {
    directory: TempDir,
    database: Database,
}

impl Fixture {
    fn behind(boundaries: Boundaries) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(include_str!("../../tests/corpus/fixture.sql")).unwrap();
        drop(connection);
        let mut settings = SqliteSettings::file(path);
        // Small enough for an unoptimised build, far more than any legitimate statement here needs.
        settings.limits.max_work_steps = 2_000_000;
        settings.limits.max_timeout = Duration::from_secs(300);
        settings.limits.default_timeout = Duration::from_secs(300);
        let database = Database::open_behind(settings, boundaries).unwrap();
        Self { directory, database }
    }

    async fn run(&self, sql: &str) -> Result<QueryResult, DatabaseError> {
        self.database.query(QueryRequest::new(sql), &CancellationToken::new()).await
    }

    /// Every file of the directory with a digest of its content.
    fn on_disk(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        std::fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), digest(&path)))
            .collect()
    }

    /// What another caller sees afterwards, whichever connection serves them.
    async fn check_untouched(&self, sql: &str, before: &BTreeMap<PathBuf, Vec<u8>>) {
        assert_eq!(&self.on_disk(), before, "changed on disk by {sql:?}");
        let after = self
            .run("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sqlite_temp_schema), 'A' LIKE 'a'")
            .await
            .unwrap_or_else(|error| panic!("after {sql:?}: {error}"));
        let json = serde_json::to_string(&after.rows).unwrap();
        assert_eq!(json, "[[2,0,1]]", "another caller sees the trace of {sql:?}");
    }
}

fn digest(path: &Path) -> Vec<u8> {
    Sha256::digest(std::fs::read(path).unwrap()).to_vec()
}

fn cases() -> Vec<(String, Expect)> {
    let own = serde_json::from_str(include_str!("../../tests/corpus/own.json")).unwrap();
    let shared = corpus::shared(include_str!("../../tests/corpus/shared.json"));
    [shared, corpus::listed(&own), generated()].concat()
}

/// Inputs that are too long to write down.
fn generated() -> Vec<(String, Expect)> {
    let repeat = |item: &str, count: usize| vec![item; count].join(",");
    vec![
        (format!("SELECT {}", repeat("1", 3_000)), Expect::Refuse),
        (format!("SELECT {}1", "-".repeat(0) + &"1+".repeat(20_000)), Expect::Refuse),
        (format!("SELECT {}1", "NOT ".repeat(20_000)), Expect::Refuse),
        (format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(1_000)), Expect::Refuse),
        (format!("SELECT {}1{}", "abs(".repeat(5_000), ")".repeat(5_000)), Expect::Refuse),
        (format!("SELECT {}1{}", "(SELECT ".repeat(5_000), ")".repeat(5_000)), Expect::Refuse),
        (format!("SELECT * FROM {}", repeat("users", 100)), Expect::Refuse),
        (format!("SELECT concat({})", repeat("1", 5_000)), Expect::Refuse),
        (format!("SELECT ?{}", 1_000_000), Expect::Refuse),
        (format!("SELECT {}", repeat("hex(zeroblob(4000000))", 300)), Expect::Harmless),
        (format!("SELECT {}", repeat("randomblob(9000000)", 300)), Expect::Harmless),
        (format!("SELECT * FROM {}", repeat("numbers", 20)), Expect::Harmless),
        (
            format!(
                "SELECT 1 FROM users WHERE {}1",
                "id IN (SELECT id FROM users) AND ".repeat(60)
            ),
            Expect::Harmless,
        ),
        (format!("SELECT 1 WHERE 1 IN ({})", repeat("1", 20_000)), Expect::Allow),
        (format!("VALUES {}", repeat("(1)", 2_000)), Expect::Allow),
        (format!("SELECT 1 WHERE {}1=1", "1=2 OR ".repeat(400)), Expect::Allow),
        (format!("SELECT 1 /* {} */", "x".repeat(90_000)), Expect::Allow),
    ]
}

/// Statements that change nothing by themselves, so that a single boundary may let them run.
fn runs_without_effect(sql: &str) -> bool {
    let sql = sql.trim().to_ascii_uppercase();
    ["EXPLAIN", "SELECT", "PRAGMA", "WITH", ";", "BEGIN"].iter().any(|verb| sql.starts_with(verb))
}

/// SQLite's own bound, which is the process's, and room for an answer.
const MAX_GROWTH_MIB: u64 = 128 + 64;

async fn attack(boundaries: Boundaries) {
    let fixture = Fixture::behind(boundaries);
    let alone = !(boundaries.session && boundaries.authorizer);
    let before = fixture.on_disk();
    let mut seen = 0;
    for (sql, expect) in cases() {
        let shown: String = sql.chars().take(120).collect();
        let peak = Peak::start();
        let answer = fixture.run(&sql).await;
        if expect == Expect::Harmless {
            let bounded = peak.within_bounds(&answer, MAX_GROWTH_MIB);
            assert_eq!(bounded, Ok(()), "{boundaries:?}: {shown:?}");
        }
        match (expect, &answer) {
            (Expect::Refuse, Ok(_)) => {
                assert!(alone && runs_without_effect(&sql), "{boundaries:?} let through {shown:?}");
            }
            (Expect::Allow, Err(error)) => panic!("{boundaries:?} refused {shown:?}: {error}"),
            _ => {}
        }
        if let Err(error) = &answer {
            let text = error.to_string();
            assert!(error.detail().is_none(), "{shown:?} is no internal matter: {error:?}");
            assert!(!text.contains("data.db") && text.len() < 600, "{shown:?}: {text}");
        }
        fixture.check_untouched(&shown, &before).await;
        seen += 1;
    }
    assert!(seen > 250, "the corpora must be there");
}

#[tokio::test]
async fn both_boundaries_hold() {
    attack(Boundaries::BOTH).await;
}

#[tokio::test]
async fn the_session_alone_holds() {
    attack(SESSION_ALONE).await;
}

#[tokio::test]
async fn the_authorizer_alone_holds() {
    attack(AUTHORIZER_ALONE).await;
}

#[tokio::test]
async fn the_attacks_are_real() {
    // Without boundaries a plain connection does change the file: the digests would notice.
    let fixture = Fixture::behind(Boundaries::BOTH);
    let before = fixture.on_disk();
    let path = fixture.directory.path().join("data.db");
    rusqlite::Connection::open(path).unwrap().execute_batch("DELETE FROM orders").unwrap();
    assert_ne!(fixture.on_disk(), before);
}

#[tokio::test]
async fn virtual_tables_are_readable_after_a_refusal() {
    let fixture = Fixture::behind(AUTHORIZER_ALONE);
    let read = "SELECT id FROM places WHERE west <= 5 AND east >= 5";
    for refused in ["VACUUM INTO 'copy.db'", "CREATE TEMP TABLE t(x)", "SELECT no_such_function()"]
    {
        fixture.run(refused).await.unwrap_err();
        assert_eq!(fixture.run(read).await.unwrap().row_count, 1, "after {refused}");
    }
}
