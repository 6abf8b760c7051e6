//! Every attack of the corpora against both boundaries, and against each of them alone, as a role with every privilege.
//!
//! A refusal is an error, and nothing on the server may have changed. What is only harmless must end within its bounds, and
//! nothing may have changed either. What is legitimate must run and give the exact rows. These are unit tests because
//! switching a boundary off is not possible from outside the crate.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use serde_json::Value;

use super::Database;
use super::database::Boundaries;
use super::testing::TestDatabase;
use crate::error::DatabaseError;
use crate::peak::Peak;
use crate::request::QueryRequest;
use crate::result::QueryResult;

const GUARD_ALONE: Boundaries = Boundaries { guard: true, read_only: false };
const TRANSACTION_ALONE: Boundaries = Boundaries { guard: false, read_only: true };

/// Whose privileges the attacks have.
#[derive(Clone, Copy, Debug)]
enum Role {
    /// Every privilege on the server.
    Everything,
    /// Every privilege on one database, and none on the server.
    Ordinary,
}

/// What a case must lead to.
#[derive(Clone, Debug, PartialEq)]
enum Expect {
    Refuse,
    Harmless,
    Allow(Value),
}

fn cases() -> Vec<(String, Expect)> {
    let own: Value = serde_json::from_str(include_str!("../../tests/corpus/mysql.json")).unwrap();
    let texts = |part: &str| -> Vec<String> {
        let part = own[part].as_array().unwrap();
        part.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut cases: Vec<(String, Expect)> = Vec::new();
    cases.extend(texts("refuse").into_iter().map(|text| (text, Expect::Refuse)));
    cases.extend(texts("harmless").into_iter().map(|text| (text, Expect::Harmless)));
    for case in own["allow"].as_array().unwrap() {
        cases.push((case[0].as_str().unwrap().to_owned(), Expect::Allow(case[1].clone())));
    }
    cases.extend(generated());
    cases
}

/// Inputs that are too long to write down.
fn generated() -> Vec<(String, Expect)> {
    let nested = |open: &str, close: &str, count: usize| {
        format!("SELECT {}1{}", open.repeat(count), close.repeat(count))
    };
    vec![
        (nested("(", ")", 20_000), Expect::Refuse),
        (format!("SELECT '{}'", "x".repeat(5_000_000)), Expect::Refuse),
        (nested("abs(", ")", 5_000), Expect::Refuse),
        (nested("(SELECT ", ")", 1_000), Expect::Refuse),
        (format!("SELECT {}1", "1+".repeat(20_000)), Expect::Harmless),
        (format!("SELECT {}1", "NOT ".repeat(20_000)), Expect::Harmless),
        (format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(2_000)), Expect::Harmless),
        (
            format!("SELECT * FROM {}", vec!["orders_big"; 61].join(" NATURAL JOIN ")),
            Expect::Harmless,
        ),
        (format!("SELECT {}", vec!["1"; 5_000].join(",")), Expect::Harmless),
        (
            format!("SELECT 1 FROM DUAL WHERE 1 IN ({})", vec!["1"; 20_000].join(",")),
            Expect::Allow(Value::Null),
        ),
        (format!("SELECT 1 /* {} */", "x".repeat(90_000)), Expect::Allow(Value::Null)),
        (format!("SELECT {} FROM people", vec!["id"; 1_000].join(",")), Expect::Allow(Value::Null)),
    ]
}

/// What the transaction does not stop, since it changes no rows: files, waiting, locks, sequences aside. A role that is
/// allowed to do such things needs the guard.
fn beyond_a_transaction(sql: &str) -> bool {
    let sql = sql.to_ascii_uppercase();
    [
        "OUTFILE",
        "DUMPFILE",
        "LOCK",
        "SLEEP",
        "BENCHMARK",
        "SHUTDOWN",
        "KILL",
        "GLOBAL",
        "RESET",
        "FLUSH",
        "PURGE",
        "HANDLER",
        "CHANGE MASTER",
        "SLAVE",
        "INSTALL",
        "SONAME",
        "BACKUP",
        "PASSWORD",
        "GRANT",
        "REVOKE",
        "CREATE",
        "DROP",
        "ALTER",
        "RENAME",
        "TRUNCATE",
        "COMMIT",
        "CALL",
        "CACHE",
        "ANALYZE TABLE",
        "OPTIMIZE",
        "REPAIR",
        "CHECK TABLE",
        "NAPS",
        "MASTER_GTID_WAIT",
        "MASTER_POS_WAIT",
        "SET ",
        "START ",
        "BEGIN",
        "XA ",
        "BINLOG",
        "WRITES_FILE",
        "SETS_GLOBAL",
    ]
    .iter()
    .any(|word| sql.contains(word))
}

async fn run(
    database: &Database,
    sql: &str,
    timeout: Duration,
) -> Result<QueryResult, DatabaseError> {
    database.query(QueryRequest { timeout: Some(timeout), ..QueryRequest::new(sql) }).await
}

/// What only spends the time of a test where nothing stops it before it runs.
fn waits(sql: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    ["sleep", "benchmark", "naps", "gtid_wait", "pos_wait"].iter().any(|word| sql.contains(word))
}

