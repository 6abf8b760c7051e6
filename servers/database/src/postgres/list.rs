//! Lists the tables and views that the role may read, with what the catalogue knows about them already.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_postgres::Row;

use super::session::Session;
use crate::catalog::{RowCount, TableKind, TableList, TableSummary};
use crate::error::DatabaseError;
use crate::names::{matches_pattern, near_names};
use crate::request::TableFilter;

/// Names read at most before the pattern is applied.
const MAX_NAMES: usize = 200_000;

const NAMES: &str = "SELECT c.oid, n.nspname::text, c.relname::text FROM pg_catalog.pg_class c \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
       AND CASE WHEN $1::text IS NULL \
             THEN n.nspname::text <> 'information_schema' AND n.nspname::text !~ '^pg_' AND (NOT c.relispartition OR $2) \
             ELSE n.nspname::text = $1 END \
       AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT')) \
     ORDER BY n.nspname::text COLLATE \"C\", c.relname::text COLLATE \"C\" LIMIT $3";

/// Rows are those of the last ANALYZE, or else those that the statistics of the running server have counted. A partitioned table
/// has those of its partitions, if they are known of all.
const DETAILS: &str = "SELECT c.oid, c.relkind::text, parts.known, \
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), \
       pg_catalog.obj_description(c.oid, 'pg_class'), parts.bytes \
     FROM pg_catalog.pg_class c CROSS JOIN LATERAL ( \
       SELECT CASE WHEN pg_catalog.bool_and(part.known IS NOT NULL) THEN pg_catalog.sum(part.known) END AS known, \
              pg_catalog.sum(part.bytes)::int8 AS bytes \
       FROM (SELECT CASE WHEN p.relkind NOT IN ('r', 'm') THEN NULL WHEN p.reltuples >= 0::float4 THEN p.reltuples::float8 \
                      WHEN pg_catalog.pg_stat_get_live_tuples(p.oid) > 0 THEN pg_catalog.pg_stat_get_live_tuples(p.oid)::float8 \
                      WHEN pg_catalog.pg_relation_size(p.oid) = 0 THEN 0 END AS known, \
                    CASE WHEN p.relkind IN ('r', 'm') THEN pg_catalog.pg_total_relation_size(p.oid) END AS bytes \
             FROM pg_catalog.unnest(CASE c.relkind WHEN 'p' \
                 THEN ARRAY(SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) t WHERE t.isleaf) ELSE ARRAY[c.oid] END) \
               AS leaf(oid) JOIN pg_catalog.pg_class p ON p.oid = leaf.oid) part) parts \
     WHERE c.oid = ANY ($1)";

const SCHEMAS: &str = "SELECT n.nspname::text FROM pg_catalog.pg_namespace n \
     WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE') ORDER BY 1";

/// The tables and views that match.
pub(super) fn tables(
    session: &Session,
    filter: Arc<TableFilter>,
    max_tables: usize,
) -> BoxFuture<'_, Result<TableList, DatabaseError>> {
    Box::pin(async move {
        let mut all = names(session, &filter).await?;
        if let Some(pattern) = &filter.pattern {
            all.retain(|(_, _, name)| matches_pattern(pattern, name));
        }
        let truncated = all.len() > max_tables;
        all.truncate(max_tables);
        let oids: Vec<u32> = all.iter().map(|(oid, ..)| *oid).collect();
        let statement = session.prepared(DETAILS).await?;
        let rows = session.client().query(&statement, &[&oids]).await;
        let rows = rows.map_err(|error| session.own_error(&error))?;
        let mut details = std::collections::HashMap::with_capacity(rows.len());
        for row in &rows {
            details.insert(get::<u32>(row, 0)?, row);
        }
        let mut tables = Vec::with_capacity(all.len());
        for (oid, schema, name) in all {
            // A table that was dropped in between is not there any more.
            if let Some(row) = details.get(&oid) {
                tables.push(summary(row, schema, name)?);
            }
        }
        Ok(TableList { tables, truncated })
    })
}

async fn names(
    session: &Session,
    filter: &TableFilter,
) -> Result<Vec<(u32, String, String)>, DatabaseError> {
    let statement = session.prepared(NAMES).await?;
    let limit = i64::try_from(MAX_NAMES).unwrap_or(i64::MAX);
    let rows = session
        .client()
        .query(&statement, &[&filter.schema, &filter.pattern.is_some(), &limit])
        .await;
    let rows = rows.map_err(|error| session.own_error(&error))?;
    if let (true, Some(schema)) = (rows.is_empty(), &filter.schema) {
        check_schema(session, schema).await?;
    }
    rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?, get(row, 2)?))).collect()
}

/// Fails unless the role can see the schema.
pub(super) async fn check_schema(session: &Session, schema: &str) -> Result<(), DatabaseError> {
    let statement = session.prepared(SCHEMAS).await?;
    let rows = session.client().query(&statement, &[]).await;
    let rows = rows.map_err(|error| session.own_error(&error))?;
    let schemas = rows.iter().map(|row| get::<String>(row, 0)).collect::<Result<Vec<_>, _>>()?;
    if schemas.iter().any(|existing| existing == schema) {
        return Ok(());
    }
    Err(DatabaseError::UnknownSchema {
        suggestions: near_names(schema, schemas.iter().map(String::as_str)),
    })
}

fn summary(row: &Row, schema: String, name: String) -> Result<TableSummary, DatabaseError> {
    let kind = kind(&get::<String>(row, 1)?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and saturating"
    )]
    let rows = get::<Option<f64>>(row, 2)?
        .map_or(RowCount::Unknown, |estimate| RowCount::Estimate(estimate as u64));
    Ok(TableSummary {
        schema: Some(schema),
        name,
        kind,
        column_count: usize::try_from(get::<i64>(row, 3)?).unwrap_or(0),
        rows,
        size_bytes: get::<Option<i64>>(row, 5)?.and_then(|bytes| u64::try_from(bytes).ok()),
        comment: get(row, 4)?,
    })
}

pub(super) fn kind(relkind: &str) -> TableKind {
    match relkind {
        "v" => TableKind::View,
        "m" => TableKind::MaterializedView,
        "f" => TableKind::Foreign,
        _ => TableKind::Table,
    }
}

pub(super) fn get<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    at: usize,
) -> Result<T, DatabaseError> {
    row.try_get(at).map_err(|error| DatabaseError::internal(error.to_string()))
}
