//! The shape of a statement that changes rows: one INSERT, REPLACE, UPDATE or DELETE, whose tables are found from its text.
//!
//! What a statement could do beside changing the rows of those tables is refused: modifiers that turn errors into warnings or
//! delay the change, `RETURNING`, `DELETE HISTORY` and `FOR PORTION OF`, and whatever the scan of a query refuses too (files,
//! assignments, locks, functions that do more than compute). Statements that end a transaction by themselves cannot be
//! written in this shape, so that what runs can be rolled back.

use std::collections::BTreeSet;

use super::lexer::{Token, tokens};
use super::scan::{Changes, Edit, Scan};
use super::shape::{OTHER_VERBS, QUERY_WORDS, Shape, named};
use super::statement::{Reference, Statement, quoted, single, syntax};
use crate::error::DatabaseError;

pub(super) const ADVICE: &str = "send one INSERT, UPDATE, DELETE or REPLACE of rows of ordinary tables, and read with execute_query";

/// Words between the verb and its table.
const MODIFIERS: &[&str] = &["DELAYED", "HIGH_PRIORITY", "IGNORE", "LOW_PRIORITY", "QUICK"];

/// What fires a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::mysql) struct Events {
    insert: bool,
    update: bool,
    delete: bool,
}

impl Events {
    pub(super) const ALL: Self = Self { insert: true, update: true, delete: true };

    /// Whether these fire a trigger on the event of this name. An unknown one is fired.
    pub(super) fn fire(self, event: &str) -> bool {
        match event {
            "INSERT" => self.insert,
            "UPDATE" => self.update,
            "DELETE" => self.delete,
            _ => true,
        }
    }
}

/// How the server counts what a statement touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mysql) enum Count {
    /// Every row once; REPLACE counts what it removes and what it inserts.
    Affected,
    /// With ON DUPLICATE KEY UPDATE a row counts twice when it is updated, so that those that were given are counted.
    Given,
}

/// A change whose text may run, if the catalogue agrees about what it touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mysql) struct Change {
    pub(in crate::mysql) statement: Statement,
    /// What may be a table whose rows are changed; some of these may be names that do not exist.
    pub(in crate::mysql) written: BTreeSet<Reference>,
    pub(in crate::mysql) events: Events,
    pub(in crate::mysql) count: Count,
}

/// Judges a statement that changes rows; `schema` is the one that bare names are looked up in.
///
/// # Errors
/// [`DatabaseError::Refused`] or [`DatabaseError::Syntax`] says what stands in the way.
pub(in crate::mysql) fn judge_change(
    sql: &str,
    schema: Option<&str>,
) -> Result<Change, DatabaseError> {
    let all = tokens(sql)?;
    let tokens = single(&all)?;
    let verb = verb(tokens)?;
    refuse_forms(tokens)?;
    let mut scan = Scan::new(tokens, schema);
    scan.changes = Changes::Once;
    let settled = enter(&mut scan, 0)?;
    let upserts = (settled..tokens.len()).any(|at| is_duplicate_key(&scan, at));
    scan.words(settled)?;
    if scan.written.is_empty() {
        return Err(syntax("the statement names no table whose rows it changes", None));
    }
    let placeholders = scan.placeholders()?;
    let text = super::write::text(sql, tokens, &scan.edits);
    Ok(Change {
        statement: Statement {
            text,
            shape: Shape::Change,
            placeholders,
            relations: scan.relations,
            functions: scan.functions,
        },
        written: scan.written,
        events: Events {
            insert: ["INSERT", "REPLACE"].contains(&verb),
            update: verb == "UPDATE" || upserts,
            delete: ["DELETE", "REPLACE"].contains(&verb),
        },
        count: if upserts { Count::Given } else { Count::Affected },
    })
}

