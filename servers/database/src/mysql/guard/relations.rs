//! Asks the catalogue about everything that a statement names, and follows views and stored functions.
//!
//! The catalogue is asked each time: a view or a function that was harmless a moment ago may have been replaced. Asking
//! costs about 0.2 ms, because each name is looked up by equality, which neither server turns into a scan.

use std::collections::{BTreeMap, BTreeSet};

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Params, Row, Value};

use super::routines::{self, StoredFunction};
use super::secrets::secret_relation;
use super::shape::shorten;
use super::statement::{Reference, Statement, judge};
use crate::error::DatabaseError;
use crate::mysql::settings::MysqlSettings;

/// Storage engines whose tables are elsewhere.
const REMOTE_ENGINES: &[&str] = &["CASSANDRA", "CONNECT", "FEDERATED", "S3", "SPHINX", "SPIDER"];

/// Whether the tables of a storage engine are elsewhere.
pub(in crate::mysql) fn is_remote(engine: &str) -> bool {
    REMOTE_ENGINES.iter().any(|remote| remote.eq_ignore_ascii_case(engine))
}

/// What the catalogue says about a table: its schema, name, type and storage engine.
pub(super) const TABLES: &str = "SELECT table_schema, table_name, table_type, engine \
                                 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?";

/// Names looked up by one question to the catalogue.
pub(super) const NAMES_PER_QUESTION: usize = 50;
/// The most names that one statement may lead to, views and functions followed.
const MAX_NAMES: usize = 5_000;
/// The most views and functions that are followed.
const MAX_FOLLOWED: usize = 200;

/// What the operator allows beyond the rules.
#[derive(Debug, Clone)]
pub(in crate::mysql) struct Policy {
    remote_engines: bool,
    /// Stored functions as `schema.name` in lower case, as the server compares them.
    functions: BTreeSet<String>,
}

impl Policy {
    pub(in crate::mysql) fn new(settings: &MysqlSettings) -> Self {
        Self {
            remote_engines: settings.allow_remote_engines,
            functions: settings.allow_functions.iter().map(|name| name.to_lowercase()).collect(),
        }
    }

    fn allows(&self, function: &Reference) -> bool {
        let name = format!("{}.{}", function.schema, function.name).to_lowercase();
        self.functions.contains(&name)
    }
}

/// What a statement leads to and what has been judged already.
pub(super) struct Walk<'p> {
    policy: &'p Policy,
    seen: BTreeSet<Reference>,
    seen_functions: BTreeSet<Reference>,
    relations: Vec<Reference>,
    functions: Vec<Reference>,
    followed: usize,
}

/// Judges what a statement uses.
///
/// # Errors
/// [`DatabaseError::Refused`] names the relation or function, any other error the failure to look it up.
pub(in crate::mysql) async fn check(
    conn: &mut Conn,
    statement: &Statement,
    policy: &Policy,
) -> Result<(), DatabaseError> {
    let mut walk = Walk::new(policy);
    walk.add(statement.relations.iter().cloned(), statement.functions.iter().cloned())?;
    walk.finish(conn).await
}

impl<'p> Walk<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        Self {
            policy,
            seen: BTreeSet::new(),
            seen_functions: BTreeSet::new(),
            relations: Vec::new(),
            functions: Vec::new(),
            followed: 0,
        }
    }

    /// Judges everything that was added, and what that leads to.
    pub(super) async fn finish(mut self, conn: &mut Conn) -> Result<(), DatabaseError> {
        loop {
            if !self.relations.is_empty() {
                let at = self.relations.len().saturating_sub(NAMES_PER_QUESTION);
                let batch = self.relations.split_off(at);
                self.tables(conn, &batch).await?;
            } else if !self.functions.is_empty() {
                let at = self.functions.len().saturating_sub(NAMES_PER_QUESTION);
                let batch = self.functions.split_off(at);
                self.stored_functions(conn, &batch).await?;
            } else {
                return Ok(());
            }
        }
    }

    pub(super) fn add(
        &mut self,
        relations: impl IntoIterator<Item = Reference>,
        functions: impl IntoIterator<Item = Reference>,
    ) -> Result<(), DatabaseError> {
        for relation in relations {
            if self.seen.insert(relation.clone()) {
                if let Some(why) = secret_relation(&relation.schema, &relation.name) {
                    let what = format!("the table {}", named(&relation));
                    return Err(DatabaseError::refused(what, why));
                }
                self.relations.push(relation);
            }
        }
        for function in functions {
            if self.seen_functions.insert(function.clone()) && !self.policy.allows(&function) {
                self.functions.push(function);
            }
        }
        if self.seen.len() + self.seen_functions.len() > MAX_NAMES || self.followed > MAX_FOLLOWED {
            return Err(DatabaseError::TooLarge {
                what: "what the statement leads to through views and functions".into(),
                limit: format!("{MAX_FOLLOWED} views and functions and {MAX_NAMES} names"),
                advice: "read the tables behind the views".into(),
            });
        }
        Ok(())
    }

    async fn tables(&mut self, conn: &mut Conn, batch: &[Reference]) -> Result<(), DatabaseError> {
        let mut views = Vec::new();
        for row in ask(conn, TABLES, batch).await? {
            let (schema, name, kind, engine) = row;
            let (Some(schema), Some(name)) = (schema, name) else { continue };
            let at = Reference { schema, name };
            let engine = engine.unwrap_or_default();
            if is_remote(&engine) && !self.policy.remote_engines {
                return Err(DatabaseError::refused(
                    format!(
                        "the table {} (engine {engine}, which reads from elsewhere)",
                        named(&at)
                    ),
                    "leave it out, or let the operator allow such tables",
                ));
            }
            if kind.is_some_and(|kind| kind == "VIEW") {
                views.push(at);
            }
        }
        if views.is_empty() { Ok(()) } else { self.views(conn, &views).await }
    }

    async fn views(&mut self, conn: &mut Conn, views: &[Reference]) -> Result<(), DatabaseError> {
        const VIEWS: &str = "SELECT table_schema, table_name, view_definition, security_type \
                             FROM information_schema.views WHERE table_schema = ? AND table_name = ?";
        let mut definitions: BTreeMap<Reference, String> = BTreeMap::new();
        for (schema, name, definition, _) in ask(conn, VIEWS, views).await? {
            if let (Some(schema), Some(name)) = (schema, name) {
                definitions.insert(Reference { schema, name }, definition.unwrap_or_default());
            }
        }
        for view in views {
            let definition = definitions.get(view).map_or("", String::as_str);
            if definition.is_empty() {
                return Err(DatabaseError::refused(
                    format!("the view {} (its definition cannot be seen)", named(view)),
                    "the operator can let the role see it with GRANT SHOW VIEW",
                ));
            }
            self.followed += 1;
            let uses =
                judge(definition, Some(&view.schema)).map_err(|error| through(view, error))?;
            self.add(uses.relations, uses.functions).map_err(|error| through(view, error))?;
        }
        Ok(())
    }

    async fn stored_functions(
        &mut self,
        conn: &mut Conn,
        batch: &[Reference],
    ) -> Result<(), DatabaseError> {
        for at in batch {
            let Some(function) = stored_function(conn, at).await? else {
                return Err(DatabaseError::refused(
                    format!("the function {}(), which is not known", shorten(&at.name)),
                    "only built-in functions that compute and stored functions that read can be called",
                ));
            };
            self.followed += 1;
            let (relations, functions) = routines::judge(at, &function)?;
            self.add(relations, functions)?;
        }
        Ok(())
    }
}

