//! Remembers what was allowed, for as long as it means the same.
//!
//! A statement's text can come to mean something else without changing: somebody replaces a function, puts a better match in
//! another schema, renames a table, adds a cast or a policy. A verdict therefore keeps every name that was met on the way
//! (functions, operators, relations, types, columns), and a fingerprint of everything in the catalogue that has one of
//! these names, in whatever schema, as OID and row version (`xmin`), together with all rules, policies, heirs, indexes, constraints and
//! statistics of the relations met, all schemas, and all casts and operator classes of users. The fingerprint is taken anew in the transaction that runs the statement, before
//! anything of it is planned or run; whatever could change the meaning changes the fingerprint.
//!
//! What remains is a change between that moment and the end of the statement, which the read-only transaction stands against.
//!
//! For a statement that is prepared already the server compares by itself ([`Basis::check`]): where the fingerprint is another one
//! the transaction fails, and with it the statement that was sent right behind. A fingerprint depends on nothing but what the
//! transaction sees and the search path. A session that finds the very snapshot at which the fingerprint was right is told so
//! without reading the catalogue again. (On a standby `pg_current_snapshot()` leaves out which transactions are under way, but
//! there is no verdict there, because nothing can be analysed.)

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Row, Statement};

use super::super::session::Session;
use crate::error::DatabaseError;

/// Verdicts kept at most.
const MAX_VERDICTS: usize = 1_000;
/// Bytes of statements kept at most.
const MAX_BYTES: usize = 4 << 20;
/// A statement that uses more names than this is judged each time.
const MAX_NAMES: usize = 2_000;

