//! Finds tables, views, columns and functions by name.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_postgres::Row;

use super::list::{check_schema, get};
use super::session::Session;
use crate::error::DatabaseError;
use crate::search::{Finding, FindingKind, Findings, Search};

/// Without a schema, those of PostgreSQL itself are left out. Whatever the role cannot read is left out too.
const FIND: &str = "WITH schemas AS (SELECT n.oid, n.nspname::text AS name FROM pg_catalog.pg_namespace n \
         WHERE CASE WHEN $2::text IS NULL THEN n.nspname::text !~ '^(pg_|information_schema$)' ELSE n.nspname::text = $2 END \
           AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')), \
       relations AS (SELECT c.oid, s.name AS schema, c.relname::text AS name, c.relkind::text AS kind \
         FROM pg_catalog.pg_class c JOIN schemas s ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
           AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))) \
     SELECT * FROM ( \
       SELECT 1 AS rank, CASE WHEN r.kind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind, r.schema, NULL::text AS of, r.name, \
         NULL::text AS type, pg_catalog.obj_description(r.oid, 'pg_class') AS comment FROM relations r WHERE r.name ILIKE $1 \
       UNION ALL SELECT 2, 'column', r.schema, r.name, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), \
         pg_catalog.col_description(a.attrelid, a.attnum::int4) \
         FROM relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid \
         WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attname::text ILIKE $1 \
       UNION ALL SELECT 3, 'function', s.name, NULL, p.proname::text, \
         '(' || pg_catalog.pg_get_function_arguments(p.oid) || ')' || COALESCE(' -> ' || pg_catalog.pg_get_function_result(p.oid), ''), \
         pg_catalog.obj_description(p.oid, 'pg_proc') \
         FROM pg_catalog.pg_proc p JOIN schemas s ON s.oid = p.pronamespace WHERE p.proname::text ILIKE $1) found \
     ORDER BY rank, name COLLATE \"C\", schema COLLATE \"C\", of COLLATE \"C\", type COLLATE \"C\" LIMIT $3";

/// Everything whose name matches, up to the limit of the search.
pub(super) fn find(
    session: &Session,
    search: Arc<Search>,
) -> BoxFuture<'_, Result<Findings, DatabaseError>> {
    Box::pin(async move {
        if let Some(schema) = &search.schema {
            check_schema(session, schema).await?;
        }
        let statement = session.prepared(FIND).await?;
        // One more than wanted shows that there are more.
        let limit = i64::try_from(search.limit).unwrap_or(i64::MAX).saturating_add(1);
        let pattern = like(&search.pattern);
        let rows = session.client().query(&statement, &[&pattern, &search.schema, &limit]).await;
        let rows = rows.map_err(|error| session.own_error(&error))?;
        let truncated = rows.len() > search.limit;
        let found = rows.iter().take(search.limit).map(finding).collect::<Result<_, _>>()?;
        Ok(Findings { found, truncated })
    })
}

fn finding(row: &Row) -> Result<Finding, DatabaseError> {
    let kind = match get::<&str>(row, 1)? {
        "table" => FindingKind::Table,
        "view" => FindingKind::View,
        "column" => FindingKind::Column,
        _ => FindingKind::Function,
    };
    Ok(Finding {
        kind,
        schema: get(row, 2)?,
        table: get(row, 3)?,
        name: get(row, 4)?,
        type_name: get(row, 5)?,
        comment: get(row, 6)?,
    })
}

/// The pattern of [`crate::names::matches_pattern`] as one of `ILIKE`.
fn like(pattern: &str) -> String {
    let mut like = String::new();
    for character in pattern.chars() {
        match character {
            '*' | '%' => like.push('%'),
            '?' => like.push('_'),
            '_' | '\\' => like.extend(['\\', character]),
            _ => like.push(character),
        }
    }
    if pattern.contains(['*', '%', '?']) { like } else { format!("%{like}%") }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn patterns_keep_their_meaning() {
        for (pattern, expected) in
            [("user", "%user%"), ("u*_?", "u%\\__"), ("100%", "100%"), ("a\\b", "%a\\\\b%")]
        {
            assert_eq!(like(pattern), expected);
        }
    }
}
