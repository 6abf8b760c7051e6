//! Texts in a statement that the server converts while it only analyses the statement.
//!
//! A text that stands for an array, a row or a range (`'(1,2)'::pair`) is converted when the statement is analysed, and with it
//! what is in it: a domain's check or a range's own functions run before anything has been judged. Every such text begins with
//! a bracket. [`may_hold_parts`] finds them, and [`without`] puts parameters in their places, which the server gives the types that the
//! texts would have had, without converting anything.
//!
//! It takes a text for one that holds parts rather than not: where escapes could write a bracket, it is not read.

use std::fmt::Write as _;

use super::super::lexer::{Lexer, Token};

/// Types of PostgreSQL itself, none of which runs anything of a user's. The type may stand in front of the text.
const OWN_TYPES: &[&str] = &[
    "box",
    "circle",
    "datemultirange",
    "daterange",
    "int4multirange",
    "int4range",
    "int8multirange",
    "int8range",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "nummultirange",
    "numrange",
    "path",
    "point",
    "polygon",
    "text",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "xml",
];

/// Whether a statement holds a text that may stand for an array, a row or a range.
pub(super) fn may_hold_parts(sql: &str) -> bool {
    let mut escaped = false;
    Lexer::new(sql).any(|token| match token {
        Token::Text(text) => {
            // The continuation of a text with escapes has escapes too, and would be cut elsewhere.
            let holds = escaped || holds_parts(text);
            escaped = text.starts_with(['e', 'E', 'u', 'U']);
            holds
        }
        Token::Unterminated => true,
        _ => {
            escaped = false;
            false
        }
    })
}

fn holds_parts(text: &str) -> bool {
    let Some(quote) = text.find(['\'', '$']) else { return true };
    let (prefix, inner) = text.split_at(quote);
    let inner = match inner.strip_prefix('$') {
        Some(tagged) => tagged.split_once('$').map_or(tagged, |(_, inner)| inner),
        None => &inner[1..],
    };
    match prefix {
        "b" | "B" | "x" | "X" => false,
        "" | "n" | "N" => begins_with_bracket(inner),
        "e" | "E" => inner.contains('\\') || begins_with_bracket(inner),
        _ => true,
    }
}

fn begins_with_bracket(text: &str) -> bool {
    let blank = [' ', '\t', '\n', '\r', '\x0b', '\x0c'];
    text.trim_start_matches(blank).starts_with(['(', '[', '{'])
}

/// The statement with parameters in place of those texts; nothing where that cannot be said for certain.
pub(super) fn without(sql: &str) -> Option<String> {
    let mut parameter = highest_parameter(sql)?;
    let mut written = String::with_capacity(sql.len());
    let mut tokens = Lexer::new(sql);
    let (mut before, mut behind) = (None, sql);
    while let Some(token) = tokens.next() {
        let piece = &behind[..behind.len() - tokens.rest().len()];
        behind = tokens.rest();
        match token {
            Token::Unterminated => return None,
            Token::Text(text) => {
                let continues = matches!(before, Some(Token::Text(_)));
                if text.starts_with(['e', 'E', 'u', 'U']) && holds_parts(text) || continues {
                    return None;
                }
                let own = matches!(before, Some(Token::Word(word)) if OWN_TYPES.iter().any(|own| own.eq_ignore_ascii_case(word)));
                if own || !holds_parts(text) {
                    written.push_str(piece);
                } else {
                    parameter += 1;
                    written.push_str(&piece[..piece.len() - text.len()]);
                    let _ = write!(written, " ${parameter} ");
                }
            }
            _ => written.push_str(piece),
        }
        before = Some(token);
    }
    written.push_str(behind);
    Some(written)
}

/// The highest number of a parameter.
fn highest_parameter(sql: &str) -> Option<u16> {
    let mut highest = 0;
    let mut tokens = Lexer::new(sql);
    let mut behind = sql;
    while let Some(token) = tokens.next() {
        let piece = &behind[..behind.len() - tokens.rest().len()];
        behind = tokens.rest();
        if token == Token::Number
            && let Some((_, number)) = piece.rsplit_once('$')
        {
            highest = highest.max(number.parse().ok()?);
        }
    }
    Some(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_hold_parts_are_found() {
        for (sql, expected) in [
            ("SELECT 'a', '1', '', 'a(b)'", false),
            ("SELECT b'1', x'(', \"(a)\" -- '(1)'", false),
            ("SELECT $1 /* '{' */, E'a(', $t$ $( $t$, '''('", false),
            ("SELECT '(1)'", true),
            ("SELECT ' \n\t{1}'", true),
            ("SELECT N'[1,2)'", true),
            ("SELECT $t$(1)$t$", true),
            ("SELECT $$ {1}$$", true),
            ("SELECT E'\\x28'", true),
            ("SELECT E' '\n'\\x28 1)'", true),
            ("SELECT U&'!0028' UESCAPE '!'", true),
            ("SELECT 'a'\n'(1)'", true),
            ("SELECT '", true),
        ] {
            assert_eq!(may_hold_parts(sql), expected, "{sql}");
        }
    }

    #[test]
    fn parameters_stand_in_for_texts_with_parts() {
        for (sql, expected) in [
            ("SELECT '(1)'::pair, $2", Some("SELECT  $3 ::pair, $2")),
            ("SELECT 'a','{1}' , $$[1]$$;", Some("SELECT 'a', $1  ,  $2 ;")),
            ("SELECT json '{}', point'(1,2)' -- x", Some("SELECT json '{}', point'(1,2)' -- x")),
            ("SELECT E'\\x28'", None),
            ("SELECT 'a'\n'(1)'", None),
            ("SELECT $99999, '(1)'", None),
        ] {
            assert_eq!(without(sql).as_deref(), expected, "{sql}");
        }
    }
}
