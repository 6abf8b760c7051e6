//! The first boundary: PostgreSQL analyses a statement without running it, and everything that it uses is judged.
//!
//! 1. The extended protocol takes exactly one statement, and gives the types of its parameters. [`conversions`] sees to it that nothing
//!    of a user's runs before.
//! 2. [`body`] has it analysed as the body of a function that never lasts. The parser, the names, the overloads and the
//!    escapes are PostgreSQL's own, so that there is no second reading of SQL to disagree with the first.
//! 3. [`tree`] reads the analysed tree and [`walk`] collects what it uses; what they do not know is refused.
//! 4. [`judge`] looks each object up by OID and follows views and policies ([`relations`]), functions and aggregates ([`calls`]),
//!    operators, casts and types.
//!    [`planned`] adds what only the planner runs, [`unnamed`] what the server applies by itself. [`declaration`] judges a function by what is declared about it, [`lists`] names PostgreSQL's own that are harmless or are not.
//! 5. [`verdicts`] remembers what was allowed until the catalogue changes.
//!
//! It refuses whatever it cannot judge. Event triggers on `CREATE FUNCTION` fire during an analysis and are rolled back with it;
//! one that forbids the function makes analysis impossible.

mod body;
mod calls;
mod catalogue;
mod conversions;
mod declaration;
mod fields;
#[cfg(test)]
mod functions_tests;
mod judge;
mod lists;
mod literals;
mod opaque;
mod pending;
mod planned;
mod relations;
mod target;
pub(super) mod tree;
mod unnamed;
mod verdicts;
pub(super) mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Statement;

use self::body::Analysis;
use self::judge::Judge;
use self::verdicts::{Basis, Verdicts};
pub(super) use self::verdicts::{Standing, Verdict, prepare_check};
use self::walk::ANYARRAY;
use super::lexer::Lexer;
use super::role;
use super::session::Session;
use crate::error::DatabaseError;

/// The first version that stores analysed bodies.
const FIRST_VERSION: u32 = 14;

/// What the operator allows beyond the rules.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowed {
    pub(super) functions: BTreeSet<String>,
    pub(super) foreign_tables: bool,
    /// Whether a role that may only read does without the guard where the server cannot analyse.
    pub(super) unguarded: bool,
}

/// What a statement is meant to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Read,
    /// Change rows of one table, and read besides.
    Change,
}

/// The guard of one database.
pub(super) struct Guard {
    allowed: Allowed,
    verdicts: Verdicts,
}

impl Guard {
    pub(super) fn new(allowed: Allowed) -> Self {
        Self { allowed, verdicts: Verdicts::default() }
    }

    /// What is remembered about a statement.
    pub(super) fn remembered(&self, sql: &str) -> Option<Arc<Verdict>> {
        self.verdicts.get(sql)
    }

    /// Whether something of a user's could run when a statement is prepared, so that its verdict must be looked at before.
    pub(super) fn runs_when_prepared(sql: &str) -> bool {
        literals::may_hold_parts(sql)
    }

    /// Forgets a verdict that does not stand any more.
    pub(super) fn forget(&self, sql: &str) {
        self.verdicts.forget(sql);
    }

    /// Whether a verdict still means the same, asked in the transaction that is about to run the statement.
    pub(super) async fn still_stands(
        &self,
        session: &Session,
        sql: &str,
        verdict: &Verdict,
    ) -> Result<bool, DatabaseError> {
        let stands = verdict.fingerprint.is_some()
            && verdict.basis.fingerprint(session).await? == verdict.fingerprint;
        if !stands {
            self.verdicts.forget(sql);
        }
        Ok(stands)
    }

    /// Judges a statement in a transaction of its own, which is rolled back.
    pub(super) async fn judge(
        &self,
        session: &Session,
        sql: &str,
        timeout: Duration,
    ) -> Result<Arc<Verdict>, DatabaseError> {
        let verdict = Arc::new(self.judge_alone(session, sql, timeout, Purpose::Read).await?);
        if verdict.fingerprint.is_some() {
            self.verdicts.keep(sql, &verdict);
        }
        Ok(verdict)
    }

    /// Judges a statement that changes rows of one table, in a transaction of its own, which is rolled back. It is not remembered.
    pub(super) async fn judge_change(
        &self,
        session: &Session,
        sql: &str,
        timeout: Duration,
    ) -> Result<Verdict, DatabaseError> {
        let first = Lexer::first_word(sql).unwrap_or_default();
        if !["INSERT", "UPDATE", "DELETE", "WITH"].contains(&first.as_str()) {
            let what = match first.as_str() {
                "MERGE" => "MERGE",
                _ => "a statement that is no change of rows",
            };
            return Err(DatabaseError::refused(what, target::ADVICE));
        }
        self.judge_alone(session, sql, timeout, Purpose::Change).await
    }

