//! The second boundary: one query as a cursor in a read-only transaction, whose rows come as PostgreSQL's own text.
//!
//! `DECLARE CURSOR` takes nothing but a query. The cursor is bound with the extended protocol, so that values never become part of
//! the text, and fetched with the simple one, whose answers are text: every value is exactly what psql would show.
//! The transaction ends with a rollback when the session is given back.

use std::time::Duration;

use futures_util::future::{join, join4};
use futures_util::{StreamExt as _, pin_mut};
use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_postgres::{Column as DriverColumn, SimpleQueryMessage, Statement};

use super::guard::{Guard, Verdict};
use super::lexer::Lexer;
use super::session::Session;
use super::types::TypeNames;
use super::{cells, explain, parameters, show};
use crate::collector::Collector;
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::request::{Parameters, QueryRequest};
use crate::result::QueryResult;

const DECLARE: &str = "DECLARE wharf_cursor NO SCROLL CURSOR FOR ";

/// What stands between a statement and the database. Only tests switch one of them off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boundaries {
    pub(super) guard: bool,
    pub(super) transaction: bool,
}

impl Boundaries {
    pub(super) const BOTH: Self = Self { guard: true, transaction: true };

    fn mode(self) -> &'static str {
        if self.transaction { "READ ONLY" } else { "READ WRITE" }
    }
}

/// What every read needs beside its session.
pub(super) struct Reader {
    pub(super) guard: Guard,
    pub(super) types: TypeNames,
    pub(super) limits: Limits,
    pub(super) boundaries: Boundaries,
}

/// A statement that may run, in a transaction that has begun.
pub(super) struct Admitted {
    /// The caller's statement, prepared but never run as it stands.
    pub(super) plain: Statement,
    /// The statement behind its prefix.
    pub(super) prefixed: Statement,
}

impl Reader {
    /// Runs one statement that reads.
    pub(super) async fn query(
        &self,
        session: &Session,
        request: &QueryRequest,
        row_limit: usize,
        timeout: Duration,
    ) -> Result<QueryResult, DatabaseError> {
        let started = Instant::now();
        check_text(&request.sql, &self.limits)?;
        let mut tokens = Lexer::new(&request.sql);
        let first = Lexer::first_word(&request.sql);
        let collected = match first.as_deref() {
            Some("EXPLAIN") => {
                tokens.next();
                let options = explain::options(&mut tokens)?;
                let inner = tokens.rest();
                let lines =
                    self.explain(session, inner, &request.params, &options, timeout).await?;
                explain::collect(&lines, &options, row_limit, &self.limits, started)?
            }
            Some("SHOW") => {
                let collector = show::run(self, session, &request.sql, row_limit, timeout, started);
                collector.await?
            }
            _ => self.rows(session, request, row_limit, timeout, started).await?,
        };
        if !self.boundaries.transaction {
            session.batch("COMMIT").await?;
        }
        Ok(collected)
    }

    async fn rows(
        &self,
        session: &Session,
        request: &QueryRequest,
        row_limit: usize,
        timeout: Duration,
        started: Instant,
    ) -> Result<QueryResult, DatabaseError> {
        let sql = &request.sql;
        let admitted = self.admit(session, sql, DECLARE, timeout).await?;
        let driver_columns = admitted.plain.columns();
        let values =
            parameters::bind(&request.params, admitted.plain.params(), self.limits.max_parameters)?;
        let columns = self.types.columns(session, driver_columns).await?;
        let mut collector = Collector::new(columns, row_limit, &self.limits, started)?;
        let fetch = format!("FETCH FORWARD {} FROM wharf_cursor", collector.wanted());
        let declare = session.client().execute_raw(&admitted.prefixed, values);
        let (declared, fetched) = join(declare, session.client().simple_query_raw(&fetch)).await;
        let error = |error: &tokio_postgres::Error| session.error(error, sql, DECLARE.len());
        declared.map_err(|failed| error(&failed))?;
        let messages = fetched.map_err(|failed| error(&failed))?;
        pin_mut!(messages);
        while let Some(message) = messages.next().await {
            let SimpleQueryMessage::Row(row) = message.map_err(|failed| error(&failed))? else {
                continue;
            };
            if !self.take_row(&mut collector, &row, driver_columns)? {
                session.abandon_statement();
                break;
            }
        }
        Ok(collector.finish())
    }

    fn take_row(
        &self,
        collector: &mut Collector<'_>,
        row: &tokio_postgres::SimpleQueryRow,
        columns: &[DriverColumn],
    ) -> Result<bool, DatabaseError> {
        if !collector.start_row() {
            return Ok(false);
        }
        for (index, column) in columns.iter().enumerate() {
            let text =
                row.try_get(index).map_err(|error| DatabaseError::internal(error.to_string()))?;
            let cell = cells::cell(column.type_(), text, self.limits.max_cell_bytes)?;
            if !collector.cell(cell)? {
                return Ok(false);
            }
        }
        collector.end_row();
        Ok(true)
    }

