//! Splits SQL into tokens exactly as MariaDB and MySQL do with the session settings that this engine pins.
//!
//! The rules are those of `sql/sql_lex.cc` for `utf8mb4`, without `ANSI_QUOTES`, `NO_BACKSLASH_ESCAPES` and
//! `IGNORE_SPACE`: backslashes escape, `"…"` is a string, `--` begins a comment only in front of white space or a control
//! character, a block comment does not nest, a name may begin with a digit. Where a server's own lexer surprises, the text
//! is refused in place of being guessed at: executable comments (`/*! … */`), an exponent without digits (`1.e(`, which both
//! servers skip as if it were not there), names that begin with `$` (quoted text in newer servers) and NUL.

use crate::error::DatabaseError;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mysql) enum Kind {
    /// A keyword or a bare name.
    Word,
    /// A name in backticks, which are part of the text.
    Quoted,
    /// A string, quotes and prefix included.
    Text,
    /// A number, a hexadecimal or a bit literal, or `\N`.
    Number,
    /// A user variable, `@` included.
    Variable,
    /// A system variable, `@@` included.
    SystemVariable,
    /// A placeholder `?`.
    Placeholder,
    /// A named placeholder, `:` included.
    NamedPlaceholder,
    /// Any other character.
    Symbol(u8),
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mysql) struct Token<'a> {
    pub(in crate::mysql) kind: Kind,
    pub(in crate::mysql) text: &'a str,
    /// Byte offset in the statement.
    pub(in crate::mysql) at: usize,
    /// Whether white space or a comment stands in front.
    pub(in crate::mysql) blank_before: bool,
}

impl Token<'_> {
    /// Whether this is the bare keyword, in any letter case.
    pub(in crate::mysql) fn is_word(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether this is one of the bare keywords, in any letter case.
    pub(in crate::mysql) fn is_one_of(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is_word(keyword))
    }

    /// Whether this is the symbol.
    pub(in crate::mysql) fn is(&self, symbol: u8) -> bool {
        self.kind == Kind::Symbol(symbol)
    }

    /// Whether this can name something: a bare or a quoted name.
    pub(in crate::mysql) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }

    /// Whether a dot directly behind this joins the next name to it, also one that begins with a digit.
    fn opens_chain(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::SystemVariable) && !self.text.ends_with('`')
    }

    /// The name without quotes.
    pub(in crate::mysql) fn name(&self) -> String {
        match self.kind {
            Kind::Quoted => self.text[1..self.text.len() - 1].replace("``", "`"),
            _ => self.text.to_owned(),
        }
    }
}

/// All tokens of a statement; white space and comments are left out.
pub(in crate::mysql) fn tokens(sql: &str) -> Result<Vec<Token<'_>>, DatabaseError> {
    split(sql, true)
}

/// All tokens of the body of a stored function, where a colon stands behind a label and never in front of a placeholder.
pub(super) fn body_tokens(sql: &str) -> Result<Vec<Token<'_>>, DatabaseError> {
    split(sql, false)
}

fn split(sql: &str, named_placeholders: bool) -> Result<Vec<Token<'_>>, DatabaseError> {
    let mut lexer = Lexer { sql, bytes: sql.as_bytes(), at: 0, named_placeholders };
    let mut tokens: Vec<Token<'_>> = Vec::new();
    loop {
        let before = lexer.at;
        lexer.skip_blank()?;
        if lexer.at >= sql.len() {
            return Ok(tokens);
        }
        let (start, blank_before) = (lexer.at, lexer.at > before);
        let kind = match tokens.as_slice() {
            // In `t.1st` the dot joins two names; it is not the point of a number.
            [.., name] if !blank_before && name.opens_chain() && lexer.joins() => lexer.dot(),
            [.., name, dot]
                if !blank_before && !dot.blank_before && dot.is(b'.') && name.opens_chain() =>
            {
                lexer.joined_name()?
            }
            _ => lexer.token()?,
        };
        tokens.push(Token { kind, text: &sql[start..lexer.at], at: start, blank_before });
    }
}

