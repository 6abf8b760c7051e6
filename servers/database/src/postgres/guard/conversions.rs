//! Keeps the server from running what a user made while it only analyses a statement.
//!
//! Where a statement has texts that [`literals`] finds, all types are judged whose conversion runs something: domains with checks,
//! and ranges. Nearly always they only compute, and the statement is analysed as it stands. Where one of them does more, the
//! server is first asked which types the texts are to have, without converting them, and a statement that would convert one to such a
//! type is refused. What cannot be found out is refused too.

use std::collections::BTreeSet;

use super::super::session::Session;
use super::judge::Judge;
use super::{Allowed, catalogue, literals};
use crate::error::DatabaseError;

/// The most types that are judged one by one.
const MAX_TYPES: usize = 500;

const CONVERTING: &str = "SELECT t.oid FROM pg_type t WHERE t.oid >= 16384 AND (t.typtype = 'r' \
       OR t.typtype = 'd' AND EXISTS (SELECT FROM pg_constraint c WHERE c.contypid = t.oid AND c.conbin IS NOT NULL))";

/// Those types, and all that hold them.
const HOLDING: &str = "WITH RECURSIVE holding(oid) AS (SELECT unnest($1::oid[]) UNION SELECT x.oid FROM holding h, LATERAL ( \
         SELECT t.oid FROM pg_type t WHERE t.typelem = h.oid OR t.typbasetype = h.oid \
         UNION ALL SELECT c.reltype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.atttypid = h.oid AND a.attnum > 0 AND c.reltype <> 0 \
         UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngsubtype = h.oid \
         UNION ALL SELECT r.rngmultitypid FROM pg_range r WHERE r.rngtypid = h.oid) x(oid)) SELECT oid FROM holding";

const ADVICE: &str = "put texts that begin with a bracket into params";

/// Types whose values do more than compute when they are made of a text. The search path must be that of the catalogue.
pub(super) async fn dangerous_types(
    session: &Session,
    allowed: &Allowed,
    search_path: &str,
) -> Result<BTreeSet<u32>, DatabaseError> {
    let types = oids(session, CONVERTING, None).await?;
    if types.is_empty() || judge(session, allowed, search_path, &types).await?.is_none() {
        return Ok(BTreeSet::new());
    }
    let mut dangerous = Vec::new();
    for (at, &type_) in types.iter().enumerate() {
        if at >= MAX_TYPES || judge(session, allowed, search_path, &[type_]).await?.is_some() {
            dangerous.push(type_);
        }
    }
    Ok(oids(session, HOLDING, Some(&dangerous)).await?.into_iter().collect())
}

/// Refuses a statement that would convert a text to one of these types, or of which nobody knows.
pub(super) async fn check(
    session: &Session,
    sql: &str,
    dangerous: &BTreeSet<u32>,
) -> Result<(), DatabaseError> {
    let unknown = || {
        DatabaseError::refused(
            "a text in brackets, which could be converted to a type whose checks do more than compute",
            ADVICE,
        )
    };
    let without = literals::without(sql).ok_or_else(unknown)?;
    let prepared = match session.client().prepare(&without).await {
        Ok(prepared) => prepared,
        Err(error) if error.as_db_error().is_some() => return Err(unknown()),
        Err(error) => return Err(session.own_error(&error)),
    };
    match prepared.params().iter().find(|type_| dangerous.contains(&type_.oid())) {
        None => Ok(()),
        Some(type_) => Err(DatabaseError::refused(
            format!("a text for the type {}, whose checks do more than compute", type_.name()),
            ADVICE,
        )),
    }
}

/// Why these types cannot be used, if so.
async fn judge(
    session: &Session,
    allowed: &Allowed,
    search_path: &str,
    types: &[u32],
) -> Result<Option<DatabaseError>, DatabaseError> {
    let mut judge = Judge::new(session, allowed, search_path);
    // Bodies with such texts must not be analysed before this is known.
    judge.bodies_convert = Some(true);
    types.iter().for_each(|&type_| judge.push_type(type_, &"".into()));
    match Box::pin(judge.run()).await {
        Ok(()) => Ok(None),
        Err(refused @ (DatabaseError::Refused { .. } | DatabaseError::TooLarge { .. })) => {
            Ok(Some(refused))
        }
        Err(error) => Err(error),
    }
}

async fn oids(
    session: &Session,
    sql: &'static str,
    types: Option<&Vec<u32>>,
) -> Result<Vec<u32>, DatabaseError> {
    let statement = session.prepared(sql).await?;
    let rows = match types {
        Some(types) => session.client().query(&statement, &[types]).await,
        None => session.client().query(&statement, &[]).await,
    };
    let rows = rows.map_err(|error| session.own_error(&error))?;
    rows.iter().map(|row| catalogue::get(row, 0)).collect()
}
