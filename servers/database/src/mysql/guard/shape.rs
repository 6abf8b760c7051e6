//! The shape that a statement must have: one query, an explained query, or a form of SHOW or DESCRIBE that reads.

use super::lexer::Token;
use crate::error::DatabaseError;

pub(super) const ADVICE: &str =
    "send one SELECT, WITH … SELECT, VALUES, SHOW, DESCRIBE or EXPLAIN SELECT statement";

/// What a statement is, by its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mysql) enum Shape {
    /// A query.
    Query,
    /// `EXPLAIN` or MariaDB's `ANALYZE` of a query.
    Explain,
    /// A form of `SHOW`.
    Show,
    /// `SHOW VARIABLES`, whose credentials are hidden from the answer.
    ShowVariables,
    /// `DESCRIBE` of a table.
    Describe,
    /// `INSERT`, `REPLACE`, `UPDATE` or `DELETE`, which only [`super::change`] judges.
    Change,
}

/// The forms of SHOW that read what is not secret, as the words behind SHOW and its modifiers.
const SHOW_FORMS: &[&[&str]] = &[
    &["CHARACTER", "SET"],
    &["CHARSET"],
    &["COLLATION"],
    &["COLUMNS"],
    &["CREATE", "DATABASE"],
    &["CREATE", "EVENT"],
    &["CREATE", "FUNCTION"],
    &["CREATE", "PROCEDURE"],
    &["CREATE", "SCHEMA"],
    &["CREATE", "SEQUENCE"],
    &["CREATE", "TABLE"],
    &["CREATE", "TRIGGER"],
    &["CREATE", "VIEW"],
    &["DATABASES"],
    &["ENGINES"],
    &["ERRORS"],
    &["EVENTS"],
    &["FIELDS"],
    &["FUNCTION", "STATUS"],
    &["INDEX"],
    &["INDEXES"],
    &["KEYS"],
    &["OPEN", "TABLES"],
    &["PLUGINS"],
    &["PRIVILEGES"],
    &["PROCEDURE", "STATUS"],
    &["PROCESSLIST"],
    &["SCHEMAS"],
    &["STATUS"],
    &["TABLE", "STATUS"],
    &["TABLES"],
    &["TRIGGERS"],
    &["WARNINGS"],
];

const SHOW_MODIFIERS: &[&str] = &["EXTENDED", "FULL", "GLOBAL", "LOCAL", "SESSION", "STORAGE"];

pub(super) const QUERY_WORDS: &[&str] = &["SELECT", "TABLE", "VALUES", "WITH"];

/// First words of statements that do something other than read, here or in other dialects.
pub(super) const OTHER_VERBS: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "BACKUP",
    "BEGIN",
    "BINLOG",
    "CACHE",
    "CALL",
    "CHANGE",
    "CHECK",
    "CHECKSUM",
    "CLONE",
    "COMMIT",
    "COPY",
    "CREATE",
    "DEALLOCATE",
    "DELETE",
    "DO",
    "DROP",
    "EXECUTE",
    "FLUSH",
    "GET",
    "GRANT",
    "HANDLER",
    "HELP",
    "IMPORT",
    "INSERT",
    "INSTALL",
    "KILL",
    "LOAD",
    "LOCK",
    "MERGE",
    "OPTIMIZE",
    "PREPARE",
    "PURGE",
    "RELEASE",
    "RENAME",
    "REPAIR",
    "REPLACE",
    "RESET",
    "RESIGNAL",
    "RESTART",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SET",
    "SHUTDOWN",
    "SIGNAL",
    "START",
    "STOP",
    "TRUNCATE",
    "UNINSTALL",
    "UNLOCK",
    "UPDATE",
    "USE",
    "XA",
];

