//! Numbers with all the digits that the database gave.
//!
//! Least, greatest and quantiles are values that occur, so that nothing is rounded: 64-bit integers and decimals of any
//! length are compared by their digits. A 64-bit float stands for its shortest decimal, which is also how it is shown. What is
//! computed from numbers (means, fences, correlations) is computed in 64-bit floats and says so.

use std::cmp::Ordering;

use crate::result::{Cell, TaggedNumber};

/// One finite number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Number {
    Integer(i64),
    Real(f64),
    /// An optional sign, digits, and perhaps a point and digits.
    Decimal(String),
}

/// What a cell is, when it is looked at as a number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    Finite(Number),
    NotFinite(f64),
    NoNumber,
}

impl Number {
    /// Reads a cell; text is a number only in a column whose type says so.
    pub(crate) fn read(cell: &Cell, text_is_number: bool) -> Reading {
        match cell {
            Cell::Integer(n) | Cell::Tagged(TaggedNumber::Integer(n)) => {
                Reading::Finite(Self::Integer(*n))
            }
            Cell::Real(x) | Cell::Tagged(TaggedNumber::Real(x)) if x.is_finite() => {
                Reading::Finite(Self::Real(*x))
            }
            Cell::Real(x) | Cell::Tagged(TaggedNumber::Real(x)) => Reading::NotFinite(*x),
            Cell::Text(text) if text_is_number => match text.as_str() {
                "NaN" => Reading::NotFinite(f64::NAN),
                "Infinity" => Reading::NotFinite(f64::INFINITY),
                "-Infinity" => Reading::NotFinite(f64::NEG_INFINITY),
                text if is_decimal(text) => Reading::Finite(Self::Decimal(text.to_owned())),
                _ => Reading::NoNumber,
            },
            _ => Reading::NoNumber,
        }
    }

