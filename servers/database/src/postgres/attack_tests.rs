//! Every attack of the corpora against both boundaries, and against each of them alone.
//!
//! Both together stand against a superuser; each of them alone against a role that may only read. A refusal is an error, and
//! nothing in the database, in the roles, in the settings of other sessions or in the server's directories may have changed.

use std::time::Duration;

use serde_json::Value;

use super::Postgres;
use super::read::Boundaries;
use super::scratch::Scratch;
use super::settings::PostgresSettings;
use crate::corpus::{self, Expect};
use crate::engine::Engine as _;
use crate::error::DatabaseError;
use crate::peak::Peak;
use crate::request::QueryRequest;
use crate::result::QueryResult;

const GUARD_ALONE: Boundaries = Boundaries { guard: true, transaction: false };
const TRANSACTION_ALONE: Boundaries = Boundaries { guard: false, transaction: true };

/// The most memory of this process that one harmless case may take.
const MAX_GROWTH_MIB: u64 = 64;

/// What the whole database and what lies around it looks like, in one value.
const DIGEST: &str = "SELECT md5(string_agg(x, E'\\n' ORDER BY x)) FROM ( \
     SELECT 'class ' || c.oid || c.relname || c.relkind::text || coalesce(c.relacl::text, '') AS x FROM pg_class c \
       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_(toast_)?temp_' \
     UNION ALL SELECT 'proc ' || p.oid || p.proname || p.prosrc FROM pg_proc p WHERE p.oid >= 16384 \
     UNION ALL SELECT 'extension ' || e.extname FROM pg_extension e \
     UNION ALL SELECT 'setting ' || s.setconfig::text FROM pg_db_role_setting s WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) \
     UNION ALL SELECT 'privileges ' || a.rolname || a.rolsuper || coalesce(a.rolpassword, '') FROM pg_authid a WHERE a.rolname IN ('postgres', 'r' || current_database()) \
     UNION ALL SELECT 'object ' || l.oid FROM pg_largeobject_metadata l \
     UNION ALL SELECT 'sequence ' || s.schemaname || s.sequencename || coalesce(s.last_value::text, '') FROM pg_sequences s \
     UNION ALL SELECT 'lock ' || l.objid FROM pg_locks l WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
     UNION ALL SELECT 'file ' || f FROM pg_ls_dir('.') f WHERE f !~ '^postmaster' \
     UNION ALL SELECT 'of the database ' || f FROM pg_ls_dir('base/' || (SELECT oid FROM pg_database WHERE datname = current_database())) f \
       WHERE f ~ '^[0-9.]+$' \
     UNION ALL SELECT 'setting file ' || f || md5(pg_read_file(f)) \
       FROM unnest(ARRAY['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf', 'PG_VERSION']) f \
     UNION ALL SELECT d || ' ' || f FROM unnest(ARRAY['pg_replslot', 'pg_tblspc', 'pg_twophase', 'pg_snapshots', 'pg_logical/mappings']) d, pg_ls_dir(d) f \
     UNION ALL SELECT 'outside ' || f FROM pg_ls_dir('/tmp') f WHERE f ~ 'pwn' \
     UNION ALL SELECT 'rows ' || c.oid || query_to_xml(format('SELECT count(*), sum(xmin::text::bigint) FROM %s t', c.oid::regclass), true, false, '')::text \
       FROM pg_class c WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND c.relispopulated AND NOT c.relispartition AND c.relname !~ '^planned_' \
         AND c.relnamespace <> 'information_schema'::regnamespace AND c.relpersistence = 'p') d";

/// What came with a version of PostgreSQL, and with the versions before it.
fn since(version: u64) -> Vec<Value> {
    let all: Value =
        serde_json::from_str(include_str!("../../tests/corpus/postgres_versions.json")).unwrap();
    let versions = all["versions"].as_array().unwrap().clone();
    versions.into_iter().filter(|part| part["since"].as_u64().unwrap() <= version).collect()
}

fn cases(version: u64) -> Vec<(String, Expect)> {
    let own = serde_json::from_str(include_str!("../../tests/corpus/postgres_own.json")).unwrap();
    let mut cases = corpus::shared(include_str!("../../tests/corpus/postgres.json"));
    for part in [vec![own], since(version)].concat() {
        cases.extend(corpus::listed(&part));
    }
    cases
}

