//! Judges what PostgreSQL applies by itself, without a name in the analysed statement.
//!
//! - Values that leave a function's body are converted to what the function says that it gives, and PL/pgSQL converts whatever
//!   it assigns: a cast runs that no tree names.
//! - Comparisons of arrays and rows look up the default operator class of what is in them when they run. For most types of
//!   PostgreSQL itself it is its own, but one can be made for those that have none (`json`).
//! - The planner combines what is equal to each other with further operators of the same family.
//! - `pg_stats` shows values of any column as `anyarray`, so that only a look at its rows would tell whose functions run.
//!
//! It takes everything that may be meant, so that it refuses more than it must where somebody has made such an object.

use tokio_postgres::Row;

use super::catalogue;
use super::judge::{Judge, objection_error};
use super::pending::Via;
use super::planned::Reach;
use super::tree;
use super::walk::{self, ANYARRAY, Objection, Uses};
use crate::error::DatabaseError;

/// The type of rows that are those of no table.
const RECORD: u32 = 2249;

/// `$1`: types of PostgreSQL itself that were met, `$2`: all others that were met, `$3`: whether a body converts.
const UNNAMED: &str = "WITH any_type(met) AS (SELECT 2277::oid = ANY ($1) OR EXISTS (SELECT FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid \
       WHERE t.oid = ANY ($1) AND t.typrelid <> 0 AND a.atttypid = 2277)) \
     SELECT 'f', c.castfunc::oid, NULL FROM pg_cast c WHERE $3 AND c.oid >= 16384 AND c.castfunc <> 0 \
       AND (c.castsource < 16384 OR c.castsource = ANY ($2)) AND (c.casttarget < 16384 OR c.casttarget = ANY ($2)) \
     UNION ALL SELECT 'f', s.function, NULL FROM pg_opclass c, LATERAL ( \
         SELECT p.amproc::oid FROM pg_amproc p WHERE p.amprocfamily = c.opcfamily AND p.amproclefttype = c.opcintype AND p.amprocrighttype = c.opcintype \
         UNION ALL SELECT o.oprcode::oid FROM pg_amop a JOIN pg_operator o ON o.oid = a.amopopr \
           WHERE a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype AND a.amoprighttype = c.opcintype) s(function) \
       WHERE c.opcdefault AND c.opcmethod IN (403, 405) AND c.opcintype < 16384 AND s.function >= 16384 \
         AND (c.opcintype = ANY ($1) OR EXISTS (SELECT FROM pg_type t WHERE t.oid = ANY ($1) AND t.typelem = c.opcintype)) \
     UNION ALL SELECT DISTINCT 't', a.atttypid, NULL FROM any_type, pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
       WHERE any_type.met AND a.atttypid >= 16384 AND c.relkind IN ('r', 'p', 'm', 'f', 'i', 'I') \
     UNION ALL SELECT 'e', 0::oid, s.stxexprs::text FROM any_type, pg_statistic_ext s WHERE any_type.met AND s.stxexprs IS NOT NULL";

/// How much had been met when this was last asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    system_types: usize,
    types: usize,
    converts: bool,
    operators: usize,
}

impl Judge<'_> {
    /// Takes in what goes without a name; true when there may be more to judge.
    pub(super) async fn take_unnamed(&mut self) -> Result<bool, DatabaseError> {
        let extent = Extent {
            system_types: self.system_types.len(),
            types: self.types.met.len(),
            converts: self.converts.is_some(),
            operators: self.operators.met.len(),
        };
        if extent == self.extent {
            return Ok(false);
        }
        self.extent = extent;
        let operators = self.operators.oids();
        let via: Via = "an operator".into();
        for function in catalogue::operator_support(self.session, &operators).await? {
            self.functions.push(function, &via, Reach::Called);
        }
        let mut system_types: Vec<u32> = self.system_types.iter().copied().collect();
        // A row of a subquery holds what its columns show.
        if self.shows_any_array && self.system_types.contains(&RECORD) {
            system_types.push(ANYARRAY);
        }
        let statement = self.session.prepared(UNNAMED).await?;
        let found = self
            .session
            .client()
            .query(&statement, &[&system_types, &self.types.oids(), &self.converts.is_some()])
            .await
            .map_err(|error| self.session.own_error(&error))?;
        for row in &found {
            self.take_unnamed_object(row)?;
        }
        Ok(true)
    }

    fn take_unnamed_object(&mut self, row: &Row) -> Result<(), DatabaseError> {
        let via = self.converts.clone().unwrap_or_else(|| "a comparison".into());
        let oid: u32 = catalogue::get(row, 1)?;
        match catalogue::get::<&str>(row, 0)? {
            "f" => self.functions.push(oid, &via, Reach::Called),
            "t" => self.push_type(oid, &"pg_stats".into()),
            _ => {
                let via: Via = "pg_stats_ext_exprs".into();
                let expression: String = catalogue::get(row, 2)?;
                let mut uses = Uses::default();
                tree::read(&expression)
                    .map_err(Objection::from)
                    .and_then(|tree| walk::collect(&tree, &mut uses))
                    .map_err(|objection| objection_error(&objection, &via))?;
                uses.types.iter().for_each(|&oid| self.push_type(oid, &via));
            }
        }
        Ok(())
    }
}
