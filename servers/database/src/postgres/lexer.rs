//! Cuts SQL into tokens as PostgreSQL does, with `standard_conforming_strings` on.
//!
//! Nothing that a statement may do rests on this alone: it tells `EXPLAIN` and `SHOW` from queries, which are then judged by
//! PostgreSQL's own analysis, and finds the names in function bodies.

/// One token. Spaces and comments are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or name without quotes.
    Word(&'a str),
    /// A name in quotes, without them.
    Quoted(String),
    /// A name in quotes whose escapes are not read here.
    UnicodeQuoted,
    /// Any string, with its quotes and what stands in front of them.
    Text(&'a str),
    /// A number or parameter.
    Number,
    /// Characters of operators.
    Operator(&'a str),
    /// A bracket, comma, semicolon, colon or dot.
    Symbol(char),
    /// A quote or comment without an end.
    Unterminated,
}

/// The tokens of a text.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

const OPERATOR: &str = "+-*/<>=~!@#%^&|`?";

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What follows the last token.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The first word of a text, in upper case.
    pub(super) fn first_word(text: &'a str) -> Option<String> {
        match Self::new(text).find(|token| !matches!(token, Token::Symbol('(' | ';')))? {
            Token::Word(word) => Some(word.to_uppercase()),
            _ => None,
        }
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let taken = &self.text[self.at..self.at + bytes];
        self.at += bytes;
        taken
    }

    /// Skips spaces and comments; false when a comment has no end.
    fn skip(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("--") {
                self.at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let Some(length) = comment_length(trimmed) else { return false };
                self.at += length;
            } else {
                return true;
            }
        }
    }

    /// A quoted token whose quote begins `prefix` bytes from here; `escapes` lets a backslash protect a quote.
    fn quoted(&mut self, prefix: usize, quote: char, escapes: bool) -> Option<String> {
        let mut inner = String::new();
        let mut characters = self.rest()[prefix + 1..].char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if character == '\\' && escapes {
                characters.next();
            } else if character == quote {
                if characters.next_if(|(_, next)| *next == quote).is_none() {
                    self.at += prefix + 1 + at + 1;
                    return Some(inner);
                }
                inner.push(quote);
            } else {
                inner.push(character);
            }
        }
        self.at = self.text.len();
        None
    }

    fn string(&mut self, prefix: usize, escapes: bool) -> Token<'a> {
        let rest = self.rest();
        let read = self.quoted(prefix, '\'', escapes);
        read.map_or(Token::Unterminated, |_| Token::Text(&rest[..rest.len() - self.rest().len()]))
    }

    /// `$tag$ … $tag$`, if that is what begins here.
    fn dollar_quoted(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        let tag_end = 1 + rest[1..].find('$')?;
        let tag = &rest[1..tag_end];
        let is_tag = tag.is_empty()
            || (tag.starts_with(is_name_start)
                && tag.chars().all(|c| is_name_start(c) || c.is_ascii_digit()));
        if !is_tag {
            return None;
        }
        let delimiter = &rest[..=tag_end];
        Some(match rest[delimiter.len()..].find(delimiter) {
            Some(end) => Token::Text(self.take(end + 2 * delimiter.len())),
            None => {
                self.at = self.text.len();
                Token::Unterminated
            }
        })
    }

    fn word(&mut self) -> Token<'a> {
        let is_part = |c: char| is_name_start(c) || c.is_ascii_digit() || c == '$';
        let rest = self.rest();
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        Token::Word(self.take(length))
    }

    fn operator(&mut self) -> Token<'a> {
        let rest = self.rest();
        let mut length = rest.find(|c| !OPERATOR.contains(c)).unwrap_or(rest.len());
        for comment in ["--", "/*"] {
            if let Some(start) = rest[..length].find(comment).filter(|&start| start > 0) {
                length = length.min(start);
            }
        }
        Token::Operator(self.take(length))
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if !self.skip() {
            self.at = self.text.len();
            return Some(Token::Unterminated);
        }
        let rest = self.rest();
        let first = rest.chars().next()?;
        let second = rest[first.len_utf8()..].chars().next();
        Some(match (first, second) {
            ('\'', _) => self.string(0, false),
            ('e' | 'E', Some('\'')) => self.string(1, true),
            ('b' | 'B' | 'x' | 'X' | 'n' | 'N', Some('\'')) => self.string(1, false),
            ('u' | 'U', Some('&')) if rest[2..].starts_with('\'') => self.string(2, false),
            ('u' | 'U', Some('&')) if rest[2..].starts_with('"') => {
                self.quoted(2, '"', false).map_or(Token::Unterminated, |_| Token::UnicodeQuoted)
            }
            ('"', _) => self.quoted(0, '"', false).map_or(Token::Unterminated, Token::Quoted),
            ('$', _) => match self.dollar_quoted() {
                Some(token) => token,
                None => {
                    let length =
                        1 + rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
                    self.take(length);
                    Token::Number
                }
            },
            (c, _) if c.is_ascii_digit() => {
                let length =
                    rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'));
                self.take(length.unwrap_or(rest.len()));
                Token::Number
            }
            (c, _) if is_name_start(c) => self.word(),
            (c, _) if OPERATOR.contains(c) => self.operator(),
            (c, _) => {
                self.at += c.len_utf8();
                Token::Symbol(c)
            }
        })
    }
}

fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

/// Bytes of a comment that begins here, comments in it included.
fn comment_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &[Token<'_>]) {
        assert_eq!(Lexer::new(text).collect::<Vec<_>>(), expected, "{text:?}");
    }

    #[test]
    fn tokens_are_cut_as_postgres_cuts_them() {
        use Token::{Number, Operator, Quoted, Symbol, Text, UnicodeQuoted, Unterminated, Word};
        check(
            "SELECT a$1 FROM t1;",
            &[Word("SELECT"), Word("a$1"), Word("FROM"), Word("t1"), Symbol(';')],
        );
        check(
            "'it''s' E'\\'' U&'x' x'00' $$a$b$$ $t$ $$ $t$",
            &["'it''s'", "E'\\''", "U&'x'", "x'00'", "$$a$b$$", "$t$ $$ $t$"].map(Text),
        );
        check("\"a\"\"b\" U&\"x\"", &[Quoted("a\"b".into()), UnicodeQuoted]);
        check("$1 1e5 1.5", &[Number, Number, Number]);
        check(
            "a<>b--c\n+/*x/*y*/z*/1",
            &[Word("a"), Operator("<>"), Word("b"), Operator("+"), Number],
        );
        check("'a", &[Unterminated]);
        check("/* /* */", &[Unterminated]);
        check("größe", &[Word("größe")]);
        assert_eq!(Lexer::first_word(" -- x\n (((explain").as_deref(), Some("EXPLAIN"));
        assert_eq!(Lexer::first_word("/* */"), None);
    }

    proptest! {
        #[test]
        fn every_text_ends(text in "[ -~é\n]{0,100}") {
            prop_assert!(Lexer::new(&text).count() <= text.len() + 1);
        }
    }
}
