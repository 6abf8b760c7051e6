//! Cuts an expression into tokens.
//!
//! Only ASCII letters, digits and operators are accepted, plus the few typographic signs that
//! people paste from documents. Digits of other scripts are refused rather than guessed at.

use super::budget::Budget;
use super::error::EvalError;

/// One token and where it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) offset: usize,
    pub(super) kind: TokenKind<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind<'a> {
    /// The text of a number, not yet checked in detail.
    Number(&'a str),
    Name(&'a str),
    /// An operator, a parenthesis or a comma; `**` arrives as `^`.
    Sign(char),
    End,
}

#[derive(Debug)]
pub(super) struct Lexer<'a> {
    source: &'a str,
    offset: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, offset: 0 }
    }

    pub(super) fn next(&mut self, budget: &Budget<'_>) -> Result<Token<'a>, EvalError> {
        let rest = self.source[self.offset..].trim_start_matches([' ', '\t', '\r', '\n']);
        let offset = self.source.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            self.offset = offset;
            return Ok(Token { offset, kind: TokenKind::End });
        };
        let (kind, length) = match first {
            '0'..='9' | '.' => {
                let length = number_length(rest);
                (TokenKind::Number(&rest[..length]), length)
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                (TokenKind::Name(&rest[..length]), length)
            }
            'π' => (TokenKind::Name("pi"), first.len_utf8()),
            '*' if rest.starts_with("**") => (TokenKind::Sign('^'), 2),
            '+' | '-' | '*' | '/' | '%' | '^' | '(' | ')' | ',' | '!' => {
                (TokenKind::Sign(first), 1)
            }
            '×' | '·' | '⋅' => (TokenKind::Sign('*'), first.len_utf8()),
            '÷' => (TokenKind::Sign('/'), first.len_utf8()),
            '−' => (TokenKind::Sign('-'), first.len_utf8()),
            other => {
                let column = budget.column_at(offset);
                let (found, hint) = (describe(other), hint_for(other));
                return Err(EvalError::UnexpectedCharacter { column, found, hint });
            }
        };
        self.offset = offset + length;
        Ok(Token { offset, kind })
    }
}

/// Takes everything that could belong to a number; `literal.rs` judges it. An exponent is only
/// taken where a digit, a sign or nothing follows, so that `2exp(1)` is a number and a name.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes[0] == b'0' && bytes.get(1).is_some_and(|b| b"xXbBoO".contains(b)) {
        let digits = bytes[2..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_');
        return 2 + digits.count();
    }
    let run = |from: usize| {
        from + bytes[from..].iter().take_while(|b| matches!(b, b'0'..=b'9' | b'_' | b'.')).count()
    };
    let mantissa = run(0);
    if !bytes.get(mantissa).is_some_and(|b| matches!(b, b'e' | b'E')) {
        return mantissa;
    }
    let signed = usize::from(matches!(bytes.get(mantissa + 1), Some(b'+' | b'-')));
    match bytes.get(mantissa + 1 + signed) {
        Some(b'0'..=b'9') => run(mantissa + 1 + signed),
        Some(b) if signed == 0 && (b.is_ascii_alphabetic() || *b == b'_') => mantissa,
        // An `e` with nothing behind it: taken, so that it is reported as an empty exponent.
        _ => mantissa + 1,
    }
}

fn describe(character: char) -> String {
    if character.is_ascii_graphic() {
        format!("'{character}'")
    } else {
        format!("character U+{:04X}", u32::from(character))
    }
}

fn hint_for(character: char) -> &'static str {
    match character {
        '=' => "write only the expression, without '='",
        '"' | '\'' | '`' => "text is not supported; write numbers and functions",
        '[' | ']' | '{' | '}' => "group with parentheses ( )",
        '<' | '>' | '&' | '|' | '~' => "comparisons and bit operations are not supported",
        '²' | '³' | '¹' => "write powers with ^, such as x^2",
        '√' => "write sqrt(x)",
        '$' | '€' | '£' | '¥' | '°' => "leave units out; for degrees use sin(rad(30))",
        ';' | ':' => "separate arguments with commas and evaluate one expression at a time",
        other if other.is_numeric() => "write digits as 0 to 9",
        _ => "use digits, names, parentheses and + - * / % ^ !",
    }
}