pub(super) type Four = (Option<String>, Option<String>, Option<String>, Option<String>);

/// One question about several names: a branch for each, since a list would make the server look through every table.
pub(super) async fn ask(
    conn: &mut Conn,
    branch: &str,
    names: &[Reference],
) -> Result<Vec<Four>, DatabaseError> {
    let mut text = String::with_capacity(names.len() * (branch.len() + 11) + 20);
    let mut values = Vec::with_capacity(names.len() * 2);
    for name in names {
        text.push_str(if text.is_empty() { "" } else { " UNION ALL " });
        text.push_str(branch);
        values.push(Value::from(name.schema.as_str()));
        values.push(Value::from(name.name.as_str()));
    }
    // An explicit limit stands above the session's own.
    text.push_str(" LIMIT 100000");
    let rows: Vec<Row> = conn
        .exec(text, Params::Positional(values))
        .await
        .map_err(|error| crate::mysql::failure::of_catalogue(&error))?;
    Ok(rows
        .iter()
        .map(|row| (text_of(row, 0), text_of(row, 1), text_of(row, 2), text_of(row, 3)))
        .collect())
}

async fn stored_function(
    conn: &mut Conn,
    at: &Reference,
) -> Result<Option<StoredFunction>, DatabaseError> {
    const FUNCTIONS: &str = "SELECT sql_data_access, security_type, is_deterministic, \
                             coalesce(external_language, 'SQL'), sql_mode, routine_definition, routine_name \
                             FROM information_schema.routines \
                             WHERE routine_schema = ? AND routine_name = ? AND routine_type = 'FUNCTION' LIMIT 1";
    let values = vec![Value::from(at.schema.as_str()), Value::from(at.name.as_str())];
    let row: Option<Row> = conn
        .exec_first(FUNCTIONS, Params::Positional(values))
        .await
        .map_err(|error| crate::mysql::failure::of_catalogue(&error))?;
    Ok(row.map(|row| StoredFunction {
        data_access: text_of(&row, 0).unwrap_or_default(),
        security: text_of(&row, 1).unwrap_or_default(),
        deterministic: text_of(&row, 2).is_some_and(|text| text == "YES"),
        language: text_of(&row, 3).filter(|text| !text.is_empty()).unwrap_or_else(|| "SQL".into()),
        sql_mode: text_of(&row, 4).unwrap_or_default(),
        body: text_of(&row, 5).filter(|text| !text.is_empty()),
    }))
}

pub(super) fn text_of(row: &Row, at: usize) -> Option<String> {
    match row.as_ref(at) {
        Some(Value::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

pub(super) fn named(at: &Reference) -> String {
    format!("{}.{}", shorten(&at.schema), shorten(&at.name))
}

/// Says which view a refusal comes from.
fn through(view: &Reference, error: DatabaseError) -> DatabaseError {
    match error {
        DatabaseError::Refused { what, advice } => {
            DatabaseError::Refused { what: format!("{what} in the view {}", named(view)), advice }
        }
        DatabaseError::Syntax { .. } => DatabaseError::refused(
            format!("the view {} (its definition is not understood)", named(view)),
            "read the tables behind it",
        ),
        other => other,
    }
}