/// The most memory of this process that one harmless case may take.
const MAX_GROWTH_MIB: u64 = 64;

async fn attack(boundaries: Boundaries, role: Role, wants: impl Fn(&str) -> bool) -> usize {
    let server = TestDatabase::new().await;
    let mut settings = match role {
        Role::Everything => server.settings(),
        Role::Ordinary => server.settings_with("ALL PRIVILEGES").await,
    };
    settings.limits.max_timeout = Duration::from_secs(300);
    let database = Database::open_behind(settings, boundaries).unwrap();
    let before = server.state().await;
    let (mut seen, mut wrong) = (0, Vec::new());
    for (sql, expect) in cases().into_iter().filter(|(sql, _)| wants(sql)) {
        let shown: String = sql.chars().take(120).collect();
        let peak = Peak::start();
        // What may run goes on for as long as it is let. Where a verdict counts, a busy machine must not look like a statement
        // that runs.
        let may_run = !boundaries.guard || expect == Expect::Harmless;
        let timeout = Duration::from_secs(if may_run { 2 } else { 120 });
        let answer = run(&database, &sql, timeout).await;
        if expect == Expect::Harmless
            && let Err(fault) = peak.within_bounds(&answer, MAX_GROWTH_MIB)
        {
            wrong.push(format!("{shown:?}: {fault}"));
        }
        if boundaries.guard
            && let Err(fault) = judged(&expect, &answer)
        {
            wrong.push(format!("{shown:?}: {fault}"));
        }
        if let Err(error) = &answer {
            let text = error.to_string();
            assert!(error.detail().is_none(), "{shown:?} is no internal matter: {error:?}");
            assert!(!text.contains("127.0.0.1") && text.len() < 700, "{shown:?}: {text}");
        }
        database.settled().await;
        let after = server.state().await;
        if after != before {
            for (question, was) in &before {
                assert_eq!(after.get(question), Some(was), "changed by {shown:?}: {question}");
            }
            panic!("{shown:?} added something");
        }
        seen += 1;
    }
    database.close().await;
    assert!(wrong.is_empty(), "{boundaries:?}:\n{}", wrong.join("\n"));
    seen
}

/// What is wrong with an answer behind the guard.
fn judged(expect: &Expect, answer: &Result<QueryResult, DatabaseError>) -> Result<(), String> {
    match (expect, answer) {
        (Expect::Refuse, Ok(result)) => Err(format!("let through: {result:?}")),
        (Expect::Refuse, Err(DatabaseError::Timeout { .. })) => {
            Err("ran until it was stopped".into())
        }
        (Expect::Allow(_), Err(error)) => Err(format!("refused: {error}")),
        (Expect::Allow(Value::Null), Ok(result)) if result.columns.is_empty() => {
            Err("no columns".into())
        }
        (Expect::Allow(rows), Ok(result)) if !rows.is_null() => {
            let found = serde_json::to_value(&result.rows).unwrap();
            if found == *rows { Ok(()) } else { Err(format!("{found} is not {rows}")) }
        }
        _ => Ok(()),
    }
}

#[tokio::test]
async fn both_boundaries_hold() {
    let seen = attack(Boundaries::BOTH, Role::Everything, |_| true).await;
    assert!(seen > 350, "the corpora must be there");
}

#[tokio::test]
async fn the_guard_alone_holds() {
    let seen = attack(GUARD_ALONE, Role::Everything, |_| true).await;
    assert!(seen > 350, "the corpora must be there");
}

#[tokio::test]
async fn the_transaction_alone_holds_for_an_ordinary_role() {
    // Functions that run with the rights of whoever made them, here the role with every privilege, are not the role's own.
    let lent =
        |sql: &str| ["writes_file", "sets_global", "handles"].iter().any(|name| sql.contains(name));
    let wants = |sql: &str| !waits(sql) && !lent(sql);
    let seen = attack(TRANSACTION_ALONE, Role::Ordinary, wants).await;
    assert!(seen > 300, "the corpora must be there");
}

#[tokio::test]
async fn the_transaction_alone_keeps_every_row_from_a_role_that_may_do_everything() {
    let wants = |sql: &str| !beyond_a_transaction(sql) && !waits(sql);
    let seen = attack(TRANSACTION_ALONE, Role::Everything, wants).await;
    assert!(seen > 150, "the corpora must be there");
}

#[tokio::test]
async fn the_attacks_are_real() {
    // Without boundaries the digest notices what they do.
    let server = TestDatabase::new().await;
    for sql in [
        "DELETE FROM orders",
        "SELECT purge_users()",
        "SELECT nextval(order_seq)",
        "SELECT 1 INTO OUTFILE 'wt_outfile_real'",
    ] {
        let before = server.state().await;
        let mut admin = server.admin().await;
        // The file goes to a folder of its own, so that no other test sees it.
        let sql = sql.replace("wt_outfile", &format!("./{}/wt_outfile", server.name));
        admin.query_drop(format!("USE {}; {sql}", server.name)).await.unwrap();
        assert_ne!(server.state().await, before, "{sql}");
    }
}
