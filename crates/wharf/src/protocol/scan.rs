//! A JSON reader for the one shape that nearly all messages have, which passes over their bytes once.
//!
//! It takes whatever the specification of JSON takes (RFC 8259), but gives up on what is rare: a key with an escape, deep
//! nesting. Whoever gives up is no judge: the caller reads the message again in the slow way, which also finds the words for
//! what is wrong. So all that must hold is that what is read here would be read the same way there, which tests and every
//! debug build check.

use serde_json::{Map, Number, Value};

use super::special::find_special;

/// Deepest nesting; the slow way allows more.
const MAX_DEPTH: usize = 64;

/// Reads a JSON text from its beginning.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space and gives the byte after it, which is not taken.
    fn next(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.next().is_none()
    }

    pub(super) fn is_object(&mut self) -> bool {
        self.next() == Some(b'{')
    }

    /// Calls `member` for each key of an object, where it must take the value.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        if self.next()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let (key, plain) = self.string()?;
            if !plain {
                return None;
            }
            self.take(b':')?;
            member(self, &key[1..key.len() - 1])?;
            match self.next()? {
                b',' => {
                    self.at += 1;
                    self.next()?;
                }
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Like [`object`](Self::object), and gives the object as it stands there.
    pub(super) fn raw_object(
        &mut self,
        member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<&'a str> {
        self.next()?;
        let start = self.at;
        self.object(member)?;
        self.text.get(start..self.at)
    }

    fn array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.next()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            item(self)?;
            match self.next()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// A value as it stands there.
    pub(super) fn raw(&mut self) -> Option<&'a str> {
        self.next()?;
        let start = self.at;
        self.skip(MAX_DEPTH)?;
        self.text.get(start..self.at)
    }

    /// A value as it stands there, and as a tree. An object that has a key twice has none.
    pub(super) fn tree(&mut self) -> Option<(&'a str, Value)> {
        self.next()?;
        let start = self.at;
        let value = self.value(MAX_DEPTH)?;
        Some((self.text.get(start..self.at)?, value))
    }

    fn skip(&mut self, depth: usize) -> Option<()> {
        match self.next()? {
            b'"' => self.string().map(drop),
            b'{' => {
                let inner = depth.checked_sub(1)?;
                self.object(|scanner, _| scanner.skip(inner))
            }
            b'[' => {
                let inner = depth.checked_sub(1)?;
                self.array(|scanner| scanner.skip(inner))
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        Some(match self.next()? {
            b'"' => {
                let (raw, plain) = self.string()?;
                Value::String(match plain {
                    true => raw[1..raw.len() - 1].to_owned(),
                    false => serde_json::from_str(raw).ok()?,
                })
            }
            b'{' => {
                let inner = depth.checked_sub(1)?;
                let mut members = Map::new();
                self.object(|scanner, key| {
                    let value = scanner.value(inner)?;
                    members.insert(key.to_owned(), value).is_none().then_some(())
                })?;
                Value::Object(members)
            }
            b'[' => {
                let inner = depth.checked_sub(1)?;
                let mut items = Vec::new();
                self.array(|scanner| {
                    items.push(scanner.value(inner)?);
                    Some(())
                })?;
                Value::Array(items)
            }
            b't' => self.word("true").map(|()| Value::Bool(true))?,
            b'f' => self.word("false").map(|()| Value::Bool(false))?,
            b'n' => self.word("null").map(|()| Value::Null)?,
            _ => {
                let raw = self.number()?;
                match raw.parse::<i64>() {
                    // "-0" is a fraction to the slow way.
                    Ok(whole) if whole != 0 || raw == "0" => Value::Number(Number::from(whole)),
                    _ => super::parse_strict(raw).ok()?,
                }
            }
        })
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.as_bytes()[self.at..].starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    /// A string with its quotes, and whether it has no escape.
    fn string(&mut self) -> Option<(&'a str, bool)> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.take(b'"')?;
        let mut plain = true;
        loop {
            self.at += find_special(bytes.get(self.at..)?);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some((self.text.get(start..self.at)?, plain));
                }
                b'\\' => {
                    plain = false;
                    self.at += 1;
                    match self.peek()? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
                        b'u' => {
                            let digits = bytes.get(self.at + 1..self.at + 5)?;
                            digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                            self.at += 5;
                        }
                        _ => return None,
                    }
                }
                // A control character.
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits()?,
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.text.get(start..self.at)
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::parse_strict;

    fn read(text: &str) -> Option<(&str, Value)> {
        let mut scanner = Scanner::new(text);
        let raw = Scanner::new(text).raw();
        let tree = scanner.tree();
        if let Some((whole, _)) = &tree {
            assert_eq!(raw, Some(*whole), "{text}");
        }
        tree.filter(|_| scanner.is_at_end())
    }

    #[test]
    fn json_is_read_like_the_slow_way_reads_it() {
        let check = |text: &str, expected: bool| {
            let found = read(text);
            assert_eq!(found.is_some(), expected, "{text:?}");
            if let Some((_, value)) = found {
                assert_eq!(parse_strict(text).ok(), Some(value), "{text:?}");
            }
        };
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0",
            "-1",
            "12",
            "1.5",
            "1e3",
            "1E-2",
            "-0.0",
            "5.0",
            "1e400",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "\"\"",
            "\"a\\n\\u00e9\"",
            "[]",
            "[1, 2]",
            "{}",
            "{\"a\":{\"b\":[null]}}",
            "{ \"a\" : 1 }",
            "\"\\ud83d\\ude00\"",
        ] {
            check(text, text != "1e400");
        }
        for text in [
            "",
            "nul",
            "nulll",
            "+1",
            "01",
            "1.",
            ".5",
            "1e",
            "-",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{,}",
            "{\"a\":1,}",
            "{\"a\":1,\"a\":2}",
            "{a:1}",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\n\"",
            "\"\\ud83d\"",
            "{\"\\u0061\":1}",
            "[1]]",
            "{\"a\" 1}",
            "\u{feff}1",
            "tru e",
        ] {
            check(text, false);
        }
        check(&format!("{}{}", "[".repeat(65), "]".repeat(65)), false);
        check(&"[".repeat(100_000), false);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn whatever_is_read_is_read_the_same_by_the_slow_way(
            text in r#"([\[\]{},:" \\0-9eE.+-]|"[a-b]{0,2}"|true|null|\\n|\\u00e9|1\.5){0,12}"#,
        ) {
            if let Some((_, value)) = read(&text) {
                prop_assert_eq!(parse_strict(&text).ok(), Some(value), "{}", text);
            }
        }
    }
}
