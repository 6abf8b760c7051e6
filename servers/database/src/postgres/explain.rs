//! `EXPLAIN` in front of a statement that passed the guard.
//!
//! The caller's options are read by words and written anew, so that nothing but known options reaches the server.

use std::fmt::Write as _;

use futures_util::{StreamExt as _, pin_mut};
use tokio::time::Instant;
use tokio_postgres::RowStream;
use tokio_postgres::types::{FromSql, Type};

use super::lexer::{Lexer, Token};
use super::session::Session;
use crate::collector::Collector;
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::request::RowForm;
use crate::result::{Cell, Column, QueryResult};

const SWITCHES: &[&str] = &[
    "analyze",
    "buffers",
    "costs",
    "generic_plan",
    "memory",
    "settings",
    "summary",
    "timing",
    "verbose",
    "wal",
];
const FORMATS: &[&str] = &["json", "text", "xml", "yaml"];
const SERIALIZED: &[&str] = &["binary", "none", "text"];

/// The options of an `EXPLAIN`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    switches: Vec<(&'static str, bool)>,
    format: Option<&'static str>,
    serialize: Option<&'static str>,
}

impl Options {
    /// The options of the tool: what the steps cost, or what they took.
    pub(super) fn of_tool(analyze: bool) -> Self {
        let switches =
            if analyze { vec![("analyze", true), ("buffers", true)] } else { Vec::new() };
        Self { switches, ..Self::default() }
    }

    /// What stands in front of the statement.
    pub(super) fn prefix(&self) -> String {
        let mut prefix = String::from("EXPLAIN (FORMAT ");
        prefix.push_str(self.format.unwrap_or("text"));
        for (switch, on) in &self.switches {
            let _ = write!(prefix, ", {switch} {}", if *on { "on" } else { "off" });
        }
        if let Some(how) = self.serialize {
            let _ = write!(prefix, ", serialize {how}");
        }
        prefix.push_str(") ");
        prefix
    }

    fn column_type(&self) -> &'static str {
        match self.format {
            Some("json") => "json",
            Some("xml") => "xml",
            _ => "text",
        }
    }
}

/// Reads the options behind the word `EXPLAIN` and leaves the tokens at the statement.
pub(super) fn options(tokens: &mut Lexer<'_>) -> Result<Options, DatabaseError> {
    let mut options = Options::default();
    let mut ahead = Lexer::new(tokens.rest());
    if ahead.next() == Some(Token::Symbol('(')) {
        // `EXPLAIN (SELECT 1)` is a statement in brackets.
        let is_statement = matches!(ahead.next(), Some(Token::Symbol('(')))
            || Lexer::first_word(tokens.rest())
                .is_some_and(|word| ["SELECT", "VALUES", "TABLE", "WITH"].contains(&word.as_str()));
        if is_statement {
            return Ok(options);
        }
        tokens.next();
        loop {
            let done = option(tokens, &mut options)?;
            if done {
                return Ok(options);
            }
        }
    }
    for word in ["analyze", "verbose"] {
        let mut ahead = Lexer::new(tokens.rest());
        if let Some(Token::Word(found)) = ahead.next()
            && (found.eq_ignore_ascii_case(word)
                || (word == "analyze" && found.eq_ignore_ascii_case("analyse")))
        {
            tokens.next();
            options.switches.push((word, true));
        }
    }
    Ok(options)
}

/// Reads one option in brackets; true when the bracket closes behind it.
fn option(tokens: &mut Lexer<'_>, options: &mut Options) -> Result<bool, DatabaseError> {
    let name = name(tokens.next()).ok_or_else(unknown)?;
    let name = if name == "analyse" { "analyze".to_owned() } else { name };
    let before = tokens.rest();
    let mut next = tokens.next();
    let value = match &next {
        Some(Token::Symbol(',' | ')')) => None,
        Some(Token::Word(_) | Token::Quoted(_) | Token::Text(_) | Token::Number) => {
            let value = value_of(next.as_ref(), before, tokens.rest()).ok_or_else(unknown)?;
            next = tokens.next();
            Some(value)
        }
        _ => return Err(unknown()),
    };
    if name == "format" {
        let value = value.ok_or_else(unknown)?;
        options.format = Some(FORMATS.iter().find(|known| **known == value).ok_or_else(unknown)?);
    } else if name == "serialize" {
        let value = value.unwrap_or_else(|| "text".to_owned());
        let known = SERIALIZED.iter().find(|known| **known == value);
        options.serialize = Some(known.ok_or_else(unknown)?);
    } else {
        let switch = SWITCHES.iter().find(|known| **known == name).ok_or_else(unknown)?;
        let on = match value.as_deref() {
            None | Some("on" | "true" | "1") => true,
            Some("off" | "false" | "0") => false,
            Some(_) => return Err(unknown()),
        };
        options.switches.push((switch, on));
    }
    match next {
        Some(Token::Symbol(',')) => Ok(false),
        Some(Token::Symbol(')')) => Ok(true),
        _ => Err(unknown()),
    }
}

fn name(token: Option<Token<'_>>) -> Option<String> {
    name_of(token.as_ref())
}