async fn scratch() -> Scratch {
    let scratch = Scratch::with_fixture().await;
    scratch.execute(include_str!("../../tests/corpus/postgres_own_fixture.sql")).await;
    for part in since(version(&scratch).await) {
        scratch.execute(part["fixture"].as_str().unwrap()).await;
    }
    scratch
}

async fn version(scratch: &Scratch) -> u64 {
    scratch.value("SHOW server_version_num").await.parse::<u64>().unwrap() / 10_000
}

fn open(settings: PostgresSettings, boundaries: Boundaries) -> Postgres {
    Postgres::open_behind(settings, boundaries).unwrap()
}

async fn run(database: &Postgres, sql: &str, expect: Expect) -> Result<QueryResult, DatabaseError> {
    let mut request = QueryRequest::new(sql);
    // What is only harmless may run for as long as it is let.
    request.timeout = (expect != Expect::Allow).then_some(Duration::from_secs(1));
    let answer = database.query(request).await;
    while database.pool_stats().in_use > 0 {
        tokio::task::yield_now().await;
    }
    answer
}

fn shown(sql: &str) -> String {
    sql.chars().take(120).collect()
}

/// Whether the boundaries answered in the expected way; each wrong answer is returned.
async fn wrong_answers(
    database: &Postgres,
    scratch: &Scratch,
    refuse: bool,
    allow: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    // Files of tables that are gone are removed at the next checkpoint, which any other test may cause.
    scratch.execute("CHECKPOINT").await;
    let before = scratch.value(DIGEST).await;
    let data_folder = scratch.value("SHOW data_directory").await;
    for (sql, expect) in cases(version(scratch).await) {
        let peak = Peak::start();
        let answer = run(database, &sql, expect).await;
        if let (Expect::Harmless, Err(what)) = (expect, peak.within_bounds(&answer, MAX_GROWTH_MIB))
        {
            wrong.push(format!("{what}: {}", shown(&sql)));
        }
        match (&answer, expect) {
            (Ok(_), Expect::Refuse) if refuse => wrong.push(format!("ran: {}", shown(&sql))),
            (Err(error), Expect::Allow) if allow => {
                wrong.push(format!("refused: {} ({error})", shown(&sql)))
            }
            // Without the guard a role may end its own session.
            (
                Err(DatabaseError::Internal { detail } | DatabaseError::Unavailable { detail, .. }),
                _,
            ) if refuse => {
                wrong.push(format!("broke: {} ({detail})", shown(&sql)));
            }
            (Err(error), Expect::Refuse) => {
                assert!(!error.to_string().contains(&data_folder), "{error}")
            }
            _ => {}
        }
        if !is_as(scratch, &before).await {
            wrong.push(format!("changed something: {}", shown(&sql)));
            return wrong;
        }
    }
    wrong
}

/// Whether everything is as it was. Other tests use the same server, and what they do to it for a moment (an exported snapshot)
/// passes; what was changed stays.
async fn is_as(scratch: &Scratch, before: &str) -> bool {
    for _ in 0..50 {
        if scratch.value(DIGEST).await == before {
            return true;
        }
    }
    false
}

#[track_caller]
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_superuser_behind_both_boundaries_can_only_read() {
    let scratch = scratch().await;
    let database = open(scratch.superuser(), Boundaries::BOTH);
    let wrong = wrong_answers(&database, &scratch, true, true).await;
    assert_none(&wrong);
    database.close().await;
}

#[tokio::test]
async fn the_guard_alone_is_enough_for_an_ordinary_role() {
    let scratch = scratch().await;
    let database = open(scratch.reader().await, GUARD_ALONE);
    let wrong = wrong_answers(&database, &scratch, true, false).await;
    assert_none(&wrong);
    database.close().await;
}

#[tokio::test]
async fn the_transaction_alone_lets_an_ordinary_role_change_nothing() {
    let scratch = scratch().await;
    let database = open(scratch.reader().await, TRANSACTION_ALONE);
    let wrong = wrong_answers(&database, &scratch, false, false).await;
    assert_none(&wrong);
    database.close().await;
}
