//! Columns that no statement may read, kept by the authorizer: SQLite names each column that a statement uses while it
//! compiles it, whatever way the statement takes to it.
//!
//! It refuses to hide what could be read elsewhere all the same: columns of virtual tables, whose values lie in tables beside
//! them, and columns that a generated column of the same table is made of, unless that one is hidden too.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::Connection;

use super::failure;
use crate::error::DatabaseError;
use crate::promises::ColumnName;

/// The columns by table, in small letters as SQLite compares names.
#[derive(Debug, Clone, Default)]
pub(super) struct Hidden(Arc<BTreeSet<(String, String)>>);

impl Hidden {
    /// Checks that each column is there and can be hidden.
    pub(super) fn of(
        connection: &Connection,
        columns: &[ColumnName],
    ) -> Result<Self, DatabaseError> {
        let mut hidden = BTreeSet::new();
        for column in columns {
            if column.schema.as_ref().is_some_and(|schema| !schema.eq_ignore_ascii_case("main")) {
                return Err(broken(column, "is in a schema that a file of SQLite does not have"));
            }
            hidden.insert((column.table.to_ascii_lowercase(), column.column.to_ascii_lowercase()));
        }
        let hidden = Self(Arc::new(hidden));
        for column in columns {
            hidden.check(connection, column)?;
        }
        Ok(hidden)
    }

    fn check(&self, connection: &Connection, column: &ColumnName) -> Result<(), DatabaseError> {
        let failed = |error: rusqlite::Error| failure::of_opening(&error);
        let kind: Result<String, rusqlite::Error> = connection.query_row(
            "SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE",
            [&column.table],
            |row| row.get(0),
        );
        match kind {
            Ok(kind) if kind == "table" => {}
            Ok(_) => {
                return Err(broken(
                    column,
                    "is in a virtual table or a view, where SQLite can't hide it",
                ));
            }
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                return Err(broken(column, "is in no table"));
            }
            Err(error) => return Err(failed(error)),
        }
        let mut statement = connection
            .prepare("SELECT name, hidden FROM pragma_table_xinfo(?1, 'main')")
            .map_err(failed)?;
        let rows = statement
            .query_map([&column.table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
            .map_err(failed)?;
        let mut found = false;
        for row in rows {
            let (name, kind) = row.map_err(failed)?;
            found |= name.eq_ignore_ascii_case(&column.column);
            // 2 and 3 are generated columns, whose expressions SQLite does not name to the authorizer.
            if kind >= 2 && !self.holds(&column.table, &name) {
                let why = format!(
                    "could be read through the generated column {name:?}: hide that one too"
                );
                return Err(broken(column, &why));
            }
        }
        if found { Ok(()) } else { Err(broken(column, "is no column of its table")) }
    }

    fn holds(&self, table: &str, column: &str) -> bool {
        !self.0.is_empty()
            && self.0.contains(&(table.to_ascii_lowercase(), column.to_ascii_lowercase()))
    }

    /// Whether a statement may read this column.
    pub(super) fn judge(&self, table: &str, column: &str) -> Result<(), DatabaseError> {
        if self.0.is_empty() {
            return Ok(());
        }
        if self.holds(table, column) {
            let advice = "name the columns that you need and leave this one out";
            return Err(DatabaseError::refused(
                format!("the hidden column {table}.{column}"),
                advice,
            ));
        }
        // The planner's samples hold values of indexed columns.
        if table.get(..11).is_some_and(|name| name.eq_ignore_ascii_case("sqlite_stat")) {
            let advice =
                "this database hides columns, and the planner's statistics hold their values";
            return Err(DatabaseError::refused(format!("the table {table}"), advice));
        }
        Ok(())
    }
}

fn broken(column: &ColumnName, why: &str) -> DatabaseError {
    DatabaseError::PromiseBroken {
        what: format!("the hidden column {column} {why}"),
        advice: "correct hidden_columns".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(columns: &[&str]) -> Result<(), String> {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE people(id INTEGER PRIMARY KEY, ssn TEXT);
                 CREATE TABLE made(a TEXT, b TEXT AS (a) VIRTUAL);
                 CREATE VIEW seen AS SELECT ssn FROM people; CREATE VIRTUAL TABLE notes USING fts5(text);",
            )
            .unwrap();
        let columns: Vec<_> = columns.iter().map(|name| ColumnName::parse(name).unwrap()).collect();
        match Hidden::of(&connection, &columns) {
            Ok(_) => Ok(()),
            Err(DatabaseError::PromiseBroken { what, .. }) => Err(what),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_could_be_read_elsewhere_is_not_called_hidden() {
        for (columns, expected) in [
            (&["people.ssn"][..], None),
            (&["main.PEOPLE.SSN"], None),
            (&["made.a", "made.b"], None),
            (&["made.a"], Some("through the generated column \"b\"")),
            (&["people.x"], Some("is no column")),
            (&["nobody.x"], Some("is in no table")),
            (&["seen.ssn"], Some("virtual table or a view")),
            (&["notes.text"], Some("virtual table or a view")),
            (&["other.people.ssn"], Some("is in a schema")),
        ] {
            match (of(columns), expected) {
                (Ok(()), None) => {}
                (Err(what), Some(part)) => assert!(what.contains(part), "{what}"),
                (found, _) => panic!("{columns:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn statistics_are_refused_only_where_something_is_hidden() {
        let hidden = |pair: Option<(&str, &str)>| {
            Hidden(Arc::new(pair.map(|(t, c)| (t.to_owned(), c.to_owned())).into_iter().collect()))
        };
        assert!(hidden(None).judge("sqlite_stat1", "stat").is_ok());
        assert!(hidden(Some(("a", "b"))).judge("sqlite_stat4", "sample").is_err());
        assert!(hidden(Some(("a", "b"))).judge("A", "B").is_err());
        assert!(hidden(Some(("a", "b"))).judge("a", "").is_ok());
    }
}
