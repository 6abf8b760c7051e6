//! The second boundary: SQLite asks about everything that a statement would do, and only reading is on the list.
//!
//! SQLite calls back while it compiles, also for what views, virtual tables and table-valued pragmas do.
//! What is not listed is denied, so a statement or function that a later SQLite adds is refused until somebody has
//! looked at it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::functions;
use super::hidden::Hidden;
use super::statement::pragma_reads;
use crate::error::{DatabaseError, ONLY_READ};

/// Functions of SQLite that only compute. Sorted, so that a test can compare them with the library's own list.
pub(super) const COMPUTING_FUNCTIONS: &[&str] = &[
    "->",
    "->>",
    "abs",
    "avg",
    "bm25",
    "changes",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "dense_rank",
    "first_value",
    "format",
    "fts5_get_locale",
    "fts5_insttoken",
    "fts5_locale",
    "fts5_source_id",
    "glob",
    "group_concat",
    "hex",
    "highlight",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_insert",
    "json_array_length",
    "json_error_position",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_pretty",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_type",
    "json_valid",
    "jsonb",
    "jsonb_array",
    "jsonb_array_insert",
    "jsonb_extract",
    "jsonb_group_array",
    "jsonb_group_object",
    "jsonb_insert",
    "jsonb_object",
    "jsonb_remove",
    "jsonb_replace",
    "jsonb_set",
    "julianday",
    "lag",
    "last_insert_rowid",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "lower",
    "ltrim",
    "match",
    "matchinfo",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "offsets",
    "percent_rank",
    "printf",
    "quote",
    "random",
    "randomblob",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtreedepth",
    "rtreenode",
    "rtrim",
    "sign",
    "snippet",
    "soundex",
    "sqlite_compileoption_get",
    "sqlite_compileoption_used",
    "sqlite_source_id",
    "sqlite_version",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "subtype",
    "sum",
    "time",
    "timediff",
    "total",
    "total_changes",
    "trim",
    "typeof",
    "unhex",
    "unicode",
    "unistr",
    "unistr_quote",
    "unixepoch",
    "unlikely",
    "upper",
    "zeroblob",
];

/// Functions of SQLite that are refused, each with the reason its caller is told.
pub(super) const REFUSED_FUNCTIONS: &[(&str, &str)] = &[
    ("fts3_tokenizer", "it can make the process call foreign code"),
    ("fts5", "it hands out internal pointers"),
    ("json_patch", "its cost grows with the square of its input; use json_set or json_remove"),
    ("jsonb_patch", "its cost grows with the square of its input; use jsonb_set or jsonb_remove"),
    ("load_extension", "it loads foreign code"),
    ("optimize", "it changes full-text indexes"),
    ("rtreecheck", "it walks a whole index in one step"),
    ("sqlite_log", "it writes to the operator's log"),
];

/// Where the authorizer leaves the first refusal, since SQLite itself only says "not authorized".
#[derive(Clone, Default)]
pub(super) struct Refusals(Arc<Refused>);

#[derive(Default)]
struct Refused {
    first: Mutex<Option<DatabaseError>>,
    any: AtomicBool,
}

impl Refusals {
    /// Takes the refusal of the last statement, so that the next starts clean.
    pub(super) fn take(&self) -> Option<DatabaseError> {
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether anything was refused since the connection was opened.
    pub(super) fn any(&self) -> bool {
        self.0.any.load(Ordering::Relaxed)
    }

    pub(super) fn keep(&self, refusal: DatabaseError) {
        self.0.any.store(true, Ordering::Relaxed);
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(refusal);
    }
}

/// Makes the authorizer of one connection.
pub(super) fn authorizer(
    refusals: Refusals,
    hidden: Hidden,
) -> impl for<'r> FnMut(AuthContext<'r>) -> Authorization + Send + 'static {
    move |context| match judge(&context.action, &hidden) {
        Ok(()) => Authorization::Allow,
        Err(refusal) => {
            refusals.keep(refusal);
            Authorization::Deny
        }
    }
}

