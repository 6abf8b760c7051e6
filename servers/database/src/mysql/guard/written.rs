//! Judges the tables whose rows a statement changes, and everything that changing them sets off: only what a rollback undoes.
//!
//! A table must be an ordinary one of InnoDB: other storage engines keep what was written whatever becomes of the transaction,
//! or write to other servers. Its triggers are read, and the tables that those change are judged by the same rule. What the
//! catalogue could hide is not taken for absent: where the role may not see triggers, the change is refused. Cascading
//! references need no look, since both ends of one are tables of InnoDB, and neither do defaults, checks and generated columns,
//! in which both servers allow no stored function.

use std::collections::BTreeSet;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Params, Row, Value};

use super::change::{Change, Events};
use super::relations::{NAMES_PER_QUESTION, Policy, TABLES, Walk, ask, named, text_of};
use super::routines::{TRIGGER_ADVICE, judge_trigger};
use super::statement::Reference;
use crate::engine::Dialect;
use crate::error::DatabaseError;
use crate::mysql::{failure, grants};
use crate::names::TableName;

/// The storage engine whose changes are undone by a rollback, and that the tests have tried.
const TRANSACTIONAL_ENGINE: &str = "InnoDB";
/// The most tables that one change may lead to.
const MAX_WRITTEN: usize = 200;

const TRIGGERS: &str = "SELECT trigger_schema, trigger_name, event_manipulation, sql_mode, action_statement \
                        FROM information_schema.triggers WHERE event_object_schema = ? AND event_object_table = ? LIMIT 1000";

/// The tables that a change leads to.
struct Written<'w, 'p> {
    walk: &'w mut Walk<'p>,
    waiting: Vec<(Reference, Events)>,
    seen: BTreeSet<(Reference, Events)>,
    /// What the role may do, once it has been asked for.
    grants: Option<Vec<String>>,
}

/// Judges what a change touches, and what it reads.
///
/// # Errors
/// [`DatabaseError::Refused`] names the table, trigger or function, any other error the failure to look it up.
pub(in crate::mysql) async fn check_change(
    conn: &mut Conn,
    change: &Change,
    policy: &Policy,
) -> Result<(), DatabaseError> {
    let mut walk = Walk::new(policy);
    let mut written =
        Written { walk: &mut walk, waiting: Vec::new(), seen: BTreeSet::new(), grants: None };
    written.add(change.written.iter().cloned(), change.events)?;
    // Some of the names may be none of tables, but at least one must be.
    if written.next(conn).await? == 0 {
        return Err(no_table(change));
    }
    while !written.waiting.is_empty() {
        written.next(conn).await?;
    }
    let statement = &change.statement;
    walk.add(statement.relations.iter().cloned(), statement.functions.iter().cloned())?;
    walk.finish(conn).await
}

impl Written<'_, '_> {
    fn add(
        &mut self,
        tables: impl IntoIterator<Item = Reference>,
        events: Events,
    ) -> Result<(), DatabaseError> {
        for table in tables {
            if self.seen.insert((table.clone(), events)) {
                self.waiting.push((table, events));
            }
        }
        if self.seen.len() > MAX_WRITTEN {
            return Err(DatabaseError::TooLarge {
                what: "what the change leads to through triggers".into(),
                limit: format!("{MAX_WRITTEN} tables"),
                advice: "change other tables".into(),
            });
        }
        Ok(())
    }

    /// Judges the tables that wait, and tells how many there were.
    async fn next(&mut self, conn: &mut Conn) -> Result<usize, DatabaseError> {
        let at = self.waiting.len().saturating_sub(NAMES_PER_QUESTION);
        let batch = self.waiting.split_off(at);
        let names: Vec<Reference> = batch.iter().map(|(table, _)| table.clone()).collect();
        let mut found = 0;
        for (schema, name, kind, engine) in ask(conn, TABLES, &names).await? {
            let (Some(schema), Some(name)) = (schema, name) else { continue };
            let table = Reference { schema, name };
            judge_table(&table, kind.as_deref(), engine.as_deref())?;
            found += 1;
            let asked = batch.iter().filter(|(asked, _)| same_name(asked, &table));
            let events: BTreeSet<Events> = asked.map(|(_, events)| *events).collect();
            for events in events {
                self.triggers(conn, &table, events).await?;
            }
        }
        Ok(found)
    }

    async fn triggers(
        &mut self,
        conn: &mut Conn,
        table: &Reference,
        events: Events,
    ) -> Result<(), DatabaseError> {
        let values = vec![Value::from(table.schema.as_str()), Value::from(table.name.as_str())];
        let rows: Vec<Row> = conn
            .exec(TRIGGERS, Params::Positional(values))
            .await
            .map_err(|error| failure::of_catalogue(&error))?;
        if rows.is_empty() {
            return self.would_see_triggers(conn, table).await;
        }
        for row in &rows {
            if !events.fire(&text_of(row, 2).unwrap_or_default()) {
                continue;
            }
            let schema = text_of(row, 0).unwrap_or_else(|| table.schema.clone());
            let (name, mode) = (text_of(row, 1).unwrap_or_default(), text_of(row, 3));
            let body = text_of(row, 4).filter(|body| !body.is_empty());
            let mode = mode.unwrap_or_default();
            let [relations, functions, changed] =
                judge_trigger(&schema, &name, &mode, body.as_deref())?;
            self.walk.add(relations, functions)?;
            self.add(changed, Events::ALL)?;
        }
        Ok(())
    }

    /// No triggers are none only where the role would see them.
    async fn would_see_triggers(
        &mut self,
        conn: &mut Conn,
        table: &Reference,
    ) -> Result<(), DatabaseError> {
        let grants = match &mut self.grants {
            Some(grants) => grants,
            none => none.insert(grants::of_role(conn).await?),
        };
        if grants::shows_triggers(grants, &table.schema, &table.name) {
            return Ok(());
        }
        let what = format!("a change of {} (its triggers cannot be seen)", named(table));
        Err(DatabaseError::refused(what, TRIGGER_ADVICE))
    }
}

/// Servers compare names by letter case or not; a name too many only asks for more.
fn same_name(one: &Reference, other: &Reference) -> bool {
    let folded = |at: &Reference| (at.schema.to_lowercase(), at.name.to_lowercase());
    folded(one) == folded(other)
}

fn judge_table(
    table: &Reference,
    kind: Option<&str>,
    engine: Option<&str>,
) -> Result<(), DatabaseError> {
    let no = |why: &str, advice: &str| {
        let what = format!("a change of {} ({why})", named(table));
        Err(DatabaseError::refused(what, advice))
    };
    if Dialect::Mysql.is_system_schema(&table.schema) {
        return no("it is the database's own", "change tables of your own");
    }
    match kind {
        Some("BASE TABLE" | "SYSTEM VERSIONED") => {}
        Some("VIEW") => return no("it is a view", "change the table behind it"),
        _ => return no("it is no table", "change the rows of a table"),
    }
    match engine {
        Some(engine) if engine.eq_ignore_ascii_case(TRANSACTIONAL_ENGINE) => Ok(()),
        Some(engine) => {
            let why = format!("what is written to its engine {engine} can not be rolled back here");
            no(&why, "change tables of InnoDB")
        }
        None => no("it can not be opened", "ask the operator to repair it"),
    }
}

fn no_table(change: &Change) -> DatabaseError {
    let name = change
        .written
        .first()
        .map(|table| TableName { schema: Some(table.schema.clone()), name: table.name.clone() });
    let shown = change.written.first().map(named).unwrap_or_default();
    DatabaseError::no_such_table(format!("there is no table {shown}"), None, name)
}