    async fn judge_alone(
        &self,
        session: &Session,
        sql: &str,
        timeout: Duration,
        purpose: Purpose,
    ) -> Result<Verdict, DatabaseError> {
        let judged = self.judge_inside(session, sql, timeout, purpose).await;
        if !session.is_closed() {
            session.batch("ROLLBACK").await?;
        }
        judged
    }

    async fn judge_inside(
        &self,
        session: &Session,
        sql: &str,
        timeout: Duration,
        purpose: Purpose,
    ) -> Result<Verdict, DatabaseError> {
        if literals::may_hold_parts(sql) {
            self.check_texts(session, sql, timeout).await?;
        }
        session.batch(&Session::begin("READ ONLY", timeout)).await?;
        // Only parsed and analysed: an error here is one of the caller's SQL.
        let prepared = session.client().prepare(sql).await;
        let prepared = prepared.map_err(|error| session.error(&error, sql, 0))?;
        if purpose == Purpose::Read && prepared.columns().is_empty() && !is_query(sql) {
            return Err(no_query(sql));
        }
        if session.version() < FIRST_VERSION {
            let why = format!("PostgreSQL {} is older than {FIRST_VERSION}", session.version());
            return self.without_analysis(session, &prepared, &why, purpose).await;
        }
        let begin = Session::begin("READ WRITE", timeout);
        if let Err(error) = session.client().batch_execute(&format!("ROLLBACK; {begin}")).await {
            if error.as_db_error().is_none() {
                return Err(session.own_error(&error));
            }
            session.batch(&format!("ROLLBACK; {}", Session::begin("READ ONLY", timeout))).await?;
            return self.without_analysis(session, &prepared, &error.to_string(), purpose).await;
        }
        match body::analyse_statement(session, sql, prepared.params()).await? {
            Analysis::Tree(tree) => self.judge_tree(session, &prepared, &tree, purpose).await,
            Analysis::NoQuery(error) if purpose == Purpose::Change => Err(no_change(&error)),
            Analysis::NoQuery(error) => Err(match is_query(sql) {
                true => no_analysis(&error),
                false => no_query(sql),
            }),
            Analysis::Impossible(why) => {
                session
                    .batch(&format!("ROLLBACK; {}", Session::begin("READ ONLY", timeout)))
                    .await?;
                self.without_analysis(session, &prepared, &why, purpose).await
            }
        }
    }

    /// Checks what the texts of a statement would be converted to, in a transaction of its own.
    async fn check_texts(
        &self,
        session: &Session,
        sql: &str,
        timeout: Duration,
    ) -> Result<(), DatabaseError> {
        let begin = Session::begin("READ WRITE", timeout);
        match session.client().batch_execute(&begin).await {
            Err(error) if error.as_db_error().is_none() => return Err(session.own_error(&error)),
            Ok(()) if session.version() >= FIRST_VERSION => {}
            // There is no judging here: a role that may do more than read is refused without asking the server anything.
            _ => {
                let begin = Session::begin("READ ONLY", timeout);
                session.batch(&format!("ROLLBACK; {begin}")).await?;
                self.go_on_without_analysis(session, "it cannot judge conversions").await?;
                return session.batch("ROLLBACK").await;
            }
        }
        let search_path = search_path(session).await?;
        session.batch("SET LOCAL search_path = pg_catalog").await?;
        let dangerous = conversions::dangerous_types(session, &self.allowed, &search_path).await?;
        session.batch(&format!("ROLLBACK; {}", Session::begin("READ ONLY", timeout))).await?;
        if !dangerous.is_empty() {
            conversions::check(session, sql, &dangerous).await?;
        }
        session.batch("ROLLBACK").await
    }

    async fn judge_tree(
        &self,
        session: &Session,
        prepared: &Statement,
        tree: &str,
        purpose: Purpose,
    ) -> Result<Verdict, DatabaseError> {
        let search_path = search_path(session).await?;
        session.batch("SET LOCAL search_path = pg_catalog").await?;
        let mut judge = Judge::new(session, &self.allowed, &search_path);
        let direct = Arc::from("");
        match purpose {
            Purpose::Read => judge.take_tree(tree, &direct, false)?,
            Purpose::Change => judge.take_change(tree)?,
        }
        prepared.params().iter().for_each(|type_| judge.push_type(type_.oid(), &direct));
        let shown = prepared.columns().iter().map(|column| column.type_().oid());
        shown.filter(|&oid| oid != ANYARRAY).for_each(|oid| judge.push_type(oid, &direct));
        judge.run().await?;
        let (relations, types) = judge.met();
        // Names of PostgreSQL's own types can be called like functions.
        let names = judge.names.into_iter().collect();
        let basis = Basis { names, relations, types };
        let reset = session.prepared("SELECT set_config('search_path', $1, true)").await?;
        let reset = session.client().query(&reset, &[&search_path]).await;
        reset.map_err(|error| session.own_error(&error))?;
        let fingerprint = basis.fingerprint(session).await?;
        Ok(Verdict { parameters: prepared.params().to_vec(), basis, fingerprint })
    }

