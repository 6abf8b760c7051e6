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
        self.written.is_none_or(|written| digits(written) == digits(&self.value.to_string()))
    }

    /// Whether no number in `value` has lost digits, however deep.
    pub(crate) fn is_unrounded(&self) -> bool {
        match &*self.value {
            Value::Number(_) => self.is_exact(),
            Value::Array(_) => self.elements().iter().all(Parameter::is_unrounded),
            Value::Object(_) => {
                let inner = self.written.and_then(|text| serde_json::from_str(text).ok());
                let inner: Option<BTreeMap<String, &RawValue>> = inner;
                let read = |raw| Parameter::read(raw).is_some_and(|value| value.is_unrounded());
                inner.is_none_or(|inner| inner.into_values().all(read))
            }
            _ => true,
        }
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
        for (sent, expected) in [
            (r#"[[1, {"a": [0.5, "18446744073709551616"]}]]"#, true),
            (r#"[[1, {"a": [0.5, 18446744073709551616]}]]"#, false),
        ] {
            let sent = Parameters::sent(sent).unwrap();
            let Some(Given::Positional(values)) = sent.given() else { panic!("{sent:?}") };
            assert_eq!(values[0].is_unrounded(), expected, "{sent:?}");
        }
    }
}
