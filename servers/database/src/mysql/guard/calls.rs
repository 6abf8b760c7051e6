//! What stands in front of a parenthesis: part of the grammar, a built-in function, or a stored function.

use super::functions::{Builtin, builtin, is_grammar, is_native_schema};
use super::lexer::Kind;
use super::scan::{Changes, Edit, Scan};
use super::shape::shorten;
use super::statement::{Reference, quoted};
use crate::error::DatabaseError;

impl Scan<'_, '_> {
    /// A name in front of a parenthesis: part of the grammar, a built-in function, or a stored function.
    pub(super) fn call(
        &mut self,
        start: usize,
        paren: usize,
        names: &[String],
    ) -> Result<(), DatabaseError> {
        let (name, schema) = match names {
            [name] => (name, None),
            [schema, name] => (name, Some(schema)),
            _ => return Err(unknown_function(&names.join("."))),
        };
        let token = self.tokens[start];
        if let Some(schema) = schema.filter(|schema| !is_native_schema(schema)) {
            return self.stored(start, paren, schema.clone(), name);
        }
        if token.kind == Kind::Word && schema.is_none() && self.calls_nothing(start, paren) {
            return Ok(());
        }
        match builtin(name) {
            Builtin::Computes => {
                self.edits[paren].joined = true;
                if token.kind == Kind::Quoted && schema.is_none() {
                    self.edits[start].text = Some(name.to_ascii_lowercase());
                }
                Ok(())
            }
            // A trigger's sequences are its owner's, and no rollback is lost by them but a number.
            Builtin::Refused(_)
                if self.changes == Changes::Anywhere
                    && ["lastval", "nextval"].contains(&name.to_ascii_lowercase().as_str()) =>
            {
                Ok(())
            }
            // A row that is changed gets its defaults anyway.
            Builtin::Refused(_)
                if self.changes != Changes::Nothing && name.eq_ignore_ascii_case("default") =>
            {
                self.edits[paren].joined = true;
                Ok(())
            }
            Builtin::Refused(why) => Err(DatabaseError::refused(
                format!("the function {}()", shorten(name)),
                format!("{why}; leave it out"),
            )),
            Builtin::Unknown => match self.schema {
                Some(current) if schema.is_none() => {
                    self.stored(start, paren, current.to_owned(), name)
                }
                _ => Err(unknown_function(name)),
            },
        }
    }

    fn stored(
        &mut self,
        start: usize,
        paren: usize,
        schema: String,
        name: &str,
    ) -> Result<(), DatabaseError> {
        for edit in &mut self.edits[start + 1..paren] {
            *edit = Edit { text: Some(String::new()), joined: true };
        }
        let call = format!("{}.{}", quoted(&schema), quoted(name));
        self.edits[start].text = Some(call);
        self.edits[paren].joined = true;
        self.functions.insert(Reference { schema, name: name.to_owned() });
        Ok(())
    }

    /// Whether a bare word in front of a parenthesis is a keyword, a type, or a new name with a list of columns.
    fn calls_nothing(&self, start: usize, paren: usize) -> bool {
        let word = self.tokens[start].text;
        // Behind AS stands an alias, a type or a window, and behind a closed parenthesis an alias; neither can be a call.
        if is_grammar(word) || self.follows(start, &["AS"]) {
            return true;
        }
        let Some(close) = self.list_of_names(paren) else { return false };
        let defines = self.token(close + 1).is_some_and(|token| token.is_word("AS"))
            && self.token(close + 2).is_some_and(|token| token.is(b'('));
        defines || self.before(start).is_some_and(|token| token.is(b')'))
    }

    /// The closing parenthesis, if there are only names and commas before it.
    fn list_of_names(&self, paren: usize) -> Option<usize> {
        let mut at = paren + 1;
        loop {
            self.token(at).filter(|token| token.is_name())?;
            match self.token(at + 1)? {
                comma if comma.is(b',') => at += 2,
                close if close.is(b')') => return Some(at + 1),
                _ => return None,
            }
        }
    }
}

fn unknown_function(name: &str) -> DatabaseError {
    DatabaseError::refused(
        format!("the function {}()", shorten(name)),
        "only built-in functions that compute and stored functions that read can be called",
    )
}