    /// The lines of a plan.
    pub(super) async fn explain(
        &self,
        session: &Session,
        sql: &str,
        params: &Parameters,
        options: &explain::Options,
        timeout: Duration,
    ) -> Result<Vec<String>, DatabaseError> {
        check_text(sql, &self.limits)?;
        let prefix = options.prefix();
        let admitted = self.admit(session, sql, &prefix, timeout).await?;
        let values = parameters::bind(params, admitted.plain.params(), self.limits.max_parameters)?;
        let rows = session.client().query_raw(&admitted.prefixed, values).await;
        let rows = rows.map_err(|error| session.error(&error, sql, prefix.len()))?;
        explain::lines(session, rows, self.limits.max_result_bytes).await
    }

    /// Lets a statement through the guard and begins the transaction in which it runs.
    pub(super) async fn admit(
        &self,
        session: &Session,
        sql: &str,
        prefix: &str,
        timeout: Duration,
    ) -> Result<Admitted, DatabaseError> {
        let begin = Session::begin(self.boundaries.mode(), timeout);
        let whole = format!("{prefix}{sql}");
        if !self.boundaries.guard {
            return self.admit_unguarded(session, sql, &whole, &begin, prefix).await;
        }
        if let Some(verdict) = self.guard.remembered(sql) {
            let stands = self.guard.still_stands(session, sql, &verdict);
            // All of it leaves at once, in this order.
            let (begun, plain, prefixed, stands) = join4(
                session.batch(&begin),
                session.client().prepare_typed(sql, &verdict.parameters),
                session.client().prepare_typed(&whole, &verdict.parameters),
                stands,
            )
            .await;
            begun?;
            let plain = plain.map_err(|error| session.error(&error, sql, 0))?;
            let prefixed = prefixed.map_err(|error| session.error(&error, sql, prefix.len()))?;
            if stands? {
                return same_types(plain, prefixed, &verdict);
            }
            session.batch("ROLLBACK").await?;
        }
        let verdict = self.guard.judge(session, sql, timeout).await?;
        let (begun, plain, prefixed) = futures_util::future::join3(
            session.batch(&begin),
            session.client().prepare_typed(sql, &verdict.parameters),
            session.client().prepare_typed(&whole, &verdict.parameters),
        )
        .await;
        begun?;
        let plain = plain.map_err(|error| session.error(&error, sql, 0))?;
        let prefixed = prefixed.map_err(|error| session.error(&error, sql, prefix.len()))?;
        same_types(plain, prefixed, &verdict)
    }

    async fn admit_unguarded(
        &self,
        session: &Session,
        sql: &str,
        whole: &str,
        begin: &str,
        prefix: &str,
    ) -> Result<Admitted, DatabaseError> {
        session.batch(begin).await?;
        let plain = session.client().prepare(sql).await;
        let plain = plain.map_err(|error| session.error(&error, sql, 0))?;
        let prefixed = session.client().prepare_typed(whole, plain.params()).await;
        let prefixed = prefixed.map_err(|error| session.error(&error, sql, prefix.len()))?;
        Ok(Admitted { plain, prefixed })
    }
}

/// The server must see the parameters that were judged.
pub(super) fn same_parameters(
    prepared: &Statement,
    verdict: &Verdict,
) -> Result<(), DatabaseError> {
    let oids = |types: &[Type]| types.iter().map(Type::oid).collect::<Vec<_>>();
    if oids(prepared.params()) != oids(&verdict.parameters) {
        return Err(DatabaseError::Busy { reason: "its schema is being changed".into() });
    }
    Ok(())
}

fn same_types(
    plain: Statement,
    prefixed: Statement,
    verdict: &Verdict,
) -> Result<Admitted, DatabaseError> {
    same_parameters(&plain, verdict)?;
    same_parameters(&prefixed, verdict)?;
    Ok(Admitted { plain, prefixed })
}

/// Refuses text that is no statement before anything is sent.
pub(super) fn check_text(sql: &str, limits: &Limits) -> Result<(), DatabaseError> {
    if sql.len() > limits.max_sql_bytes {
        return Err(DatabaseError::TooLarge {
            what: "the statement".into(),
            limit: format!("{} bytes", limits.max_sql_bytes),
            advice: "shorten it, or put long values into params".into(),
        });
    }
    if sql.contains('\0') {
        return Err(DatabaseError::invalid("query", "must not hold a NUL character"));
    }
    if Lexer::new(sql).next().is_none() {
        return Err(DatabaseError::invalid(
            "query",
            "must hold one statement, not only spaces and comments",
        ));
    }
    Ok(())
}
