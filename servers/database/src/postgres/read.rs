//! The second boundary: one query as a cursor in a read-only transaction, whose rows come as PostgreSQL's own text.
//!
//! `DECLARE CURSOR` takes nothing but a query. The cursor is bound with the extended protocol, so that values never become part of
//! the text, and fetched with the simple one, whose answers are text: every value is exactly what psql would show.
//! The transaction ends with a rollback when the session is given back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join3, join4, join5};
use futures_util::{StreamExt as _, pin_mut};
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream, Statement};

use super::cells::Reading;
use super::guard::{Guard, Standing, Verdict, prepare_check};
use super::lexer::Lexer;
use super::session::Session;
use super::statements::Known;
use super::types::TypeNames;
use super::{explain, parameters, show};
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
    /// Why it may, where the guard stands.
    verdict: Option<Arc<Verdict>>,
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
                let (limits, form) = (&self.limits, request.rows);
                explain::collect(&lines, &options, row_limit, form, limits, started)?
            }
            Some("SHOW") => show::run(self, session, request, row_limit, timeout, started).await?,
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
        if self.boundaries.guard
            && let Some(known) = session.statements().get(sql)
        {
            let again = self.again(session, &known, request, row_limit, timeout, started).await?;
            if let Some(result) = again {
                return Ok(result);
            }
            session.forget_reset();
            session.statements().forget(sql);
            self.guard.forget(sql);
            session.batch("ROLLBACK").await?;
        }
        let Admitted { plain, prefixed, verdict } =
            self.admit(session, sql, DECLARE, timeout).await?;
        let values = parameters::bind(&request.params, plain.params(), self.limits.max_parameters)?;
        let columns = self.types.columns(session, plain.columns()).await?;
        let readings: Vec<Reading> =
            plain.columns().iter().map(|column| Reading::of(column.type_())).collect();
        let mut collector = Collector::new(columns.clone(), row_limit, &self.limits, started)?
            .in_form(request.rows);
        let declare = session.client().execute_raw(&prefixed, values);
        let fetch = fetch(&collector);
        let (declared, fetched) = join(declare, session.client().simple_query_raw(&fetch)).await;
        let error = |error: &tokio_postgres::Error| session.error(error, sql, DECLARE.len());
        declared.map_err(|failed| error(&failed))?;
        if let Some(verdict) = verdict.filter(|verdict| verdict.is_lasting()) {
            let known = Known::new(sql, verdict, prefixed, readings.clone(), columns);
            session.statements().keep(known);
        }
        let messages = fetched.map_err(|failed| error(&failed))?;
        self.take_rows(session, sql, messages, &readings, &mut collector).await?;
        collector.finish()
    }

    /// Runs a statement that is known and prepared: the transaction, the check of its verdict, the cursor, its rows and the reset for
    /// the next caller are asked for at once. Where the verdict does not stand the server refuses whatever comes behind the check. Nothing is given when
    /// the statement has to be judged and prepared anew.
    async fn again(
        &self,
        session: &Session,
        known: &Known,
        request: &QueryRequest,
        row_limit: usize,
        timeout: Duration,
        started: Instant,
    ) -> Result<Option<QueryResult>, DatabaseError> {
        let sql = &request.sql;
        let values =
            parameters::bind(&request.params, known.prefixed.params(), self.limits.max_parameters)?;
        let mut collector =
            Collector::new(known.columns.clone(), row_limit, &self.limits, started)?
                .in_form(request.rows);
        let check = prepare_check(session).await?;
        let (begin, fetch) = (Session::begin(self.boundaries.mode(), timeout), fetch(&collector));
        let stood_at = known.stood_at();
        // Each of these leaves when it is first polled, which happens in this order: the cursor must stand behind the check.
        let (begun, checked, declared, fetched, reset) = join5(
            session.batch(&begin),
            known.verdict.check(session, &check, &stood_at),
            session.client().execute_raw(&known.prefixed, values),
            session.client().simple_query_raw(&fetch),
            self.reset_ahead(session),
        )
        .await;
        begun?;
        match checked? {
            Standing::Stands(moment) => known.stands_at(moment),
            Standing::Stale => return Ok(None),
        }
        let error = |error: &tokio_postgres::Error| session.error(error, sql, DECLARE.len());
        match declared {
            Ok(_) => {}
            Err(failed) if must_prepare_anew(&failed) => return Ok(None),
            Err(failed) => return Err(error(&failed)),
        }
        reset.map_err(|failed| session.own_error(&failed))?;
        let messages = fetched.map_err(|failed| error(&failed))?;
        self.take_rows(session, sql, messages, &known.readings, &mut collector).await?;
        Ok(Some(collector.finish()?))
    }

    async fn reset_ahead(&self, session: &Session) -> Result<(), tokio_postgres::Error> {
        // What tests run in a transaction that writes is committed behind the rows.
        if self.boundaries.transaction { session.reset_ahead().await } else { Ok(()) }
    }

    async fn take_rows(
        &self,
        session: &Session,
        sql: &str,
        messages: SimpleQueryStream,
        readings: &[Reading],
        collector: &mut Collector<'_>,
    ) -> Result<(), DatabaseError> {
        pin_mut!(messages);
        while let Some(message) = messages.next().await {
            let message = message.map_err(|failed| session.error(&failed, sql, DECLARE.len()))?;
            match message {
                SimpleQueryMessage::RowDescription(columns) if columns.len() != readings.len() => {
                    return Err(DatabaseError::Busy {
                        reason: "its schema is being changed".into(),
                    });
                }
                SimpleQueryMessage::Row(row) if !self.take_row(collector, &row, readings)? => {
                    session.abandon_statement();
                    return Ok(());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn take_row(
        &self,
        collector: &mut Collector<'_>,
        row: &tokio_postgres::SimpleQueryRow,
        readings: &[Reading],
    ) -> Result<bool, DatabaseError> {
        if !collector.start_row() {
            return Ok(false);
        }
        for (index, reading) in readings.iter().enumerate() {
            let text =
                row.try_get(index).map_err(|error| DatabaseError::internal(error.to_string()))?;
            let cell = reading.cell(text, self.limits.max_cell_bytes)?;
            if !collector.cell(cell)? {
                return Ok(false);
            }
        }
        collector.end_row()?;
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
            let plain = session.client().prepare_typed(sql, &verdict.parameters);
            let prefixed = session.client().prepare_typed(&whole, &verdict.parameters);
            let (begun, plain, prefixed, stands) = if Guard::runs_when_prepared(sql) {
                // What its texts are converted to must still be what was judged.
                let (begun, stands) = join(session.batch(&begin), stands).await;
                begun?;
                if !stands? {
                    session.batch("ROLLBACK").await?;
                    return self.admit_anew(session, sql, &whole, &begin, prefix, timeout).await;
                }
                let (plain, prefixed) = join(plain, prefixed).await;
                (Ok(()), plain, prefixed, Ok(true))
            } else {
                // All of it leaves at once, in this order.
                join4(session.batch(&begin), plain, prefixed, stands).await
            };
            begun?;
            let plain = plain.map_err(|error| session.error(&error, sql, 0))?;
            let prefixed = prefixed.map_err(|error| session.error(&error, sql, prefix.len()))?;
            if stands? {
                return same_types(plain, prefixed, verdict);
            }
            session.batch("ROLLBACK").await?;
        }
        self.admit_anew(session, sql, &whole, &begin, prefix, timeout).await
    }

    /// Judges a statement and begins the transaction in which it runs.
    async fn admit_anew(
        &self,
        session: &Session,
        sql: &str,
        whole: &str,
        begin: &str,
        prefix: &str,
        timeout: Duration,
    ) -> Result<Admitted, DatabaseError> {
        let verdict = self.guard.judge(session, sql, timeout).await?;
        let (begun, plain, prefixed) = join3(
            session.batch(begin),
            session.client().prepare_typed(sql, &verdict.parameters),
            session.client().prepare_typed(whole, &verdict.parameters),
        )
        .await;
        begun?;
        let plain = plain.map_err(|error| session.error(&error, sql, 0))?;
        let prefixed = prefixed.map_err(|error| session.error(&error, sql, prefix.len()))?;
        same_types(plain, prefixed, verdict)
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
        Ok(Admitted { plain, prefixed, verdict: None })
    }
}

/// Asks for the rows that are wanted.
fn fetch(collector: &Collector<'_>) -> String {
    format!("FETCH FORWARD {} FROM wharf_cursor", collector.wanted())
}

/// Whether the session no longer has the statement as it was prepared.
fn must_prepare_anew(error: &tokio_postgres::Error) -> bool {
    // The first is also what a plan says whose columns changed.
    let codes = [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME];
    error.code().is_some_and(|code| codes.contains(code))
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
    verdict: Arc<Verdict>,
) -> Result<Admitted, DatabaseError> {
    same_parameters(&plain, &verdict)?;
    same_parameters(&prefixed, &verdict)?;
    Ok(Admitted { plain, prefixed, verdict: Some(verdict) })
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
