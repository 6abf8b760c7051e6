//! Finds tables, views and columns by name. A file of SQLite holds no functions of its own.

use std::sync::Arc;

use super::connection::ReadConnection;
use super::list;
use super::watch::Watch;
use crate::catalog::TableKind;
use crate::error::DatabaseError;
use crate::names::matches_pattern;
use crate::search::{Finding, FindingKind, Findings, Search};

/// Everything whose name matches, up to the limit of the search.
pub(super) fn by_name(
    connection: &ReadConnection,
    search: &Search,
    watch: &Arc<Watch>,
) -> Result<Findings, DatabaseError> {
    find(connection, search).map_err(|error| connection.error(&error, watch))
}

fn find(connection: &ReadConnection, search: &Search) -> rusqlite::Result<Findings> {
    let matches = |name: &str| matches_pattern(&search.pattern, name);
    let tables = list::names(connection)?;
    let mut found = Vec::new();
    for (name, kind, _) in tables.iter().filter(|(name, ..)| matches(name)) {
        let kind = match kind {
            TableKind::View => FindingKind::View,
            _ => FindingKind::Table,
        };
        found.push(finding(kind, name));
    }
    for (table, ..) in &tables {
        // One more than wanted shows that there are more.
        if found.len() > search.limit {
            break;
        }
        for (name, type_name) in columns(connection, table)? {
            if matches(&name) {
                let type_name = Some(type_name).filter(|name| !name.is_empty());
                let column = finding(FindingKind::Column, &name);
                found.push(Finding { table: Some(table.clone()), type_name, ..column });
            }
        }
    }
    let truncated = found.len() > search.limit;
    found.truncate(search.limit);
    Ok(Findings { found, truncated })
}

fn finding(kind: FindingKind, name: &str) -> Finding {
    Finding {
        kind,
        schema: None,
        table: None,
        name: name.to_owned(),
        type_name: None,
        comment: None,
    }
}

fn columns(connection: &ReadConnection, table: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection.sqlite.prepare_cached(
        "SELECT name, type FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY name",
    )?;
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