/// Whether an action only reads.
pub(super) fn judge(action: &AuthAction<'_>, hidden: &Hidden) -> Result<(), DatabaseError> {
    match *action {
        AuthAction::Read { table_name, column_name } => hidden.judge(table_name, column_name),
        AuthAction::Select | AuthAction::Recursive => Ok(()),
        AuthAction::Function { function_name } => judge_function(function_name),
        AuthAction::Pragma { pragma_name, pragma_value } => {
            if pragma_reads(pragma_name, pragma_value.is_some()) {
                Ok(())
            } else {
                Err(DatabaseError::refused(format!("PRAGMA {pragma_name}"), ONLY_READ))
            }
        }
        ref other => Err(DatabaseError::refused(describe(other), ONLY_READ)),
    }
}

fn judge_function(name: &str) -> Result<(), DatabaseError> {
    let lowered = name.to_ascii_lowercase();
    if COMPUTING_FUNCTIONS.binary_search(&lowered.as_str()).is_ok()
        || functions::ADDED.contains(&lowered.as_str())
    {
        return Ok(());
    }
    let reason = REFUSED_FUNCTIONS
        .iter()
        .find(|(refused, _)| *refused == lowered)
        .map_or("it is not on the list of functions that only compute", |(_, reason)| reason);
    Err(DatabaseError::refused(format!("the function {lowered}()"), reason))
}

/// Names an action and its object, never a value.
fn describe(action: &AuthAction<'_>) -> String {
    match *action {
        AuthAction::Insert { table_name } => format!("INSERT on table {table_name}"),
        AuthAction::Update { table_name, .. } => format!("UPDATE on table {table_name}"),
        AuthAction::Delete { table_name } => format!("DELETE on table {table_name}"),
        AuthAction::Attach { .. } => "ATTACH of another database".into(),
        AuthAction::Detach { .. } => "DETACH".into(),
        AuthAction::Transaction { .. } => "a transaction statement".into(),
        AuthAction::Savepoint { .. } => "a savepoint statement".into(),
        AuthAction::AlterTable { table_name, .. } => format!("ALTER TABLE {table_name}"),
        AuthAction::Reindex { .. } => "REINDEX".into(),
        AuthAction::Analyze { .. } => "ANALYZE".into(),
        _ => "a change of the schema".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn every_function_of_the_library_has_been_looked_at() {
        let connection = Connection::open_in_memory().unwrap();
        let mut statement =
            connection.prepare("SELECT DISTINCT name FROM pragma_function_list").unwrap();
        let names: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(names.len() > 100, "the list must be the library's");
        for name in &names {
            let computes = COMPUTING_FUNCTIONS.contains(&name.as_str());
            let refused = REFUSED_FUNCTIONS.iter().any(|(refused, _)| refused == name);
            assert!(computes != refused, "{name} must be on exactly one list");
        }
        assert!(COMPUTING_FUNCTIONS.is_sorted());
    }

    #[test]
    fn only_reading_is_allowed() {
        #[track_caller]
        fn check(action: &AuthAction<'_>, expected: Option<&str>) {
            let refused = judge(action, &Hidden::default()).err().map(|error| match error {
                DatabaseError::Refused { what, .. } => what,
                other => panic!("{other}"),
            });
            assert_eq!(refused.as_deref(), expected);
        }
        let pragma = |pragma_name, pragma_value| AuthAction::Pragma { pragma_name, pragma_value };
        check(&AuthAction::Select, None);
        check(&AuthAction::Recursive, None);
        check(&AuthAction::Function { function_name: "UPPER" }, None);
        check(&AuthAction::Function { function_name: "sqrt" }, None);
        check(
            &AuthAction::Function { function_name: "load_extension" },
            Some("the function load_extension()"),
        );
        check(&AuthAction::Function { function_name: "new" }, Some("the function new()"));
        check(&pragma("table_info", Some("users")), None);
        check(&pragma("query_only", None), None);
        check(&pragma("query_only", Some("0")), Some("PRAGMA query_only"));
        check(&pragma("database_list", None), Some("PRAGMA database_list"));
        check(&AuthAction::Delete { table_name: "users" }, Some("DELETE on table users"));
        check(
            &AuthAction::Unknown { code: 999, arg1: None, arg2: None },
            Some("a change of the schema"),
        );
    }
}