struct Lexer<'a> {
    sql: &'a str,
    bytes: &'a [u8],
    at: usize,
    named_placeholders: bool,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip_while(&mut self, holds: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&holds) {
            self.at += 1;
        }
    }

    fn refuse(&self, at: usize, message: &str) -> DatabaseError {
        DatabaseError::Syntax { message: message.to_owned(), offset: Some(at.min(self.sql.len())) }
    }

    fn skip_blank(&mut self) -> Result<(), DatabaseError> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(c), _) if is_space(c) => self.at += 1,
                (Some(b'#'), _) => self.skip_line(),
                (Some(b'-'), Some(b'-')) if self.peek(2).is_none_or(ends_dashes) => {
                    self.skip_line()
                }
                (Some(b'/'), Some(b'*')) => self.skip_block()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        self.skip_while(|c| c != b'\n');
    }

    fn skip_block(&mut self) -> Result<(), DatabaseError> {
        let inside = &self.bytes[self.at + 2..];
        if matches!(inside, [b'!', ..] | [b'M' | b'm', b'!', ..]) {
            return Err(DatabaseError::refused(
                "an executable comment",
                "write what is in it as part of the statement, or leave it out",
            ));
        }
        match memchr::memmem::find(inside, b"*/") {
            Some(end) => self.at += end + 4,
            None => return Err(self.refuse(self.at, "a comment is never closed")),
        }
        Ok(())
    }

    /// Whether a dot and a bare name follow.
    fn joins(&self) -> bool {
        self.peek(0) == Some(b'.') && self.peek(1).is_some_and(is_name_byte)
    }

    fn dot(&mut self) -> Kind {
        self.at += 1;
        Kind::Symbol(b'.')
    }

    /// What stands directly behind a name and its dot: a name, whatever it begins with.
    fn joined_name(&mut self) -> Result<Kind, DatabaseError> {
        if !self.peek(0).is_some_and(is_name_byte) {
            return self.token();
        }
        self.skip_while(is_name_byte);
        Ok(Kind::Word)
    }

    /// Reads one token; the position is on its first byte.
    fn token(&mut self) -> Result<Kind, DatabaseError> {
        let start = self.at;
        let Some(first) = self.peek(0) else { return Err(self.refuse(start, "the text ends")) };
        let next = self.peek(1);
        match (first, next) {
            (0, _) => Err(self.refuse(start, "the text holds a NUL character")),
            (b'\'' | b'"', _) => self.text(first),
            (b'n' | b'N', Some(b'\'')) => {
                self.at += 1;
                self.text(b'\'')
            }
            (b'x' | b'X', Some(b'\'')) => self.digits_in_quotes(|c| c.is_ascii_hexdigit()),
            (b'b' | b'B', Some(b'\'')) => self.digits_in_quotes(|c| matches!(c, b'0' | b'1')),
            (b'`', _) => self.quoted_name(),
            (b'0'..=b'9', _) => self.number_or_word(),
            (b'.', Some(b'0'..=b'9')) => {
                self.at += 1;
                self.fraction()
            }
            (b'@', Some(b'@')) => self.system_variable(),
            (b'@', _) => self.user_variable(),
            (b'$', _) => Err(self.refuse(start, "a name that begins with $ must be in backticks")),
            (b'\\', Some(b'N')) => {
                self.at += 2;
                Ok(Kind::Number)
            }
            (b'\\', _) => Err(self.refuse(start, "a backslash stands outside of a string")),
            (b':', Some(c)) if self.named_placeholders && is_name_byte(c) => {
                self.at += 1;
                self.skip_while(is_name_byte);
                Ok(Kind::NamedPlaceholder)
            }
            (b'?', Some(c)) if is_name_byte(c) => {
                Err(self.refuse(start, "a placeholder is a single ? without a number or a name"))
            }
            (b'?', _) => {
                self.at += 1;
                Ok(Kind::Placeholder)
            }
            (c, _) if is_name_byte(c) => {
                self.skip_while(is_name_byte);
                Ok(Kind::Word)
            }
            (symbol, _) => {
                self.at += 1;
                Ok(Kind::Symbol(symbol))
            }
        }
    }

    /// A string: a backslash takes the next byte with it, a doubled quote stands for itself.
    fn text(&mut self, quote: u8) -> Result<Kind, DatabaseError> {
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.peek(0) {
            match c {
                b'\\' => self.at += 2,
                c if c == quote && self.peek(1) == Some(quote) => self.at += 2,
                c if c == quote => {
                    self.at += 1;
                    return Ok(Kind::Text);
                }
                _ => self.at += 1,
            }
        }
        Err(self.refuse(start, "a string is never closed"))
    }

    fn digits_in_quotes(&mut self, is_digit: impl Fn(u8) -> bool) -> Result<Kind, DatabaseError> {
        let start = self.at;
        self.at += 2;
        self.skip_while(is_digit);
        if self.peek(0) != Some(b'\'') {
            return Err(self.refuse(start, "a hexadecimal or bit literal holds something else"));
        }
        self.at += 1;
        Ok(Kind::Number)
    }

    fn quoted_name(&mut self) -> Result<Kind, DatabaseError> {
        let start = self.at;
        self.at += 1;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'`'), Some(b'`')) => self.at += 2,
                (Some(b'`'), _) => {
                    self.at += 1;
                    return Ok(Kind::Quoted);
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err(self.refuse(start, "a quoted name is never closed")),
            }
        }
    }

    fn number_or_word(&mut self) -> Result<Kind, DatabaseError> {
        let prefixed: Option<fn(u8) -> bool> = match (self.peek(0), self.peek(1)) {
            (Some(b'0'), Some(b'x')) => Some(|c| c.is_ascii_hexdigit()),
            (Some(b'0'), Some(b'b')) => Some(|c| matches!(c, b'0' | b'1')),
            _ => None,
        };
        if let Some(is_digit) = prefixed {
            self.at += 2;
            let digits = self.at;
            self.skip_while(is_digit);
            if self.at > digits && !self.peek(0).is_some_and(is_name_byte) {
                return Ok(Kind::Number);
            }
            self.skip_while(is_name_byte);
            return Ok(Kind::Word);
        }
        self.skip_while(|c| c.is_ascii_digit());
        match self.peek(0) {
            Some(b'.') => {
                self.at += 1;
                self.fraction()
            }
            Some(b'e' | b'E') if self.exponent_has_digits() => {
                self.skip_exponent();
                Ok(Kind::Number)
            }
            Some(c) if is_name_byte(c) => {
                self.skip_while(is_name_byte);
                Ok(Kind::Word)
            }
            _ => Ok(Kind::Number),
        }
    }

    /// What follows the point of a number.
    fn fraction(&mut self) -> Result<Kind, DatabaseError> {
        self.skip_while(|c| c.is_ascii_digit());
        if !matches!(self.peek(0), Some(b'e' | b'E')) {
            return Ok(Kind::Number);
        }
        if !self.exponent_has_digits() {
            // Both servers drop such a number silently, so that `sleep 1.e(9)` calls sleep.
            return Err(self.refuse(self.at, "a number has an exponent without digits"));
        }
        self.skip_exponent();
        Ok(Kind::Number)
    }

    fn exponent_has_digits(&self) -> bool {
        let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
        self.peek(1 + sign).is_some_and(|c| c.is_ascii_digit())
    }

    fn skip_exponent(&mut self) {
        self.at += 2;
        self.skip_while(|c| c.is_ascii_digit());
    }

    fn user_variable(&mut self) -> Result<Kind, DatabaseError> {
        self.at += 1;
        match self.peek(0) {
            Some(quote @ (b'\'' | b'"')) => {
                self.text(quote)?;
            }
            Some(b'`') => {
                self.quoted_name()?;
            }
            _ => self.skip_while(|c| is_name_byte(c) || c == b'.'),
        }
        Ok(Kind::Variable)
    }

    fn system_variable(&mut self) -> Result<Kind, DatabaseError> {
        let start = self.at;
        self.at += 2;
        match self.peek(0) {
            Some(b'`') => {
                self.quoted_name()?;
            }
            Some(c) if is_name_byte(c) => self.skip_while(is_name_byte),
            _ => return Err(self.refuse(start, "@@ needs the name of a variable behind it")),
        }
        Ok(Kind::SystemVariable)
    }
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// Whether `--` in front of this byte begins a comment.
fn ends_dashes(c: u8) -> bool {
    is_space(c) || c < 0x20 || c == 0x7f
}

/// Letters, digits, `_`, `$` and every byte of a character beyond ASCII.
pub(super) fn is_name_byte(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c == b'$' || c >= 0x80
}