/// The lists are wrapped into queries so that the server cannot see their lengths when it plans. It would otherwise think a plan
/// for the very values worth making, each time anew, which takes several times as long as running it.
///
/// A column counts as a row of its own: its name and type are told beside the rows, and decide which operators are meant.
const FINGERPRINT: &str = "SELECT pg_catalog.md5(pg_catalog.string_agg(k, ',' ORDER BY k)) FROM ( \
     SELECT 'f' OPERATOR(pg_catalog.||) p.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) p.xmin AS k FROM pg_catalog.pg_proc p WHERE p.proname OPERATOR(pg_catalog.=) ANY ((SELECT $1::text[]::name[])::name[]) \
     UNION ALL SELECT 'r' OPERATOR(pg_catalog.||) c.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) c.xmin FROM pg_catalog.pg_class c WHERE c.relname OPERATOR(pg_catalog.=) ANY ((SELECT $1::text[]::name[])::name[]) \
     UNION ALL SELECT 'o' OPERATOR(pg_catalog.||) o.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) o.xmin FROM pg_catalog.pg_operator o WHERE o.oprname OPERATOR(pg_catalog.=) ANY ((SELECT $1::text[]::name[])::name[]) \
     UNION ALL SELECT 't' OPERATOR(pg_catalog.||) t.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) t.xmin FROM pg_catalog.pg_type t \
       WHERE t.oid OPERATOR(pg_catalog.=) ANY ((SELECT $3::oid[])::oid[]) OR t.typname OPERATOR(pg_catalog.=) ANY ((SELECT $1::text[]::name[])::name[]) \
     UNION ALL SELECT 'w' OPERATOR(pg_catalog.||) w.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) w.xmin FROM pg_catalog.pg_rewrite w WHERE w.ev_class OPERATOR(pg_catalog.=) ANY ((SELECT $2::oid[])::oid[]) \
     UNION ALL SELECT 'p' OPERATOR(pg_catalog.||) y.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) y.xmin FROM pg_catalog.pg_policy y WHERE y.polrelid OPERATOR(pg_catalog.=) ANY ((SELECT $2::oid[])::oid[]) \
     UNION ALL SELECT 'a' OPERATOR(pg_catalog.||) a.attrelid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) pg_catalog.string_agg(a.xmin::text, '.' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a \
       WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND a.attrelid OPERATOR(pg_catalog.=) ANY ((SELECT $2::oid[]) OPERATOR(pg_catalog.||) \
         ARRAY(SELECT t.typrelid FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.=) ANY ((SELECT $3::oid[])::oid[]))) GROUP BY a.attrelid \
     UNION ALL SELECT 'i' OPERATOR(pg_catalog.||) i.inhrelid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) i.xmin FROM pg_catalog.pg_inherits i WHERE i.inhparent OPERATOR(pg_catalog.=) ANY ((SELECT $2::oid[])::oid[]) \
     UNION ALL SELECT 'x' OPERATOR(pg_catalog.||) x.indexrelid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) x.xmin FROM pg_catalog.pg_index x WHERE x.indrelid OPERATOR(pg_catalog.=) ANY ((SELECT $2::oid[])::oid[]) \
     UNION ALL SELECT 'k' OPERATOR(pg_catalog.||) k.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) k.xmin FROM pg_catalog.pg_constraint k WHERE k.conrelid OPERATOR(pg_catalog.=) ANY ((SELECT $2::oid[])::oid[]) \
     UNION ALL SELECT 'e' OPERATOR(pg_catalog.||) e.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) e.xmin FROM pg_catalog.pg_statistic_ext e WHERE e.stxrelid OPERATOR(pg_catalog.=) ANY ((SELECT $2::oid[])::oid[]) \
     UNION ALL SELECT 'd' OPERATOR(pg_catalog.||) d.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) d.xmin FROM pg_catalog.pg_constraint d WHERE d.contypid OPERATOR(pg_catalog.=) ANY ((SELECT $3::oid[])::oid[]) \
     UNION ALL SELECT 'n' OPERATOR(pg_catalog.||) n.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) n.xmin FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.!~) '^pg_(toast_)?temp_' \
     UNION ALL SELECT 'c' OPERATOR(pg_catalog.||) c.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) c.xmin FROM pg_catalog.pg_cast c WHERE c.oid OPERATOR(pg_catalog.>=) 16384::oid \
     UNION ALL SELECT 'l' OPERATOR(pg_catalog.||) l.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) l.xmin FROM pg_catalog.pg_opclass l WHERE l.oid OPERATOR(pg_catalog.>=) 16384::oid \
     UNION ALL SELECT 'm' OPERATOR(pg_catalog.||) m.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) m.xmin FROM pg_catalog.pg_amop m WHERE m.oid OPERATOR(pg_catalog.>=) 16384::oid \
     UNION ALL SELECT 'h' OPERATOR(pg_catalog.||) h.oid OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) h.xmin FROM pg_catalog.pg_amproc h WHERE h.oid OPERATOR(pg_catalog.>=) 16384::oid \
     UNION ALL SELECT 's' OPERATOR(pg_catalog.||) s.setting FROM (SELECT pg_catalog.current_setting('search_path') AS setting) s) keys";

/// Tells the moment, or fails with [`STALE`] where neither the moment nor the fingerprint is the known one. The number that fails is
/// made of the moment, because the server would work out a constant in advance.
static CHECK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT m.moment, CASE WHEN m.moment OPERATOR(pg_catalog.=) $4::text THEN true \
           WHEN ({FINGERPRINT}) OPERATOR(pg_catalog.=) $5::text THEN true \
           ELSE CAST(pg_catalog.concat('the catalogue has changed: ', m.moment) AS pg_catalog.int4) OPERATOR(pg_catalog.=) 0 END \
         FROM (SELECT pg_catalog.concat(pg_catalog.pg_current_snapshot(), ' ', pg_catalog.current_setting('search_path')) AS moment) m"
    )
});

/// The error of a number that is none.
const STALE: &SqlState = &SqlState::INVALID_TEXT_REPRESENTATION;

/// How a check ended.
#[derive(Debug)]
pub(in super::super) enum Standing {
    /// The verdict stands at this moment.
    Stands(String),
    /// It does not, and the server does nothing more in this transaction.
    Stale,
}

/// What a verdict rests on.
#[derive(Debug, Default)]
pub(super) struct Basis {
    pub(super) names: Vec<String>,
    pub(super) relations: Vec<u32>,
    pub(super) types: Vec<u32>,
}

impl Basis {
    fn is_small(&self) -> bool {
        self.names.len() + self.relations.len() + self.types.len() <= MAX_NAMES
    }