    /// What happens where the server cannot analyse: only a role that may do nothing but read goes on.
    async fn without_analysis(
        &self,
        session: &Session,
        prepared: &Statement,
        why: &str,
        purpose: Purpose,
    ) -> Result<Verdict, DatabaseError> {
        if purpose == Purpose::Change {
            tracing::error!(why, "the server cannot analyse changes");
            return Err(DatabaseError::refused(
                "every change, because this server cannot analyse one before it runs",
                "ask the operator to name a primary server of version 14 or later, and to grant the role TEMP on the database",
            ));
        }
        self.go_on_without_analysis(session, why).await?;
        let parameters = prepared.params().to_vec();
        Ok(Verdict { parameters, basis: Basis::default(), fingerprint: None })
    }

    /// Refuses every statement of a role that may do more than read.
    async fn go_on_without_analysis(
        &self,
        session: &Session,
        why: &str,
    ) -> Result<(), DatabaseError> {
        let role = role::report(session).await?;
        if self.allowed.unguarded && role.may_only_read() {
            tracing::warn!(
                why,
                "a statement runs without the guard, in a read-only transaction of a role that may only read"
            );
            return Ok(());
        }
        tracing::error!(
            why,
            "the server cannot analyse statements and the role may do more than read"
        );
        Err(DatabaseError::refused(
            "every statement, because this server cannot analyse one before it runs",
            "ask the operator to use a role that may only SELECT, or to grant it TEMP on the database",
        ))
    }

    /// Why the server cannot analyse statements of this role, if so.
    pub(super) async fn obstacle(
        &self,
        session: &Session,
        timeout: Duration,
    ) -> Result<Option<String>, DatabaseError> {
        if session.version() < FIRST_VERSION {
            return Ok(Some(format!("PostgreSQL {} cannot analyse statements", session.version())));
        }
        let begun = session.client().batch_execute(&Session::begin("READ WRITE", timeout)).await;
        let found = match begun {
            Ok(()) => match body::analyse_statement(session, "SELECT 1", &[]).await? {
                Analysis::Tree(_) => None,
                Analysis::Impossible(why) => Some(why),
                Analysis::NoQuery(error) => Some(error.to_string()),
            },
            Err(error) if error.as_db_error().is_some() => Some(error.to_string()),
            Err(error) => return Err(session.own_error(&error)),
        };
        session.batch("ROLLBACK").await?;
        Ok(found)
    }
}

async fn search_path(session: &Session) -> Result<String, DatabaseError> {
    let statement = session.prepared("SELECT pg_catalog.current_setting('search_path')").await?;
    let row = session.client().query_one(&statement, &[]).await;
    let row = row.map_err(|error| session.own_error(&error))?;
    row.try_get(0).map_err(|error| DatabaseError::internal(error.to_string()))
}

fn is_query(sql: &str) -> bool {
    let first = Lexer::first_word(sql);
    first.is_some_and(|word| ["SELECT", "VALUES", "TABLE", "WITH"].contains(&word.as_str()))
}

fn no_analysis(error: &tokio_postgres::Error) -> DatabaseError {
    let why = error.as_db_error().map(tokio_postgres::error::DbError::message).unwrap_or_default();
    let what = format!("a statement that the server cannot analyse before it runs ({why})");
    DatabaseError::refused(what, "send one SELECT, VALUES, TABLE or WITH that only reads")
}

fn no_change(error: &tokio_postgres::Error) -> DatabaseError {
    let why = error.as_db_error().map(tokio_postgres::error::DbError::message).unwrap_or_default();
    let what = format!("a change that the server cannot analyse before it runs ({why})");
    DatabaseError::refused(what, target::ADVICE)
}

fn no_query(sql: &str) -> DatabaseError {
    let what = match Lexer::first_word(sql) {
        Some(word) if word.len() <= 20 => format!("the command {word}"),
        _ => "a command that is no query".to_owned(),
    };
    DatabaseError::refused(what, "send one SELECT, VALUES, TABLE, WITH, EXPLAIN or SHOW")
}
