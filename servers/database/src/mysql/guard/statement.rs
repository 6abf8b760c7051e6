//! Judges the text of one statement, notes what it uses, and writes what is sent.
//!
//! What is sent is made from the tokens, without comments, so that the server reads the statement in the same pieces as it
//! was judged in: comments, hints and odd spacing can hide nothing. Calls of stored functions get their schema in front,
//! because a plugin's function of the same name would win otherwise.

use std::collections::BTreeSet;

use super::lexer::{Token, tokens};
use super::scan::{Changes, Scan};
use super::shape::{Shape, shape};
use crate::error::DatabaseError;
use crate::limits::Limits;

/// A relation or a function that a statement names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::mysql) struct Reference {
    /// The schema.
    pub(in crate::mysql) schema: String,
    /// The name.
    pub(in crate::mysql) name: String,
}

/// The placeholders of a statement, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mysql) enum Placeholders {
    /// So many `?`.
    Positional(usize),
    /// Names, each where its value belongs; a name may occur several times.
    Named(Vec<String>),
}

/// A statement whose text may run, if the catalogue agrees about what it uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mysql) struct Statement {
    /// The text to send.
    pub(in crate::mysql) text: String,
    pub(in crate::mysql) shape: Shape,
    pub(in crate::mysql) placeholders: Placeholders,
    /// What may be a table or a view; some of these are columns or aliases and do not exist.
    pub(in crate::mysql) relations: BTreeSet<Reference>,
    /// Functions that must be stored functions, since no server has them built in.
    pub(in crate::mysql) functions: BTreeSet<Reference>,
}

/// Checks what holds for every statement, whichever boundary is in force: size and text.
pub(in crate::mysql) fn check_text(sql: &str, limits: &Limits) -> Result<(), DatabaseError> {
    if sql.len() > limits.max_sql_bytes {
        return Err(DatabaseError::TooLarge {
            what: "the SQL text".into(),
            limit: format!("{} bytes", limits.max_sql_bytes),
            advice: "send long values as parameters and split the work into several queries".into(),
        });
    }
    if let Some(offset) = sql.find('\0') {
        let message = "the text holds a NUL character".to_owned();
        return Err(DatabaseError::Syntax { message, offset: Some(offset) });
    }
    Ok(())
}

/// Judges a statement; `schema` is the one that bare names are looked up in.
///
/// # Errors
/// [`DatabaseError::Refused`] or [`DatabaseError::Syntax`] says what stands in the way.
pub(in crate::mysql) fn judge(sql: &str, schema: Option<&str>) -> Result<Statement, DatabaseError> {
    let all = tokens(sql)?;
    let tokens = single(&all)?;
    let (shape, settled) = shape(tokens)?;
    let mut scan = Scan::new(tokens, schema);
    scan.words(settled)?;
    let placeholders = scan.placeholders()?;
    let text = super::write::text(sql, tokens, &scan.edits);
    Ok(Statement {
        text,
        shape,
        placeholders,
        relations: scan.relations,
        functions: scan.functions,
    })
}

/// Judges the body of a trigger, which may change rows. What it changes is the third.
pub(super) fn judge_trigger_body(
    tokens: &[Token<'_>],
    schema: &str,
) -> Result<[BTreeSet<Reference>; 3], DatabaseError> {
    let mut scan = Scan::new(tokens, Some(schema));
    scan.body = true;
    scan.changes = Changes::Anywhere;
    scan.words(0)?;
    Ok([scan.relations, scan.functions, scan.written])
}

/// Judges the body of a stored function by the same words and functions. Its shape is judged by [`super::routines`].
pub(super) fn judge_body(
    tokens: &[Token<'_>],
    schema: &str,
) -> Result<(BTreeSet<Reference>, BTreeSet<Reference>), DatabaseError> {
    let mut scan = Scan::new(tokens, Some(schema));
    scan.body = true;
    scan.words(0)?;
    Ok((scan.relations, scan.functions))
}

/// The tokens of the only statement, without the semicolons behind it.
pub(super) fn single<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<&'t [Token<'a>], DatabaseError> {
    let end = tokens.iter().position(|token| token.is(b';')).unwrap_or(tokens.len());
    if tokens[end..].iter().any(|token| !token.is(b';')) && end > 0 {
        return Err(DatabaseError::refused("a second statement", "send one statement at a time"));
    }
    match end {
        0 if tokens.is_empty() => Err(syntax("the text holds no statement", None)),
        0 => Err(syntax("the text begins with a semicolon", Some(0))),
        end => Ok(&tokens[..end]),
    }
}

/// A name in backticks.
pub(in crate::mysql) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

pub(super) fn syntax(message: &str, offset: Option<usize>) -> DatabaseError {
    DatabaseError::Syntax { message: message.to_owned(), offset }
}