    /// What the catalogue says about all of it now.
    pub(super) async fn fingerprint(
        &self,
        session: &Session,
    ) -> Result<Option<String>, DatabaseError> {
        let statement = session.prepared(FINGERPRINT).await?;
        let row = session
            .client()
            .query_one(&statement, &[&self.names, &self.relations, &self.types])
            .await;
        let row = row.map_err(|error| session.own_error(&error))?;
        row.try_get(0).map_err(|error| DatabaseError::internal(error.to_string()))
    }
}

/// The check, prepared: what is sent right behind it in one go must not be waited for.
pub(in super::super) async fn prepare_check(session: &Session) -> Result<Statement, DatabaseError> {
    session.prepared(&CHECK).await
}

impl Verdict {
    /// Whether it can be found to stand later.
    pub(in super::super) fn is_lasting(&self) -> bool {
        self.fingerprint.is_some() && self.basis.is_small()
    }

    /// Has the server check that the verdict stands, which it was last found to do at a moment of this session.
    ///
    /// The question leaves when this future is first polled.
    pub(in super::super) async fn check(
        &self,
        session: &Session,
        check: &Statement,
        stood_at: &str,
    ) -> Result<Standing, DatabaseError> {
        let Basis { names, relations, types } = &self.basis;
        let asked = session
            .client()
            .query_one(check, &[names, relations, types, &stood_at, &self.fingerprint])
            .await;
        let moment = |row: Row| row.try_get(0);
        match asked.and_then(moment) {
            Ok(moment) => Ok(Standing::Stands(moment)),
            Err(error) if error.code() == Some(STALE) => Ok(Standing::Stale),
            Err(error) => Err(session.own_error(&error)),
        }
    }
}

/// A statement that may run while its fingerprint stays.
#[derive(Debug)]
pub(in super::super) struct Verdict {
    pub(in super::super) parameters: Vec<Type>,
    pub(super) basis: Basis,
    pub(super) fingerprint: Option<String>,
}

/// The verdicts of one database by statement.
#[derive(Default)]
pub(super) struct Verdicts {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_sql: HashMap<Arc<str>, Arc<Verdict>>,
    bytes: usize,
}

impl Verdicts {
    pub(super) fn get(&self, sql: &str) -> Option<Arc<Verdict>> {
        self.kept().by_sql.get(sql).cloned()
    }

    pub(super) fn forget(&self, sql: &str) {
        self.kept().by_sql.remove(sql);
    }

    pub(super) fn keep(&self, sql: &str, verdict: &Arc<Verdict>) {
        if !verdict.basis.is_small() || sql.len() > MAX_BYTES / 16 {
            return;
        }
        let mut kept = self.kept();
        let names: usize = verdict.basis.names.iter().map(String::len).sum();
        let bytes = sql.len() + names + 8 * MAX_NAMES.min(verdict.basis.relations.len());
        // Starting afresh costs one analysis for each statement, and no bookkeeping on every hit.
        if kept.by_sql.len() >= MAX_VERDICTS || kept.bytes + bytes > MAX_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        kept.by_sql.insert(sql.into(), Arc::clone(verdict));
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(names: usize) -> Arc<Verdict> {
        let basis = Basis { names: vec!["n".into(); names], ..Basis::default() };
        Arc::new(Verdict { parameters: Vec::new(), basis, fingerprint: None })
    }

    #[test]
    fn verdicts_are_bounded_in_number_and_size() {
        let verdicts = Verdicts::default();
        for n in 0..=MAX_VERDICTS {
            verdicts.keep(&format!("SELECT {n}"), &verdict(1));
        }
        assert!(verdicts.get("SELECT 0").is_none());
        assert!(verdicts.get(&format!("SELECT {MAX_VERDICTS}")).is_some());
        verdicts.keep("SELECT big", &verdict(MAX_NAMES + 1));
        assert!(verdicts.get("SELECT big").is_none());
        verdicts.keep(&"x".repeat(MAX_BYTES), &verdict(1));
        assert_eq!(verdicts.kept().by_sql.len(), 1);
    }
}
