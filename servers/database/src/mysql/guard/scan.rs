//! Walks over the tokens of a statement or of a stored function's or trigger's body: refuses the words that do more than it
//! may, and notes relations, functions and placeholders.

use std::collections::BTreeSet;

use super::change;
use super::lexer::{Kind, Token};
use super::secrets::is_secret_variable;
use super::shape::{ADVICE, shorten};
use super::statement::{Placeholders, Reference, quoted, syntax};
use crate::error::DatabaseError;

/// How deep parentheses may nest. Servers give up at a depth that depends on their stack; people need a few.
const MAX_DEPTH: usize = 200;

/// What is changed in the text of a token when it is sent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    /// The text that stands in its place.
    pub(super) text: Option<String>,
    /// Whether the blank in front of it is left out.
    pub(super) joined: bool,
}

/// Which rows a text may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    /// None: it reads.
    Nothing,
    /// Those that its first word changes.
    Once,
    /// Those of every statement in it: the body of a trigger, which is its owner's.
    Anywhere,
}

pub(super) struct Scan<'t, 'a> {
    pub(super) tokens: &'t [Token<'a>],
    pub(super) schema: Option<&'t str>,
    /// Whether this is the body of a stored function, where `:=` and `INTO` set its own variables.
    pub(super) body: bool,
    pub(super) edits: Vec<Edit>,
    pub(super) relations: BTreeSet<Reference>,
    pub(super) functions: BTreeSet<Reference>,
    pub(super) changes: Changes,
    /// What may be a table whose rows are changed.
    pub(super) written: BTreeSet<Reference>,
    /// Where the tables begin and end whose rows the statement changes.
    pub(super) written_from: Option<usize>,
    pub(super) written_until: usize,
    /// Where the name of the table ends that rows are inserted into.
    pub(super) target_until: usize,
    /// The depth of a query among those tables, whose own tables are only read.
    derived: Option<usize>,
    /// For each open parenthesis and the statement itself: whether a FROM has been seen since its last SELECT.
    in_from: Vec<bool>,
}