    /// The nearest 64-bit float; infinite for a decimal beyond their range.
    #[expect(clippy::cast_precision_loss, reason = "said in the name")]
    pub(crate) fn approximate(&self) -> f64 {
        match self {
            Self::Integer(n) => *n as f64,
            Self::Real(x) => *x,
            Self::Decimal(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    /// How far it is from another number, to the nearest 64-bit float even where both are far beyond what such floats tell
    /// apart, up to 38 digits.
    #[expect(clippy::cast_precision_loss, reason = "the difference is what is rounded")]
    pub(crate) fn minus(&self, origin: &Self) -> f64 {
        let approximate = || self.approximate() - origin.approximate();
        match (self, origin) {
            (Self::Real(_), _) | (_, Self::Real(_)) => approximate(),
            (Self::Integer(a), Self::Integer(b)) => (i128::from(*a) - i128::from(*b)) as f64,
            _ => {
                let (a, b) = (self.decimal(), origin.decimal());
                let (a, b) = (Digits::of(&a), Digits::of(&b));
                let places = a.fraction.len().max(b.fraction.len());
                let difference = a.scaled(places).zip(b.scaled(places));
                let difference = difference.and_then(|(a, b)| a.checked_sub(b));
                difference.map_or_else(approximate, |difference| {
                    format!("{difference}e-{places}").parse().unwrap_or(f64::NAN)
                })
            }
        }
    }

    /// As the database gave it.
    pub(crate) fn cell(&self) -> Cell {
        match self {
            Self::Integer(n) => Cell::Integer(*n),
            Self::Real(x) => Cell::Real(*x),
            Self::Decimal(text) => Cell::Text(text.clone()),
        }
    }

    /// The same text for equal numbers of any kind: `1`, `1.0` and `1.00` are one value.
    pub(crate) fn canonical(&self) -> String {
        let text = self.decimal();
        let digits = Digits::of(&text);
        let sign = if digits.negative { "-" } else { "" };
        let whole = if digits.whole.is_empty() { "0" } else { digits.whole };
        match digits.fraction {
            "" => format!("{sign}{whole}"),
            fraction => format!("{sign}{whole}.{fraction}"),
        }
    }

    fn decimal(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Integer(n) => n.to_string().into(),
            // Without an exponent, whatever the size.
            Self::Real(x) => format!("{x}").into(),
            Self::Decimal(text) => text.as_str().into(),
        }
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A total order: each number stands for one decimal.
impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            // Finite, so that only the two zeros need care.
            (Self::Real(a), Self::Real(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            _ => Digits::of(&self.decimal()).cmp(&Digits::of(&other.decimal())),
        }
    }
}

/// Whether the text is a plain decimal.
pub(crate) fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// A decimal cut into the parts that order it.
#[derive(PartialEq, Eq)]
struct Digits<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Digits<'a> {
    fn of(text: &'a str) -> Self {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Self { negative: negative && !zero, whole, fraction }
    }

    /// The number in units of the decimal place, if they are not too many.
    fn scaled(&self, places: usize) -> Option<i128> {
        let zeros = places.checked_sub(self.fraction.len())?;
        // More digits than an `i128` has are not worth being put together.
        if self.whole.len() + places > 38 {
            return None;
        }
        let digits = format!("{}{}{}", self.whole, self.fraction, "0".repeat(zeros));
        let number: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        Some(if self.negative { -number } else { number })
    }

    fn cmp(&self, other: &Digits<'_>) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (negative, _) => {
                let by_size = (self.whole.len().cmp(&other.whole.len()))
                    .then_with(|| self.whole.cmp(other.whole))
                    .then_with(|| self.fraction.cmp(other.fraction));
                if negative { by_size.reverse() } else { by_size }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Number {
        Number::Decimal(text.to_owned())
    }

    #[test]
    fn decimals_are_plain_digits() {
        for text in ["0", "-1.50", "+7", "1.", ".5", "00123.4500"] {
            assert!(is_decimal(text), "{text}");
        }
        for text in ["", ".", "-", "1e5", "1,000", " 1", "0x1", "NaN", "1.2.3", "١"] {
            assert!(!is_decimal(text), "{text}");
        }
    }

    #[test]
    fn digits_beyond_a_float_decide() {
        assert!(decimal("9007199254740993") > decimal("9007199254740992.999"));
        assert!(Number::Integer(i64::MAX) > Number::Integer(i64::MAX - 1));
        assert!(decimal("18446744073709551615") > Number::Integer(i64::MAX));
        assert!(decimal("-0.00000000000000000001") < decimal("0"));
        assert_eq!(decimal("1.50").cmp(&decimal("01.5")), Ordering::Equal);
        assert_eq!(decimal("-0.0").cmp(&Number::Integer(0)), Ordering::Equal);
    }

    #[test]
    fn differences_are_exact_beyond_what_floats_tell_apart() {
        #[track_caller]
        fn check(a: &Number, b: &Number, expected: f64) {
            assert_eq!((a.minus(b), b.minus(a)), (expected, -expected));
        }
        check(&Number::Integer(i64::MAX), &Number::Integer(i64::MAX - 3), 3.0);
        check(&Number::Integer(i64::MAX), &Number::Integer(i64::MIN), 18_446_744_073_709_551_615.0);
        check(
            &decimal("18446744073709551615"),
            &Number::Integer(i64::MAX),
            9_223_372_036_854_775_808.0,
        );
        check(&decimal("18446744073709551615.25"), &decimal("18446744073709551614.5"), 0.75);
        check(&decimal("-0.0000000000000000000000000001"), &decimal("0"), -1e-28);
        check(&Number::Real(0.5), &decimal("0.25"), 0.25);
        // Too long to be exact, and near all the same.
        let long = format!("1{}", "0".repeat(60));
        check(&decimal(&long), &decimal("5"), 1e60);
        assert!(decimal(&"9".repeat(400)).minus(&decimal("1")).is_infinite());
    }

    #[test]
    fn equal_numbers_have_one_canonical_text() {
        for number in [Number::Integer(1), Number::Real(1.0), decimal("1.00"), decimal("+01")] {
            assert_eq!(number.canonical(), "1");
        }
        assert_eq!(decimal("-0.0").canonical(), "0");
        assert_eq!(Number::Real(-0.0).canonical(), "0");
        assert_eq!(Number::Real(0.1).canonical(), "0.1");
    }

    #[test]
    fn what_is_not_finite_is_told_apart() {
        let text = |text: &str| Number::read(&Cell::Text(text.into()), true);
        assert!(matches!(text("NaN"), Reading::NotFinite(x) if x.is_nan()));
        assert_eq!(text("-Infinity"), Reading::NotFinite(f64::NEG_INFINITY));
        assert_eq!(text("one"), Reading::NoNumber);
        assert_eq!(Number::read(&Cell::Text("1".into()), false), Reading::NoNumber);
        assert_eq!(Number::read(&Cell::Null, true), Reading::NoNumber);
    }

    proptest! {
        #[test]
        fn decimals_compare_as_scaled_integers(a in any::<i64>(), b in any::<i64>(), scale in 0_usize..6) {
            let text = |n: i64| {
                let digits = format!("{:07}", n.unsigned_abs());
                let (whole, fraction) = digits.split_at(digits.len() - scale);
                decimal(&format!("{}{whole}.{fraction}", if n < 0 { "-" } else { "" }))
            };
            prop_assert_eq!(text(a).cmp(&text(b)), a.cmp(&b));
        }

        #[test]
        fn the_order_of_mixed_numbers_is_total(numbers in proptest::collection::vec(
            prop_oneof![
                any::<i64>().prop_map(Number::Integer),
                (-1e20..1e20_f64).prop_map(Number::Real),
                any::<i64>().prop_map(|n| Number::Decimal(format!("{n}.5"))),
            ], 3)) {
            let mut sorted = numbers;
            sorted.sort();
            prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
        }
    }
}
