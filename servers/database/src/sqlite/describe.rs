//! Describes one table from SQLite's own catalogue. Names are bound as parameters, never put into text.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Row};

use super::connection::ReadConnection;
use super::list;
use super::tokens::{Token, Tokens};
use super::watch::Watch;
use crate::catalog::{
    ColumnDescription, ForeignKey, IndexDescription, TableDescription, TableKind,
};
use crate::error::DatabaseError;
use crate::names::{TableName, near_names};

/// Describes the table or view with this name, in any letter case as in SQLite.
pub(super) fn table(
    connection: &ReadConnection,
    table: &TableName,
    watch: &Arc<Watch>,
) -> Result<TableDescription, DatabaseError> {
    let failed = |error: rusqlite::Error| connection.error(&error, watch);
    let all = list::names(connection).map_err(failed)?;
    let named = |name: &str| all.iter().find(|(existing, ..)| existing.eq_ignore_ascii_case(name));
    // Every file has the one schema `main`, so that only this name can stand in front of a dot.
    let mut readings = table.readings().into_iter();
    let found = readings.find_map(|(schema, name)| {
        let here = schema.is_none_or(|schema| schema.eq_ignore_ascii_case("main"));
        if here { named(name) } else { None }
    });
    let Some((name, kind, _)) = found else {
        return Err(DatabaseError::UnknownTable {
            name: table.shown(),
            suggestions: near_names(&table.name, all.iter().map(|(name, ..)| name.as_str())),
        });
    };
    describe(connection, name, *kind).map_err(failed)
}

fn describe(
    connection: &ReadConnection,
    name: &str,
    kind: TableKind,
) -> rusqlite::Result<TableDescription> {
    let (columns, primary_key) = columns(connection, name)?;
    let listed = indexes(connection, name)?;
    let sql: Option<String> = connection
        .sqlite
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE name = ?1 AND type IN ('table', 'view')",
            [name],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    let named =
        |index: &IndexDescription| index.columns.iter().cloned().collect::<Option<Vec<_>>>();
    let unique = listed
        .iter()
        .filter(|(index, origin)| index.unique && !index.partial && origin != "pk")
        .filter_map(|(index, _)| named(index))
        .collect();
    Ok(TableDescription {
        schema: None,
        name: name.to_owned(),
        kind,
        comment: None,
        columns,
        primary_key,
        foreign_keys: foreign_keys(connection, name)?,
        unique,
        indexes: listed.into_iter().map(|(index, _)| index).collect(),
        checks: sql.as_deref().filter(|_| kind == TableKind::Table).map(checks).unwrap_or_default(),
        sql,
    })
}

fn columns(
    connection: &ReadConnection,
    table: &str,
) -> rusqlite::Result<(Vec<ColumnDescription>, Vec<String>)> {
    // 0 is an ordinary column, 2 and 3 are generated ones; 1 is hidden in a virtual table.
    let mut statement = connection.sqlite.prepare_cached(
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden \
         FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY cid",
    )?;
    let rows = statement.query_map([table], |row| {
        let key_position: i64 = row.get(4)?;
        let column = ColumnDescription {
            nullable: !row.get::<_, bool>(2)?,
            default: row.get(3)?,
            primary_key: key_position > 0,
            generated: row.get::<_, i64>(5)? >= 2,
            ..ColumnDescription::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?)
        };
        Ok((column, key_position))
    })?;
    let columns: Vec<(ColumnDescription, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    let mut key: Vec<(i64, String)> = columns
        .iter()
        .filter(|(_, position)| *position > 0)
        .map(|(column, position)| (*position, column.name.clone()))
        .collect();
    key.sort();
    // A single INTEGER PRIMARY KEY is the row's own number, which is never NULL, declared so or not.
    let rowid_alias = key.len() == 1;
    let columns = columns
        .into_iter()
        .map(|(mut column, _)| {
            if rowid_alias
                && column.primary_key
                && column.declared_type.eq_ignore_ascii_case("INTEGER")
            {
                column.nullable = false;
            }
            column
        })
        .collect();
    Ok((columns, key.into_iter().map(|(_, name)| name).collect()))
}

