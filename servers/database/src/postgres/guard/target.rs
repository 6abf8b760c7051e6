//! Judges the table whose rows a statement changes.
//!
//! What belongs to the table runs with the change and is its owner's: defaults, generated columns, checks, indexes, triggers and
//! references. What would make another statement of it is refused: rules, and tables that are not the server's own.

use super::super::session::Session;
use super::catalogue::{self, Relation};
use super::declaration::refuse;
use super::walk::Objection;
use crate::engine::Dialect;
use crate::error::DatabaseError;

/// What a caller can do instead.
pub(super) const ADVICE: &str =
    "send one INSERT, UPDATE or DELETE of rows of one table, and read with execute_query";

/// Judges the table, and tells the expressions of its policies, which run with every change.
pub(super) async fn judge(
    session: &Session,
    table: &Relation,
) -> Result<Vec<String>, DatabaseError> {
    let name = table.qualified();
    let no = |kind, why, advice| Err(refuse(kind, &name, "", why, advice));
    if table.is_system() || Dialect::Postgres.is_system_schema(&table.schema) {
        return no("a change of", "it is the database's own", "change tables of your own");
    }
    match table.kind.as_str() {
        "r" | "p" => {}
        "v" | "m" => return no("a change of view", "it is no table", "change the table behind it"),
        "f" => {
            let advice = "change it where it is";
            return no("a change of foreign table", "its rows lie on another server", advice);
        }
        _ => return no("a change of", "it is no table", "change the rows of a table"),
    }
    if let Some(child) = catalogue::foreign_child(session, &[table.oid]).await? {
        let why = format!("its rows in {child} lie on another server");
        return no("a change of table", &why, "change one of its other partitions by name");
    }
    let target = catalogue::target(session, table.oid).await?;
    if target.has_rules {
        let advice = "ask the operator to replace them by triggers";
        return no("a change of table", "it has rules, which turn a change into another", advice);
    }
    Ok(target.policies)
}

pub(super) fn objection_error(objection: &Objection) -> DatabaseError {
    match objection {
        Objection::Does("RETURNING") => DatabaseError::refused(
            "a change that returns rows",
            "leave RETURNING out, and read rows with execute_query",
        ),
        Objection::Does(what) => DatabaseError::refused(*what, ADVICE),
        unknown => {
            DatabaseError::refused(unknown.to_string(), "write the statement in a simpler way")
        }
    }
}
