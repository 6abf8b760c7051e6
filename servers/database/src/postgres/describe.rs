//! Describes one table from the catalogue. Names are bound as parameters, never put into text.
//!
//! Both sides of every operator have a type for which PostgreSQL has its own: an operator that somebody made for the very types of a
//! comparison would be taken before one of PostgreSQL's that has to convert.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::list::{get, kind};
use super::session::Session;
use crate::catalog::{
    ColumnDescription, ForeignKey, IndexDescription, TableDescription, TableKind,
};
use crate::error::DatabaseError;
use crate::names::{TableName, near_names};

/// Names compared at most for suggestions.
const MAX_COMPARED: i64 = 20_000;

const FIND: &str = "SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, pg_catalog.obj_description(c.oid, 'pg_class'), \
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid, true) END \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname::text IN ($2, pg_catalog.lower($2)) \
       AND ($1::text IS NULL OR n.nspname::text IN ($1, pg_catalog.lower($1))) \
     ORDER BY pg_catalog.pg_table_is_visible(c.oid) DESC, c.relname::text = $2 DESC, n.nspname::text = $1 DESC, \
       n.nspname::text ~ '^(pg_|information_schema$)', n.nspname::text LIMIT 1";

const NEAR: &str = "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname::text !~ '^(pg_|information_schema$)' ORDER BY 1 LIMIT $1";

const COLUMNS: &str = "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, \
       pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text, \
       CASE WHEN a.atttypid IN (1042::oid, 1043::oid) AND a.atttypmod > 4 THEN a.atttypmod - 4 \
            WHEN a.atttypid IN (1560::oid, 1562::oid) AND a.atttypmod > 0 THEN a.atttypmod END, \
       pg_catalog.col_description(a.attrelid, a.attnum::int4) \
     FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const CONSTRAINTS: &str = "SELECT c.contype::text, pg_catalog.pg_get_constraintdef(c.oid, true), \
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY k(n, o) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.o), \
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(c.confkey) WITH ORDINALITY k(n, o) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.o), \
       CASE WHEN f.relnamespace = t.relnamespace THEN f.relname::text ELSE n.nspname::text || '.' || f.relname::text END, \
       c.confdeltype::text, c.confupdtype::text \
     FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.conrelid \
       LEFT JOIN pg_catalog.pg_class f ON f.oid = c.confrelid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = f.relnamespace \
     WHERE c.conrelid = $1 ORDER BY c.contype, c.conname";

const INDEXES: &str = "SELECT c.relname::text, i.indisunique, i.indpred IS NOT NULL, \
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k(n, o) \
         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n AND k.n <> 0 \
         WHERE k.o <= i.indnkeyatts ORDER BY k.o), \
       CASE WHEN m.amname <> 'btree' OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR i.indnatts > i.indnkeyatts \
              OR 0 <> ANY (i.indoption::int2[]) \
         THEN pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(c.oid, 0, true), '^.*? USING ', '') END \
     FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = c.relam \
     WHERE i.indrelid = $1 AND i.indisvalid ORDER BY c.relname";

/// Describes the table or view with this name: as it is written, or else in lower case, as PostgreSQL reads a name without quotes.
pub(super) fn table(
    session: &Session,
    table: Arc<TableName>,
) -> BoxFuture<'_, Result<TableDescription, DatabaseError>> {
    Box::pin(async move {
        for (schema, name) in table.readings() {
            let found = rows(session, FIND, &[&schema, &name]).await?;
            if let Some(found) = found.first() {
                return describe(session, found).await;
            }
        }
        let near = rows(session, NEAR, &[&MAX_COMPARED]).await?;
        let names = near.iter().map(|row| get::<String>(row, 0)).collect::<Result<Vec<_>, _>>()?;
        let suggestions = near_names(&table.name, names.iter().map(String::as_str));
        Err(DatabaseError::UnknownTable { name: table.shown(), suggestions })
    })
}

async fn rows(
    session: &Session,
    sql: &'static str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, DatabaseError> {
    let statement = session.prepared(sql).await?;
    session.client().query(&statement, parameters).await.map_err(|error| session.own_error(&error))
}

async fn describe(session: &Session, found: &Row) -> Result<TableDescription, DatabaseError> {
    let oid: u32 = get(found, 0)?;
    let kind = kind(&get::<String>(found, 3)?);
    let columns = rows(session, COLUMNS, &[&oid]).await?;
    let definition: Option<String> = get(found, 5)?;
    let mut table = TableDescription {
        schema: Some(get(found, 1)?),
        name: get(found, 2)?,
        kind,
        comment: get(found, 4)?,
        columns: columns.iter().map(column).collect::<Result<_, _>>()?,
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
        unique: Vec::new(),
        indexes: Vec::new(),
        checks: Vec::new(),
        sql: definition.filter(|_| kind != TableKind::Table),
    };
    for row in rows(session, CONSTRAINTS, &[&oid]).await? {
        take_constraint(&mut table, &row)?;
    }
    for row in rows(session, INDEXES, &[&oid]).await? {
        let index = IndexDescription {
            name: get(&row, 0)?,
            unique: get(&row, 1)?,
            partial: get(&row, 2)?,
            columns: get(&row, 3)?,
            definition: get(&row, 4)?,
        };
        let columns: Option<Vec<String>> = index.columns.iter().cloned().collect();
        if let (true, false, Some(columns)) = (index.unique, index.partial, columns)
            && columns != table.primary_key
            && !table.unique.contains(&columns)
        {
            table.unique.push(columns);
        }
        table.indexes.push(index);
    }
    for column in &mut table.columns {
        column.primary_key = table.primary_key.contains(&column.name);
    }
    Ok(table)
}

fn column(row: &Row) -> Result<ColumnDescription, DatabaseError> {
    let (identity, generated): (String, String) = (get(row, 4)?, get(row, 5)?);
    let default: Option<String> = get(row, 3)?;
    let default = match identity.as_str() {
        "a" => Some("GENERATED ALWAYS AS IDENTITY".to_owned()),
        "d" => Some("GENERATED BY DEFAULT AS IDENTITY".to_owned()),
        _ => default,
    };
    Ok(ColumnDescription {
        nullable: !get::<bool>(row, 2)?,
        default,
        generated: !identity.is_empty() || !generated.is_empty(),
        max_length: get::<Option<i32>>(row, 6)?.and_then(|length| u64::try_from(length).ok()),
        comment: get(row, 7)?,
        ..ColumnDescription::new(get::<String>(row, 0)?, get::<String>(row, 1)?)
    })
}

fn take_constraint(table: &mut TableDescription, row: &Row) -> Result<(), DatabaseError> {
    let columns: Vec<String> = get(row, 2)?;
    match get::<&str>(row, 0)? {
        "p" => table.primary_key = columns,
        "u" => table.unique.push(columns),
        "f" => table.foreign_keys.push(ForeignKey {
            columns,
            references_table: get::<Option<String>>(row, 4)?.unwrap_or_default(),
            references_columns: get(row, 3)?,
            on_delete: action(get(row, 5)?).to_owned(),
            on_update: action(get(row, 6)?).to_owned(),
        }),
        "c" | "x" => table.checks.push(get(row, 1)?),
        _ => {}
    }
    Ok(())
}

fn action(code: &str) -> &'static str {
    match code {
        "r" => "RESTRICT",
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        _ => "NO ACTION",
    }
}
