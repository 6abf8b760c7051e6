//! The names of column types, as PostgreSQL writes them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::Column as DriverColumn;

use super::session::Session;
use crate::error::DatabaseError;
use crate::result::Column;

/// OIDs below this belong to PostgreSQL itself, whose types keep their names.
const FIRST_USER_OID: u32 = 16_384;
/// Types with their modifiers kept at most, such as `numeric(12,2)`.
const MAX_KEPT: usize = 4_096;

const NAMES: &str = "SELECT pg_catalog.format_type(t, m) \
     FROM ROWS FROM (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::int4[])) WITH ORDINALITY AS x(t, m, n) ORDER BY n";

/// Names of PostgreSQL's own types that were asked for before.
#[derive(Default)]
pub(super) struct TypeNames {
    kept: Mutex<HashMap<(u32, i32), String>>,
}

impl TypeNames {
    /// The columns of a result with their types.
    pub(super) async fn columns(
        &self,
        session: &Session,
        columns: &[DriverColumn],
    ) -> Result<Vec<Column>, DatabaseError> {
        let keys: Vec<(u32, i32)> =
            columns.iter().map(|c| (c.type_().oid(), c.type_modifier())).collect();
        let mut named = self.known(&keys);
        let missing: Vec<usize> = (0..keys.len()).filter(|&at| named[at].is_none()).collect();
        if !missing.is_empty() {
            let oids: Vec<u32> = missing.iter().map(|&at| keys[at].0).collect();
            let modifiers: Vec<i32> = missing.iter().map(|&at| keys[at].1).collect();
            let statement = session.prepared(NAMES).await?;
            let rows = session.client().query(&statement, &[&oids, &modifiers]).await;
            for (&at, row) in missing.iter().zip(rows.map_err(|error| session.own_error(&error))?) {
                let name: Option<String> =
                    row.try_get(0).map_err(|error| DatabaseError::internal(error.to_string()))?;
                self.keep(keys[at], name.as_deref());
                named[at] = name;
            }
        }
        let column = |(column, declared_type): (&DriverColumn, Option<String>)| Column {
            name: column.name().to_owned(),
            declared_type,
            value_types: Vec::new(),
        };
        Ok(columns.iter().zip(named).map(column).collect())
    }

    fn known(&self, keys: &[(u32, i32)]) -> Vec<Option<String>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|key| kept.get(key).cloned()).collect()
    }

    fn keep(&self, key: (u32, i32), name: Option<&str>) {
        let Some(name) = name.filter(|_| key.0 < FIRST_USER_OID) else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key, name.to_owned());
    }
}