impl<'t, 'a> Scan<'t, 'a> {
    pub(super) fn new(tokens: &'t [Token<'a>], schema: Option<&'t str>) -> Self {
        Self {
            tokens,
            schema,
            body: false,
            edits: vec![Edit::default(); tokens.len()],
            relations: BTreeSet::new(),
            functions: BTreeSet::new(),
            changes: Changes::Nothing,
            written: BTreeSet::new(),
            written_from: None,
            written_until: 0,
            target_until: 0,
            derived: None,
            in_from: vec![false],
        }
    }

    pub(super) fn token(&self, at: usize) -> Option<&Token<'a>> {
        self.tokens.get(at)
    }

    pub(super) fn before(&self, at: usize) -> Option<&Token<'a>> {
        at.checked_sub(1).and_then(|at| self.tokens.get(at))
    }

    /// Whether the token in front is one of these keywords. Behind a dot, or as the table of an INSERT, it would be a name.
    pub(super) fn follows(&self, at: usize, keywords: &[&str]) -> bool {
        let named = at.checked_sub(2).and_then(|at| self.token(at)).is_some_and(|dot| dot.is(b'.'));
        !named
            && at > self.target_until
            && self.before(at).is_some_and(|before| before.is_one_of(keywords))
    }

    /// Whether a dot stands in front, so that this is part of a name.
    pub(super) fn follows_dot(&self, at: usize) -> bool {
        self.before(at).is_some_and(|before| before.is(b'.'))
    }

    /// Walks over the tokens; words before `settled` belong to a form that has been judged.
    pub(super) fn words(&mut self, settled: usize) -> Result<(), DatabaseError> {
        let mut at = 0;
        while let Some(token) = self.token(at).copied() {
            at = match token.kind {
                Kind::Symbol(symbol) => self.symbol(symbol, at)?,
                Kind::SystemVariable => self.system_variable(at)?,
                Kind::Word if self.changes == Changes::Anywhere && change::begins(self, at) => {
                    change::enter(self, at)?
                }
                Kind::Word | Kind::Quoted if at >= settled => self.name(at)?,
                _ => at + 1,
            };
        }
        Ok(())
    }

    fn symbol(&mut self, symbol: u8, at: usize) -> Result<usize, DatabaseError> {
        match symbol {
            b'(' => {
                let inherited = self.in_from.last().copied().unwrap_or(false);
                self.in_from.push(inherited);
                if self.in_from.len() > MAX_DEPTH {
                    return Err(DatabaseError::TooLarge {
                        what: "the depth of parentheses".into(),
                        limit: format!("{MAX_DEPTH}"),
                        advice: "take the inner queries out into WITH".into(),
                    });
                }
            }
            b')' => {
                if self.derived == Some(self.in_from.len()) {
                    self.derived = None;
                }
                self.in_from.pop();
                if self.in_from.is_empty() {
                    let offset = self.tokens[at].at;
                    return Err(syntax(
                        "a parenthesis is closed that was never opened",
                        Some(offset),
                    ));
                }
            }
            b':' if self.body => {}
            b':' => {
                return Err(if self.token(at + 1).is_some_and(|next| next.is(b'=')) {
                    DatabaseError::refused(
                        "an assignment with :=",
                        "use a window function, or a value in params",
                    )
                } else {
                    syntax("a colon stands outside of a string", Some(self.tokens[at].at))
                });
            }
            _ => {}
        }
        Ok(at + 1)
    }

    /// `@@name`, `@@session.name` or `@@connection.name`: none of its parts may name a credential.
    fn system_variable(&mut self, at: usize) -> Result<usize, DatabaseError> {
        let first = self.tokens[at].text.trim_start_matches('@').trim_matches('`').to_owned();
        let (mut names, mut next) = (vec![first], at + 1);
        while let (Some(dot), Some(name)) = (self.token(next), self.token(next + 1)) {
            if !dot.is(b'.') || !name.is_name() {
                break;
            }
            names.push(name.name());
            next += 2;
        }
        match names.iter().find(|name| is_secret_variable(name)) {
            Some(name) => Err(DatabaseError::refused(
                format!("the variable @@{}", shorten(name)),
                "it can hold a credential; leave it out",
            )),
            None => Ok(next),
        }
    }

    /// A name, or several with dots between, and what it is by its place.
    fn name(&mut self, start: usize) -> Result<usize, DatabaseError> {
        let mut names = vec![self.tokens[start].name()];
        let mut next = start + 1;
        while let (Some(dot), Some(name)) = (self.token(next), self.token(next + 1)) {
            if !dot.is(b'.') || !name.is_name() {
                break;
            }
            names.push(name.name());
            next += 2;
        }
        if names.len() == 1 && self.tokens[start].kind == Kind::Word {
            self.keyword(start)?;
        } else {
            self.settle_chain(start, next, &names);
        }
        if self.token(next).is_some_and(|token| token.is(b'(')) {
            // No relation has a parenthesis behind it.
            self.call(start, next, &names)?;
        } else if self.may_be_relation(start) {
            self.relation(start, names);
        }
        Ok(next)
    }

    /// A keyword in front of a dot is a name only if a bare name follows without a blank: `` FROM.`t` `` is FROM. So a
    /// chain that is written in any other way is sent in backticks, as the names that it was judged as.
    fn settle_chain(&mut self, start: usize, end: usize, names: &[String]) {
        let tokens = &self.tokens[start..end];
        let plain = tokens[1..].iter().all(|token| !token.blank_before)
            && tokens.iter().all(|token| token.kind != Kind::Quoted);
        if plain || names.len() == 1 {
            return;
        }
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        self.edits[start].text = Some(names.join("."));
        for edit in &mut self.edits[start + 1..end] {
            *edit = Edit { text: Some(String::new()), joined: true };
        }
    }

    /// Refuses the bare words that make a statement do more than read, wherever they stand.
    fn keyword(&mut self, at: usize) -> Result<(), DatabaseError> {
        let token = self.tokens[at];
        let next = |offset: usize, word: &str| {
            self.token(at + offset).is_some_and(|token| token.is_word(word))
        };
        let called = self.token(at + 1).is_some_and(|next| next.is(b'('));
        let what = match token.text.to_ascii_uppercase().as_str() {
            "SELECT" => {
                self.set_in_from(false);
                if at < self.written_until && self.derived.is_none() {
                    self.derived = Some(self.in_from.len());
                }
                return Ok(());
            }
            "FROM" => {
                self.set_in_from(true);
                return Ok(());
            }
            "SET" if self.changes != Changes::Nothing && called => return Err(self.changing(at)),
            "SET" if self.changes != Changes::Nothing => {
                self.set_in_from(false);
                return Ok(());
            }
            "UPDATE" if self.changes != Changes::Nothing && change::is_duplicate_key(self, at) => {
                return Ok(());
            }
            "UPDATE" if self.changes == Changes::Anywhere && self.follows(at, &["FOR"]) => {
                return Ok(());
            }
            // Its owner's locks and sequences.
            "FOR" | "LOCK" | "NEXT" | "PREVIOUS" if self.changes == Changes::Anywhere => {
                return Ok(());
            }
            "INTO" if self.body => return Ok(()),
            "INTO" => "INTO, which writes to a file, a variable or a table",
            "OUTFILE" | "DUMPFILE" => "INTO OUTFILE, which writes a file of the server",
            "FOR" if next(1, "UPDATE") => "FOR UPDATE, which locks rows",
            "FOR" if next(1, "SHARE") => "FOR SHARE, which locks rows",
            "LOCK" => "LOCK, which makes others wait",
            "PROCEDURE" => "PROCEDURE",
            "SONAME" => "SONAME, which opens files of the server",
            "NEXT" if next(1, "VALUE") && next(2, "FOR") => {
                "NEXT VALUE FOR, which changes a sequence"
            }
            "PREVIOUS" if next(1, "VALUE") && next(2, "FOR") => "PREVIOUS VALUE FOR a sequence",
            "INSERT" | "REPLACE" if !called => return Err(self.changing(at)),
            "ALTER" | "CALL" | "CREATE" | "DELETE" | "DROP" | "GRANT" | "KILL" | "LOAD"
            | "OPTIMIZE" | "PURGE" | "RENAME" | "REVOKE" | "UPDATE" => {
                return Err(self.changing(at));
            }
            _ => return Ok(()),
        };
        Err(DatabaseError::refused(what, "leave it out"))
    }

    fn changing(&self, at: usize) -> DatabaseError {
        let what = format!(
            "{} (put names that are keywords in backticks)",
            self.tokens[at].text.to_ascii_uppercase()
        );
        let advice = if self.changes == Changes::Nothing { ADVICE } else { super::change::ADVICE };
        DatabaseError::refused(what, advice)
    }

    pub(super) fn set_in_from(&mut self, seen: bool) {
        if let Some(last) = self.in_from.last_mut() {
            *last = seen;
        }
    }

    /// Whether a relation can stand here: behind FROM and its joins, commas and parentheses. A column in such a place is
    /// looked up in vain, which costs a little and harms nobody.
    fn may_be_relation(&self, start: usize) -> bool {
        // `FROM .t` is `FROM t`.
        let dotted = self.before(start).is_some_and(|token| token.is(b'.'));
        let start = if dotted { start - 1 } else { start };
        let in_from = self.in_from.last().copied().unwrap_or(false);
        let opens = |token: &Token<'_>| token.is(b',') || token.is(b'(');
        let changed = self.changes != Changes::Nothing
            && (self.written_from == Some(start) || self.follows(start, &["USING"]));
        changed
            || self.follows(start, &["FROM", "JOIN", "OJ", "STRAIGHT_JOIN", "TABLE"])
            || (in_from && self.before(start).is_some_and(opens))
    }

    fn relation(&mut self, start: usize, names: Vec<String>) {
        let schema = self.schema.map(str::to_owned);
        let written = start < self.written_until && self.derived.is_none();
        let mut add = |schema: Option<String>, name: &str| {
            if let Some(schema) = schema {
                let reference = Reference { schema, name: name.to_owned() };
                if written {
                    self.written.insert(reference.clone());
                }
                self.relations.insert(reference);
            }
        };
        match names.as_slice() {
            [name] => add(schema, name),
            // A schema and its table, or a table and its column.
            [first, second] => {
                add(Some(first.clone()), second);
                add(schema, first);
            }
            [first, second, ..] => add(Some(first.clone()), second),
            [] => {}
        }
    }

    pub(super) fn placeholders(&mut self) -> Result<Placeholders, DatabaseError> {
        let positional = self.tokens.iter().filter(|t| t.kind == Kind::Placeholder).count();
        let mut names = Vec::new();
        for (token, edit) in self.tokens.iter().zip(&mut self.edits) {
            if token.kind == Kind::NamedPlaceholder {
                names.push(token.text[1..].to_owned());
                edit.text = Some("?".to_owned());
            }
        }
        match (positional, names.is_empty()) {
            (positional, true) => Ok(Placeholders::Positional(positional)),
            (0, false) => Ok(Placeholders::Named(names)),
            _ => Err(syntax("the statement has both ? and named placeholders; use one kind", None)),
        }
    }
}