/// The verb that the statement begins with.
fn verb(tokens: &[Token<'_>]) -> Result<&'static str, DatabaseError> {
    const VERBS: [&str; 4] = ["DELETE", "INSERT", "REPLACE", "UPDATE"];
    let Some(first) = tokens.first() else { return Err(syntax("there is no statement", None)) };
    let named_or_called = tokens.get(1).is_some_and(|next| next.is(b'.') || next.is(b'('));
    match VERBS.into_iter().find(|verb| first.is_word(verb)) {
        Some(verb) if !named_or_called => return Ok(verb),
        _ => {}
    }
    if first.is_word("WITH") {
        let advice = "put its query into the statement as a subquery";
        return Err(DatabaseError::refused("WITH in front of a change", advice));
    }
    let reads = first.is(b'(')
        || first.is_one_of(QUERY_WORDS)
        || first.is_one_of(&["DESC", "DESCRIBE", "EXPLAIN", "SHOW"]);
    if reads {
        return Err(DatabaseError::refused("a statement that is no change of rows", ADVICE));
    }
    if first.is_one_of(OTHER_VERBS) {
        return Err(DatabaseError::refused(named(tokens, 4), ADVICE));
    }
    Err(syntax("a change begins with INSERT, UPDATE, DELETE or REPLACE", Some(first.at)))
}

/// Refuses the forms that do more, or something else, than to change rows at once or fail.
fn refuse_forms(tokens: &[Token<'_>]) -> Result<(), DatabaseError> {
    if let Some(word) = tokens.get(1).filter(|word| word.is_one_of(MODIFIERS)) {
        let word = word.text.to_ascii_uppercase();
        let why = match word.as_str() {
            "IGNORE" => "IGNORE, which turns errors into warnings",
            "DELAYED" => "DELAYED, which changes rows later",
            _ => "a modifier behind the verb",
        };
        return Err(DatabaseError::refused(why, "leave it out (a name like it goes in backticks)"));
    }
    if tokens.get(1).is_some_and(|word| word.is_word("HISTORY")) {
        let advice = "leave HISTORY out (a name like it goes in backticks)";
        return Err(DatabaseError::refused("DELETE HISTORY, which removes what was", advice));
    }
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let behind_a_dot = at > 0 && tokens[at - 1].is(b'.');
        if token.is(b'(') {
            depth += 1;
        } else if token.is(b')') {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is_word("RETURNING") && !behind_a_dot {
            let advice = "leave RETURNING out, and read rows with execute_query";
            return Err(DatabaseError::refused("a change that returns rows", advice));
        } else if token.is_word("PORTION") && at > 0 && tokens[at - 1].is_word("FOR") {
            let advice = "change whole rows";
            return Err(DatabaseError::refused("FOR PORTION OF, which splits rows", advice));
        }
    }
    Ok(())
}

/// Whether a statement that changes rows begins here, in a body.
pub(super) fn begins(scan: &Scan<'_, '_>, at: usize) -> bool {
    let token = scan.tokens[at];
    let next_is = |symbol| scan.token(at + 1).is_some_and(|next| next.is(symbol));
    if next_is(b'.') || scan.before(at).is_some_and(|before| before.is(b'.')) {
        return false;
    }
    if token.is_one_of(&["INSERT", "REPLACE"]) {
        return !next_is(b'(');
    }
    token.is_word("DELETE")
        || (token.is_word("UPDATE") && !scan.follows(at, &["FOR"]) && !is_duplicate_key(scan, at))
}

/// Begins a statement that changes rows: notes its tables, or where they are. Gives the position to go on from.
pub(super) fn enter(scan: &mut Scan<'_, '_>, verb: usize) -> Result<usize, DatabaseError> {
    let mut at = verb + 1;
    while scan.token(at).is_some_and(|token| token.is_one_of(MODIFIERS)) {
        at += 1;
    }
    if scan.tokens[verb].is_one_of(&["INSERT", "REPLACE"]) {
        if scan.token(at).is_some_and(|token| token.is_word("INTO")) {
            at += 1;
        }
        return target(scan, at);
    }
    let updates = scan.tokens[verb].is_word("UPDATE");
    let ends: &[&str] = if updates { &["SET"] } else { &["LIMIT", "ORDER", "WHERE"] };
    let end = end_of_tables(scan, at, ends);
    if updates && !scan.token(end).is_some_and(|token| token.is_word("SET")) {
        return Err(syntax("UPDATE has no SET", Some(scan.tokens[verb].at)));
    }
    // Behind UPDATE stand tables; those of DELETE stand behind its FROM, and names in front of it are among them.
    (scan.written_from, scan.written_until) = (updates.then_some(at), end);
    scan.set_in_from(updates);
    Ok(at)
}

/// Where the tables of a change end: at one of these keywords, at the end of the statement, or of the parenthesis around it.
fn end_of_tables(scan: &Scan<'_, '_>, start: usize, ends: &[&str]) -> usize {
    let part_of_a_name =
        |at: usize| scan.follows_dot(at) || scan.token(at + 1).is_some_and(|next| next.is(b'.'));
    let mut depth = 0_usize;
    for at in start..scan.tokens.len() {
        let token = &scan.tokens[at];
        match () {
            () if token.is(b'(') => depth += 1,
            () if token.is(b')') && depth == 0 => return at,
            () if token.is(b')') => depth -= 1,
            () if token.is(b';') => return at,
            () if depth == 0 && token.is_one_of(ends) && !part_of_a_name(at) => return at,
            () => {}
        }
    }
    scan.tokens.len()
}

/// The table of INSERT and REPLACE. It is sent with its schema and in quotes, as the table that was judged.
fn target(scan: &mut Scan<'_, '_>, start: usize) -> Result<usize, DatabaseError> {
    let missing = |at: Option<usize>| syntax("the name of a table must stand here", at);
    let first = scan.token(start).ok_or_else(|| missing(None))?;
    if !first.is_name() {
        return Err(missing(Some(first.at)));
    }
    let (mut names, mut next) = (vec![first.name()], start + 1);
    while let (Some(dot), Some(name)) = (scan.token(next), scan.token(next + 1)) {
        if !dot.is(b'.') || !name.is_name() {
            break;
        }
        names.push(name.name());
        next += 2;
    }
    let (schema, name) = match names.as_slice() {
        [name] => (scan.schema.map(str::to_owned), name),
        [schema, name] => (Some(schema.clone()), name),
        _ => return Err(missing(Some(first.at))),
    };
    let Some(schema) = schema else {
        return Err(syntax("write the table as `schema`.`table`", Some(first.at)));
    };
    let text = format!("{}.{}", quoted(&schema), quoted(name));
    let reference = Reference { schema, name: name.clone() };
    for edit in &mut scan.edits[start + 1..next] {
        *edit = Edit { text: Some(String::new()), joined: true };
    }
    scan.edits[start].text = Some(text);
    scan.target_until = next;
    scan.relations.insert(reference.clone());
    scan.written.insert(reference);
    Ok(next)
}

/// Whether this is the UPDATE of ON DUPLICATE KEY UPDATE. A table or a column may be called ON.
pub(super) fn is_duplicate_key(scan: &Scan<'_, '_>, at: usize) -> bool {
    let before = |offset: usize, word: &str| {
        let at = at.checked_sub(offset).filter(|at| *at >= scan.target_until);
        at.is_some_and(|at| scan.tokens[at].is_word(word))
    };
    scan.tokens[at].is_word("UPDATE")
        && before(1, "KEY")
        && before(2, "DUPLICATE")
        && before(3, "ON")
        && !scan.follows_dot(at - 3)
        && !scan.token(at + 1).is_some_and(|next| next.is(b'.') || next.is(b'('))
}
