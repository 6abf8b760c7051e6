//! Lists tables and views with what the server knows about them without reading a row.

use std::collections::BTreeMap;

use mysql_async::{Conn, Row};

use super::question::{ask, each, number, said, schemas, shown_schema, text};
use crate::catalog::{RowCount, TableKind, TableList, TableSummary};
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::mysql::guard::relations::is_remote;
use crate::names::matches_pattern;
use crate::request::TableFilter;

/// Storage engines that keep their number of rows.
const COUNTING_ENGINES: &[&str] = &["Aria", "MEMORY", "MyISAM"];

/// The tables and views that match, ordered by schema and name.
pub(in crate::mysql) async fn tables(
    conn: &mut Conn,
    filter: &TableFilter,
    configured: Option<&str>,
    limits: &Limits,
) -> Result<TableList, DatabaseError> {
    let mut tables = Vec::new();
    for schema in schemas(conn, filter.schema.as_deref(), configured).await? {
        let counts = column_counts(conn, &schema).await?;
        let question = "SELECT table_name, table_type, engine, table_rows, data_length + index_length, table_comment \
                        FROM information_schema.tables WHERE table_schema = ? AND table_type <> 'SEQUENCE' ORDER BY table_name";
        each(conn, question, &[&schema], |row| {
            let Some(name) = text(row, 0) else { return true };
            if filter.pattern.as_deref().is_none_or(|pattern| matches_pattern(pattern, &name)) {
                let column_count = counts.get(&name).copied().unwrap_or(0);
                tables.push(summary(row, name, shown_schema(&schema, configured), column_count));
            }
            // One more than wanted shows that there are more.
            tables.len() <= limits.max_tables
        })
        .await?;
        if tables.len() > limits.max_tables {
            break;
        }
    }
    let truncated = tables.len() > limits.max_tables;
    tables.truncate(limits.max_tables);
    Ok(TableList { tables, truncated })
}

fn summary(row: &Row, name: String, schema: Option<String>, column_count: usize) -> TableSummary {
    let engine = text(row, 2).unwrap_or_default();
    let kind = kind(text(row, 1).as_deref(), &engine);
    let rows = match number(row, 3) {
        Some(count) if COUNTING_ENGINES.contains(&engine.as_str()) => RowCount::Exact(count),
        Some(count) if kind == TableKind::Table => RowCount::Estimate(count),
        _ => RowCount::Unknown,
    };
    // A view's comment is the word VIEW.
    let comment = said(row, 5).filter(|_| kind != TableKind::View);
    TableSummary { schema, name, kind, column_count, rows, size_bytes: number(row, 4), comment }
}

/// What a table is, by the catalogue's word and its engine.
pub(super) fn kind(table_type: Option<&str>, engine: &str) -> TableKind {
    match table_type {
        Some("VIEW") => TableKind::View,
        Some("SYSTEM VIEW") => TableKind::Virtual,
        _ if is_remote(engine) => TableKind::Foreign,
        _ => TableKind::Table,
    }
}

async fn column_counts(
    conn: &mut Conn,
    schema: &str,
) -> Result<BTreeMap<String, usize>, DatabaseError> {
    let rows = ask(
        conn,
        "SELECT table_name, count(*) FROM information_schema.columns WHERE table_schema = ? GROUP BY table_name",
        &[schema],
    )
    .await?;
    let count = |row: &Row| Some((text(row, 0)?, usize::try_from(number(row, 1)?).ok()?));
    Ok(rows.iter().filter_map(count).collect())
}