/// Finds the shape of a statement, and how many tokens at its beginning are settled by it.
pub(super) fn shape(tokens: &[Token<'_>]) -> Result<(Shape, usize), DatabaseError> {
    if begins_query(tokens) {
        return Ok((Shape::Query, 0));
    }
    match tokens.first() {
        Some(first) if first.is_word("SHOW") => show(tokens),
        Some(first) if first.is_one_of(&["EXPLAIN", "DESCRIBE", "DESC"]) => explain(tokens),
        Some(first) if first.is_word("ANALYZE") => analyze(tokens),
        _ => Err(not_reading(tokens)),
    }
}

/// Whether the tokens begin a query, also in parentheses. A word in front of a dot is a name.
fn begins_query(tokens: &[Token<'_>]) -> bool {
    let Some(at) = tokens.iter().position(|token| !token.is(b'(')) else { return false };
    tokens[at].is_one_of(QUERY_WORDS) && !tokens.get(at + 1).is_some_and(|next| next.is(b'.'))
}

fn show(tokens: &[Token<'_>]) -> Result<(Shape, usize), DatabaseError> {
    let mut at = 1;
    while tokens.get(at).is_some_and(|token| token.is_one_of(SHOW_MODIFIERS)) {
        at += 1;
    }
    if tokens.get(at).is_some_and(|token| token.is_word("VARIABLES")) {
        let rest = &tokens[at + 1..];
        if rest.iter().any(|token| token.is_word("WHERE")) {
            let advice = "use SHOW VARIABLES LIKE '…', which matches names";
            return Err(DatabaseError::refused("SHOW VARIABLES WHERE", advice));
        }
        return Ok((Shape::ShowVariables, at + 1));
    }
    let form = SHOW_FORMS.iter().find(|form| {
        form.iter()
            .enumerate()
            .all(|(offset, word)| tokens.get(at + offset).is_some_and(|token| token.is_word(word)))
    });
    match form {
        Some(form) => Ok((Shape::Show, at + form.len())),
        None => {
            let what = named(tokens, at + 2);
            let advice = "these can be shown: DATABASES, TABLES, COLUMNS, INDEX, CREATE TABLE, CREATE VIEW, TABLE STATUS, \
                          TRIGGERS, EVENTS, FUNCTION STATUS, VARIABLES LIKE, STATUS, PROCESSLIST, ENGINES";
            Err(DatabaseError::refused(what, advice))
        }
    }
}

fn explain(tokens: &[Token<'_>]) -> Result<(Shape, usize), DatabaseError> {
    let at = skip_options(tokens, 1);
    let rest = &tokens[at..];
    match rest.first() {
        None => Err(DatabaseError::Syntax {
            message: "EXPLAIN needs a query or a table behind it".into(),
            offset: None,
        }),
        Some(_) if begins_query(rest) => Ok((Shape::Explain, at)),
        Some(first) if first.is_one_of(&["FOR", "DELETE", "INSERT", "REPLACE", "UPDATE"]) => {
            let what = format!("{} {}", tokens[0].text.to_ascii_uppercase(), named(rest, 3));
            Err(DatabaseError::refused(what, "explain a SELECT with the same FROM and WHERE"))
        }
        Some(first) if first.is_name() && at == 1 => Ok((Shape::Describe, 1)),
        Some(_) => Err(not_reading(rest)),
    }
}

fn analyze(tokens: &[Token<'_>]) -> Result<(Shape, usize), DatabaseError> {
    let at = skip_options(tokens, 1);
    let rest = &tokens[at..];
    // `ANALYZE TABLE` changes statistics.
    if begins_query(rest) && !rest.first().is_some_and(|first| first.is_word("TABLE")) {
        return Ok((Shape::Explain, at));
    }
    Err(not_reading(tokens))
}

fn skip_options(tokens: &[Token<'_>], mut at: usize) -> usize {
    loop {
        match tokens.get(at) {
            Some(token) if token.is_one_of(&["EXTENDED", "PARTITIONS", "ANALYZE"]) => at += 1,
            Some(token)
                if token.is_word("FORMAT") && tokens.get(at + 1).is_some_and(|t| t.is(b'=')) =>
            {
                at = (at + 3).min(tokens.len());
            }
            _ => return at,
        }
    }
}

/// Names the statement by its verb and object, never by its values.
fn not_reading(tokens: &[Token<'_>]) -> DatabaseError {
    match tokens.first() {
        Some(first) if first.is_one_of(OTHER_VERBS) => {
            DatabaseError::refused(named(tokens, 4), ADVICE)
        }
        _ => {
            let message = "a statement begins with SELECT, WITH, VALUES, SHOW, DESCRIBE or EXPLAIN";
            DatabaseError::Syntax { message: message.into(), offset: None }
        }
    }
}

/// At most `count` words from the beginning, the first in capitals.
pub(super) fn named(tokens: &[Token<'_>], count: usize) -> String {
    let mut what = String::new();
    for token in tokens.iter().take(count) {
        if !token.is_name() || (!what.is_empty() && token.is_one_of(&["SET", "VALUES"])) {
            break;
        }
        if what.is_empty() {
            what = token.text.to_ascii_uppercase();
        } else {
            what.push(' ');
            what.push_str(shorten(token.text));
        }
    }
    what
}

pub(super) fn shorten(word: &str) -> &str {
    &word[..word.floor_char_boundary(64)]
}