fn name_of(token: Option<&Token<'_>>) -> Option<String> {
    match token {
        Some(Token::Word(word)) => Some(word.to_ascii_lowercase()),
        Some(Token::Quoted(name)) => Some(name.clone()),
        _ => None,
    }
}

/// The value of an option, which may stand in quotes or be a number.
fn value_of(token: Option<&Token<'_>>, before: &str, rest: &str) -> Option<String> {
    match token {
        Some(Token::Text(text)) => {
            let inner = text.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\''));
            inner.map(str::to_ascii_lowercase)
        }
        Some(Token::Number) => {
            let read = &before[..before.len() - rest.len()];
            // A comment may stand in front of it.
            let other = |c: char| !(c.is_ascii_alphanumeric() || "$._".contains(c));
            read.rsplit(other).next().map(str::to_owned)
        }
        token => name_of(token),
    }
}

fn unknown() -> DatabaseError {
    let mut known: Vec<&str> = SWITCHES.to_vec();
    known.extend(["format", "serialize"]);
    let advice = format!("the options are {}, the switches with on or off", known.join(", "));
    DatabaseError::refused("an option of EXPLAIN", advice)
}

/// The text of a plan, whatever its type.
struct PlanText(String);

impl<'a> FromSql<'a> for PlanText {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?.to_owned()))
    }

    fn accepts(type_: &Type) -> bool {
        [Type::TEXT, Type::JSON, Type::XML].contains(type_)
    }
}

/// Takes the lines of a plan, up to a number of bytes.
pub(super) async fn lines(
    session: &Session,
    rows: RowStream,
    max_bytes: usize,
) -> Result<Vec<String>, DatabaseError> {
    pin_mut!(rows);
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next().await {
        let row = row.map_err(|error| session.own_error(&error))?;
        let text: PlanText =
            row.try_get(0).map_err(|error| DatabaseError::internal(error.to_string()))?;
        bytes += text.0.len() + 1;
        if bytes > max_bytes {
            session.abandon_statement();
            return Err(DatabaseError::TooLarge {
                what: "the plan".into(),
                limit: format!("{max_bytes} bytes for a result"),
                advice: "explain a part of the statement".into(),
            });
        }
        lines.push(text.0);
    }
    Ok(lines)
}

/// The lines as the rows that psql shows.
pub(super) fn collect(
    lines: &[String],
    options: &Options,
    row_limit: usize,
    form: RowForm,
    limits: &Limits,
    started: Instant,
) -> Result<QueryResult, DatabaseError> {
    let column = Column {
        name: "QUERY PLAN".into(),
        declared_type: Some(options.column_type().into()),
        value_types: Vec::new(),
    };
    let mut collector = Collector::new(vec![column], row_limit, limits, started)?.in_form(form);
    for line in lines {
        if !collector.start_row()
            || !collector.cell(Cell::text(line.as_bytes(), limits.max_cell_bytes))?
        {
            break;
        }
        collector.end_row()?;
    }
    collector.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: Option<(&str, &str)>) {
        let mut tokens = Lexer::new(sql);
        tokens.next();
        let read = options(&mut tokens)
            .ok()
            .map(|options| (options.prefix(), tokens.rest().trim().to_owned()));
        assert_eq!(
            read.as_ref().map(|(prefix, rest)| (prefix.as_str(), rest.as_str())),
            expected,
            "{sql}"
        );
    }

    #[test]
    fn options_are_read_and_written_anew() {
        check("EXPLAIN SELECT 1", Some(("EXPLAIN (FORMAT text) ", "SELECT 1")));
        check(
            "explain analyze verbose SELECT 1",
            Some(("EXPLAIN (FORMAT text, analyze on, verbose on) ", "SELECT 1")),
        );
        check("EXPLAIN (SELECT 1)", Some(("EXPLAIN (FORMAT text) ", "(SELECT 1)")));
        check("EXPLAIN ((SELECT 1))", Some(("EXPLAIN (FORMAT text) ", "((SELECT 1))")));
        check(
            "EXPLAIN (\"analyze\", FORMAT JSON, costs off) SELECT 1",
            Some(("EXPLAIN (FORMAT json, analyze on, costs off) ", "SELECT 1")),
        );
        check(
            "EXPLAIN (analyze, serialize, memory) SELECT 1",
            Some(("EXPLAIN (FORMAT text, analyze on, memory on, serialize text) ", "SELECT 1")),
        );
        check(
            "EXPLAIN (ANALYZE 1, timing /* x */ 0, costs 'OFF', format 'Json') SELECT 1",
            Some(("EXPLAIN (FORMAT json, analyze on, timing off, costs off) ", "SELECT 1")),
        );
        for sql in [
            "EXPLAIN (serialize 'x') SELECT 1",
            "EXPLAIN (serialize on) SELECT 1",
            "EXPLAIN (x) SELECT 1",
            "EXPLAIN (analyze 2) SELECT 1",
            "EXPLAIN (analyze E'on') SELECT 1",
            "EXPLAIN (format 'x, analyze') SELECT 1",
            "EXPLAIN (analyze 1 1) SELECT 1",
            "EXPLAIN (analyze",
            "EXPLAIN (format) SELECT 1",
        ] {
            check(sql, None);
        }
    }
}
