//! Splits SQL into tokens the way SQLite does, as far as finding statements and words needs.
//!
//! It knows strings, quoted names and comments, because a keyword or a semicolon inside them is
//! none. It does not judge grammar: SQLite's own parser does.

/// One token, as a slice of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword, a bare name or a number.
    Word(&'a str),
    /// A name in `"…"`, `` `…` `` or `[…]`, quotes included.
    QuotedName(&'a str),
    /// A string in `'…'`, quotes included.
    Text(&'a str),
    /// Any other character.
    Symbol(char),
}

impl Token<'_> {
    /// Whether this is the keyword, in any letter case.
    pub(super) fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// The tokens of a text with the byte offset of each; white space and comments are left out.
pub(super) struct Tokens<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(sql: &'a str) -> Self {
        Self { sql, at: 0 }
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = &self.sql[self.at..];
            if let Some(comment) = rest.strip_prefix("--") {
                self.at += 2 + comment.find('\n').unwrap_or(comment.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                // SQLite lets the end of the text close a comment.
                self.at += 2 + comment.find("*/").map_or(comment.len(), |end| end + 2);
            } else if rest.starts_with([' ', '\t', '\n', '\r', '\x0c', '\u{feff}']) {
                self.at += rest.chars().next().map_or(0, char::len_utf8);
            } else {
                return;
            }
        }
    }

    /// Bytes of a quoted token, where a doubled quote stands for itself.
    fn quoted_len(rest: &str, quote: u8) -> usize {
        let bytes = rest.as_bytes();
        let mut at = 1;
        while at < bytes.len() {
            if bytes[at] == quote {
                if bytes.get(at + 1) != Some(&quote) {
                    return at + 1;
                }
                at += 1;
            }
            at += 1;
        }
        bytes.len()
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_blank();
        let start = self.at;
        let rest = &self.sql[start..];
        let first = rest.chars().next()?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
        let (len, token): (usize, fn(&'a str) -> Token<'a>) = match first {
            '\'' => (Self::quoted_len(rest, b'\''), Token::Text),
            '"' => (Self::quoted_len(rest, b'"'), Token::QuotedName),
            '`' => (Self::quoted_len(rest, b'`'), Token::QuotedName),
            '[' => (rest.find(']').map_or(rest.len(), |end| end + 1), Token::QuotedName),
            c if is_word(c) => (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), Token::Word),
            symbol => {
                self.at += symbol.len_utf8();
                return Some((start, Token::Symbol(symbol)));
            }
        };
        self.at += len;
        Some((start, token(&rest[..len])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let found: Vec<String> = Tokens::of(sql)
            .map(|(_, token)| match token {
                Token::Word(text) | Token::QuotedName(text) | Token::Text(text) => text.to_owned(),
                Token::Symbol(symbol) => symbol.to_string(),
            })
            .collect();
        assert_eq!(found, expected, "{sql:?}");
    }

    #[test]
    fn quotes_and_comments_hide_what_is_inside() {
        check("SELECT ';' -- ; x\n, 1", &["SELECT", "';'", ",", "1"]);
        check("SELECT 'it''s;' ;", &["SELECT", "'it''s;'", ";"]);
        check("\"a;\"\"b\" `c;` [d;]", &["\"a;\"\"b\"", "`c;`", "[d;]"]);
        check("/* ; */ x /* never closed ;", &["x"]);
        check("/* /* */ x */", &["x", "*", "/"]);
        check("'open ; ", &["'open ; "]);
        check("--", &[]);
        check("\u{feff}SELECT é", &["SELECT", "é"]);
        check("a-b/c", &["a", "-", "b", "/", "c"]);
        check("", &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_split_without_panic_and_in_order(sql in "\\PC{0,80}") {
            let offsets: Vec<usize> = Tokens::of(&sql).map(|(at, _)| at).collect();
            prop_assert!(offsets.is_sorted());
            prop_assert!(offsets.iter().all(|&at| sql.is_char_boundary(at)));
        }
    }
}