fn foreign_keys(connection: &ReadConnection, table: &str) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut statement = connection.sqlite.prepare_cached(
        "SELECT id, \"table\", \"from\", \"to\", on_delete, on_update \
         FROM pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq",
    )?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if keys.last().is_none_or(|(last, _)| *last != id) {
            keys.push((id, new_foreign_key(row)?));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(row.get(2)?);
            key.references_columns.extend(row.get::<_, Option<String>>(3)?);
        }
    }
    let mut keys: Vec<ForeignKey> = keys.into_iter().map(|(_, key)| key).collect();
    for key in keys.iter_mut().filter(|key| key.references_columns.is_empty()) {
        key.references_columns = columns(connection, &key.references_table)?.1;
    }
    Ok(keys)
}

fn new_foreign_key(row: &Row<'_>) -> rusqlite::Result<ForeignKey> {
    Ok(ForeignKey {
        columns: Vec::new(),
        references_table: row.get(1)?,
        references_columns: Vec::new(),
        on_delete: row.get(4)?,
        on_update: row.get(5)?,
    })
}

/// The indexes with their origin: made by an index statement, a UNIQUE or a PRIMARY KEY.
fn indexes(
    connection: &ReadConnection,
    table: &str,
) -> rusqlite::Result<Vec<(IndexDescription, String)>> {
    let mut list = connection.sqlite.prepare_cached(
        "SELECT i.name, i.\"unique\", i.origin, i.partial, s.sql FROM pragma_index_list(?1, 'main') i \
         LEFT JOIN main.sqlite_schema s ON s.type = 'index' AND s.name = i.name ORDER BY i.name",
    )?;
    let mut parts = connection.sqlite.prepare_cached(
        "SELECT name FROM pragma_index_xinfo(?1, 'main') WHERE key = 1 ORDER BY seqno",
    )?;
    let mut rows = list.query([table])?;
    let mut indexes = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let columns = parts
            .query_map([&name], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<Option<String>>>>()?;
        let (unique, partial) = (row.get(1)?, row.get(3)?);
        let sql: Option<String> = row.get(4)?;
        let definition = sql.filter(|_| partial || columns.contains(&None)).map(defined);
        indexes
            .push((IndexDescription { name, columns, unique, partial, definition }, row.get(2)?));
    }
    Ok(indexes)
}

/// The statement that made an index, from its first parenthesis on.
fn defined(sql: String) -> String {
    let open = Tokens::of(&sql).find(|(_, token)| *token == Token::Symbol('('));
    open.map(|(at, _)| sql[at..].to_owned()).unwrap_or(sql)
}

/// The conditions of CHECK in a table's statement, as written between the parentheses.
fn checks(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut tokens = Tokens::of(sql).peekable();
    while let Some((_, token)) = tokens.next() {
        let Some((open, _)) =
            tokens.next_if(|(_, next)| token.is_keyword("CHECK") && *next == Token::Symbol('('))
        else {
            continue;
        };
        let mut depth = 1;
        for (at, token) in tokens.by_ref() {
            match token {
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                found.push(sql[open + 1..at].trim().to_owned());
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_defined_behind_its_table() {
        let definition = |sql: &str| defined(sql.to_owned());
        assert_eq!(
            definition("CREATE INDEX \"a(b\" ON [t(]( lower(x), y DESC) WHERE y > 0"),
            "( lower(x), y DESC) WHERE y > 0"
        );
    }

    #[test]
    fn checks_are_found_between_their_parentheses() {
        #[track_caller]
        fn check(sql: &str, expected: &[&str]) {
            assert_eq!(checks(sql), expected, "{sql}");
        }
        check("CREATE TABLE t(a CHECK (a > 0), b)", &["a > 0"]);
        check(
            "CREATE TABLE t(a check(length(a) = (1)) , CHECK(b IN ('(', ')')))",
            &["length(a) = (1)", "b IN ('(', ')')"],
        );
        check("CREATE TABLE t(\"check\" (1), [check] (2)) -- CHECK (x)", &[]);
        check("CREATE TABLE t(a CHECK (a", &[]);
    }
}
