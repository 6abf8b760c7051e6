//! Lists tables without reading more than a bounded number of rows.

use std::sync::Arc;

use super::connection::{ReadConnection, quote_name};
use super::watch::Watch;
use crate::catalog::{RowCount, TableKind, TableList, TableSummary};
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::names::matches_pattern;

/// Rows counted in one table before the count becomes "at least".
const MAX_COUNTED_ROWS: u64 = 100_000;
/// Rows counted in one listing; afterwards only statistics are shown.
const MAX_COUNTED_IN_ALL: u64 = 1_000_000;

/// The tables and views that match, ordered by name.
pub(super) fn tables(
    connection: &ReadConnection,
    pattern: Option<&str>,
    limits: &Limits,
    watch: &Arc<Watch>,
) -> Result<TableList, DatabaseError> {
    let list = || {
        let mut all = names(connection)?;
        all.retain(|(name, ..)| pattern.is_none_or(|pattern| matches_pattern(pattern, name)));
        let truncated = all.len() > limits.max_tables;
        all.truncate(limits.max_tables);
        let mut room = MAX_COUNTED_IN_ALL;
        let mut tables = Vec::with_capacity(all.len());
        for (name, kind, column_count) in all {
            let rows = match kind {
                TableKind::Table => count(connection, &name, &mut room)?,
                _ => RowCount::Unknown,
            };
            tables.push(TableSummary {
                schema: None,
                name,
                kind,
                column_count,
                rows,
                size_bytes: None,
                comment: None,
            });
        }
        Ok(TableList { tables, truncated })
    };
    list().map_err(|error: rusqlite::Error| connection.error(&error, watch))
}

/// Every table and view that is not SQLite's own, with the number of columns that SELECT * shows.
pub(super) fn names(
    connection: &ReadConnection,
) -> rusqlite::Result<Vec<(String, TableKind, usize)>> {
    let mut statement = connection.sqlite.prepare_cached(
        "SELECT name, type, ncol FROM pragma_table_list \
         WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') \
           AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| {
        let kind = match row.get_ref(1)?.as_str()? {
            "view" => TableKind::View,
            "virtual" => TableKind::Virtual,
            _ => TableKind::Table,
        };
        let columns: i64 = row.get(2)?;
        Ok((row.get(0)?, kind, usize::try_from(columns).unwrap_or(0)))
    })?;
    rows.collect()
}

fn count(connection: &ReadConnection, table: &str, room: &mut u64) -> rusqlite::Result<RowCount> {
    let most = MAX_COUNTED_ROWS.min(*room);
    // The inner limit keeps this from being SQLite's whole-table count, which nothing bounds.
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM main.{} LIMIT {})",
        quote_name(table),
        most + 1
    );
    let counted: i64 = connection.sqlite.query_row(&sql, [], |row| row.get(0))?;
    let counted = counted.unsigned_abs();
    *room = room.saturating_sub(counted);
    if counted <= most {
        return Ok(RowCount::Exact(counted));
    }
    Ok(estimate(connection, table)?.filter(|&rows| rows > most).map_or(
        if most == 0 { RowCount::Unknown } else { RowCount::AtLeast(most) },
        RowCount::Estimate,
    ))
}

/// The planner's statistics, if somebody ran ANALYZE.
fn estimate(connection: &ReadConnection, table: &str) -> rusqlite::Result<Option<u64>> {
    let known: bool = connection.sqlite.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1')",
        [],
        |row| row.get(0),
    )?;
    if !known {
        return Ok(None);
    }
    let rows: Option<i64> = connection.sqlite.query_row(
        "SELECT max(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = ?1",
        [table],
        |row| row.get(0),
    )?;
    Ok(rows.and_then(|rows| u64::try_from(rows).ok()))
}
