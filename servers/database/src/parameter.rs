//! The values of a statement's placeholders, with every digit of their numbers.
//!
//! A JSON number may have any number of digits, and `serde_json` keeps 64 bits of it. So the text that was sent stays beside
//! the value, and whoever binds a number takes its digits from there, or refuses what it would have to round.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::request::Parameters;

/// The values of a statement's placeholders.
#[derive(Debug)]
pub(crate) enum Given<'a> {
    Positional(Vec<Parameter<'a>>),
    Named(BTreeMap<String, Parameter<'a>>),
}

/// One value.
#[derive(Debug, Clone)]
pub(crate) struct Parameter<'a> {
    value: Cow<'a, Value>,
    /// As it was sent, if that is known.
    written: Option<&'a str>,
}

impl Parameters {
    /// The values one by one; `None` if the text that was sent is no array and no object.
    pub(crate) fn given(&self) -> Option<Given<'_>> {
        let of = |value| Parameter { value: Cow::Borrowed(value), written: None };
        Some(match self {
            Self::Positional(values) => Given::Positional(values.iter().map(of).collect()),
            Self::Named(values) => {
                Given::Named(values.iter().map(|(name, value)| (name.clone(), of(value))).collect())
            }
            Self::Sent(text) if text.trim_start().starts_with('[') => {
                let values: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                Given::Positional(values.into_iter().map(Parameter::read).collect::<Option<_>>()?)
            }
            Self::Sent(text) => {
                let values: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
                let named =
                    values.into_iter().map(|(name, raw)| Some((name, Parameter::read(raw)?)));
                Given::Named(named.collect::<Option<_>>()?)
            }
        })
    }
}

impl<'a> Parameter<'a> {
    fn read(raw: &'a RawValue) -> Option<Self> {
        let value = serde_json::from_str(raw.get()).ok()?;
        Some(Self { value: Cow::Owned(value), written: Some(raw.get()) })
    }

    /// The value; a number may have lost digits.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The JSON of the value, with every digit.
    pub(crate) fn json(&self) -> Cow<'_, str> {
        self.written.map_or_else(|| Cow::Owned(self.value.to_string()), Cow::Borrowed)
    }

    /// Whether `value` holds a number as it was sent, apart from zeros that change nothing.
    pub(crate) fn is_exact(&self) -> bool {
        self.written.is_none_or(is_held)
    }

    /// Whether no number in `value` has lost digits, however deep.
    pub(crate) fn is_unrounded(&self) -> bool {
        self.written.is_none_or(|written| numbers(written).all(is_held))
    }

    /// The elements of an array.
    pub(crate) fn elements(&self) -> Vec<Parameter<'_>> {
        let sent = self.written.and_then(|text| serde_json::from_str::<Vec<&RawValue>>(text).ok());
        if let Some(sent) = sent
            && let Some(elements) = sent.into_iter().map(Parameter::read).collect()
        {
            return elements;
        }
        let values = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        values
            .iter()
            .map(|value| Parameter { value: Cow::Borrowed(value), written: None })
            .collect()
    }
}

/// The numbers in a JSON text, in one pass: reading each level by itself would read what lies deep once for every level.
fn numbers(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = json;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            rest = &rest[at..];
            let Some(text) = rest.strip_prefix('"') else { break };
            rest = behind_text(text);
        }
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        let (number, behind) = rest.split_at(rest.find(|c| !is_part(c)).unwrap_or(rest.len()));
        rest = behind;
        Some(number)
    })
}

/// What stands behind a JSON string whose opening quote has been read.
fn behind_text(text: &str) -> &str {
    let mut escaped = false;
    let end = text.find(|c: char| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or("", |end| &text[end + 1..])
}

/// Whether `serde_json` keeps all digits of a number.
fn is_held(number: &str) -> bool {
    let held = serde_json::from_str::<Value>(number);
    held.is_ok_and(|value| digits(number) == digits(&value.to_string()))
}

/// A number without what does not count: its sign, its digits from the first to the last that is not 0, and the power of ten
/// of the last. Zero has no digits.
fn digits(number: &str) -> Option<(bool, String, i64)> {
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let kept = all.trim_end_matches('0');
    let zeros = i64::try_from(all.len() - kept.len()).ok()?;
    let moved = zeros - i64::try_from(fraction.len()).ok()?;
    let kept = kept.trim_start_matches('0');
    let power = if kept.is_empty() { 0 } else { power.parse::<i64>().ok()?.checked_add(moved)? };
    Some((negative, kept.to_owned(), power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_keep_the_digits_that_were_sent() {
        let sent =
            Parameters::sent(r#"[18446744073709551616, 1.10, [0.12345678901234567890], null]"#);
        let sent = sent.unwrap();
        let Some(Given::Positional(values)) = sent.given() else { panic!("{sent:?}") };
        let texts: Vec<_> = values.iter().map(Parameter::json).collect();
        assert_eq!(texts, ["18446744073709551616", "1.10", "[0.12345678901234567890]", "null"]);
        assert_eq!(values[2].elements()[0].json(), "0.12345678901234567890");
        assert_eq!(values[3].value(), &Value::Null);
        let named = Parameters::sent(r#" {"a": 1e400}"#);
        assert!(named.is_none(), "no float holds it");
        let values = Parameters::Named([("a".into(), json!(2))].into());
        let Some(Given::Named(named)) = values.given() else { panic!("{values:?}") };
        assert_eq!(named["a"].json(), "2");
        for text in ["", "1", "\"[1]\"", "null", "[1", "[1] 2"] {
            assert_eq!(Parameters::sent(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_that_64_bits_round_is_told_from_one_that_they_hold() {
        #[track_caller]
        fn check(number: &str, exact: bool) {
            let sent = Parameters::sent(&format!("[{number}]")).unwrap();
            let Some(Given::Positional(values)) = sent.given() else { panic!("{sent:?}") };
            assert_eq!(values[0].is_exact(), exact, "{number}");
        }
        for number in
            ["0", "-0.0", "0e5", "1.10", "100", "1e2", "1E+2", "120e-1", "0.3", "9007199254740993"]
        {
            check(number, true);
        }
        for number in [
            "18446744073709551615",
            "-9223372036854775808",
            "1e300",
            "1e-300",
            "100000000000000000000",
        ] {
            check(number, true);
        }
        check("18446744073709551616", false);
        check("-9223372036854775809", false);
        check("0.12345678901234567890", false);
        check("12345678901234567.89", false);
        check("1.00000000000000000001", false);
    }

    #[test]
    fn rounded_numbers_are_found_in_the_depth() {
        let deep = |number| format!("[{}{number}{}]", "[".repeat(120), "]".repeat(120));
        for (sent, expected) in [
            (&*deep("1.50"), true),
            (&*deep("18446744073709551616"), false),
            (r#"[["a\\", 18446744073709551616]]"#, false),
            (r#"[["a\"18446744073709551616", true, null, -1e2]]"#, true),
            (r#"[{"18446744073709551616": "é\\\"18446744073709551616"}]"#, true),
            (r#"[{"a": -18446744073709551616 }]"#, false),
            (r#"[[1, {"a": [0.5, "18446744073709551616"]}]]"#, true),
            (r#"[[1, {"a": [0.5, 18446744073709551616]}]]"#, false),
        ] {
            let sent = Parameters::sent(sent).unwrap();
            let Some(Given::Positional(values)) = sent.given() else { panic!("{sent:?}") };
            assert_eq!(values[0].is_unrounded(), expected, "{sent:?}");
        }
    }
}
