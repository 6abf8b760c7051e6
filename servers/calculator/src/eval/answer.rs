//! How a value is written for people and models.
//!
//! Exact results are written exactly: integers in full, fractions as a decimal where that ends
//! soon and as `n/d` otherwise. A long or fractional result comes with a short approximation.
//! A fraction of hundreds of digits helps nobody, so it is replaced by its approximation.

use dashu::base::{BitTest, Signed, UnsignedAbs};
use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;

use super::budget::Budget;
use super::error::EvalError;
use super::value::Value;

/// Significant digits of an approximation.
const SIGNIFICANT_DIGITS: usize = 15;
/// Decimal places up to which a finite decimal is written as one.
const MAX_PLACES: usize = 100;
/// Results longer than this come with an approximation.
const LONG_BYTES: usize = 21;

/// The result of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The result: an integer, a decimal such as `0.3`, a fraction such as `1/3`, or an
    /// approximation such as `1.4142135623731` or `6.02e23`. It can be evaluated again.
    pub value: String,
    /// Whether `value` is the exact result. If not, it is correct to 15 significant digits
    /// unless the expression subtracted nearly equal numbers.
    pub exact: bool,
    /// An approximation with 15 significant digits, where `value` is a fraction or long.
    pub decimal: Option<String>,
    /// What kind of number the result is.
    pub kind: Kind,
    /// The work that was charged, in the unit of [`Limits::max_work`](super::Limits::max_work).
    pub work: u64,
}

/// What kind of number a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An exact whole number.
    Integer,
    /// A fraction of integers.
    Rational,
    /// An approximation of a real number.
    Real,
}

impl Kind {
    /// The lower-case name of the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Rational => "rational",
            Self::Real => "real",
        }
    }
}

impl Answer {
    pub(super) fn new(value: &Value, budget: &mut Budget<'_>) -> Result<Self, EvalError> {
        let Value::Exact(number) = value else {
            let stored = value.to_real(budget)?.to_exact(budget)?;
            let value = approximate(&stored, budget)?;
            let work = budget.work();
            return Ok(Self { value, exact: false, decimal: None, kind: Kind::Real, work });
        };
        let kind = if number.is_int() { Kind::Integer } else { Kind::Rational };
        let Some(value) = exact(number, budget)? else {
            let value = approximate(number, budget)?;
            return Ok(Self { value, exact: false, decimal: None, kind, work: budget.work() });
        };
        let is_fraction = value.contains('/');
        let decimal = if is_fraction || value.len() > LONG_BYTES {
            Some(approximate(number, budget)?)
        } else {
            None
        };
        Ok(Self { value, exact: true, decimal, kind, work: budget.work() })
    }
}

/// The exact form, unless it is a fraction too long to be of use to a reader.
fn exact(number: &RBig, budget: &mut Budget<'_>) -> Result<Option<String>, EvalError> {
    if number.is_int() {
        return integer(number.numerator(), budget).map(Some);
    }
    let bits = number.numerator().bit_len() + number.denominator().bit_len();
    if bits as f64 * std::f64::consts::LOG10_2 > budget.limits().max_fraction_digits as f64 {
        return Ok(None);
    }
    if let Some(text) = finite_decimal(number, budget)? {
        return Ok(Some(text));
    }
    let numerator = integer(number.numerator(), budget)?;
    let denominator = integer(&IBig::from(number.denominator().clone()), budget)?;
    Ok(Some(format!("{numerator}/{denominator}")))
}

fn integer(number: &IBig, budget: &mut Budget<'_>) -> Result<String, EvalError> {
    let at_least = (number.bit_len() as f64 * std::f64::consts::LOG10_2) as usize;
    check_length(at_least, budget)?;
    budget.charge_squares(1, number.bit_len())?;
    let text = number.to_string();
    check_length(text.trim_start_matches('-').len(), budget)?;
    Ok(text)
}

fn check_length(digits: usize, budget: &Budget<'_>) -> Result<(), EvalError> {
    let limit = budget.limits().max_result_digits;
    if digits > limit { Err(EvalError::TooManyDigits { limit }) } else { Ok(()) }
}

/// Writes a fraction whose denominator has no prime factors but 2 and 5.
fn finite_decimal(number: &RBig, budget: &mut Budget<'_>) -> Result<Option<String>, EvalError> {
    let denominator = number.denominator();
    // 10^100 has 333 bits: a longer denominator has more places than are shown.
    if denominator.bit_len() > 333 {
        return Ok(None);
    }
    let twos = denominator.trailing_zeros().unwrap_or(0);
    let mut rest = denominator >> twos;
    let five = UBig::from(5u8);
    let mut fives = 0;
    while (&rest % &five).is_zero() {
        rest /= &five;
        fives += 1;
    }
    let places = twos.max(fives);
    if !rest.is_one() || places > MAX_PLACES {
        return Ok(None);
    }
    let scale = UBig::from(10u8).pow(places) / denominator;
    budget.charge_product(number.numerator().bit_len(), scale.bit_len())?;
    let scaled = number.numerator().clone().unsigned_abs() * scale;
    let digits = integer(&IBig::from(scaled), budget)?;
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let sign = if number.is_negative() { "-" } else { "" };
    Ok(Some(format!("{sign}{whole}.{fraction}")))
}

/// Rounds to `SIGNIFICANT_DIGITS`, halves away from zero.
fn approximate(number: &RBig, budget: &mut Budget<'_>) -> Result<String, EvalError> {
    if number.is_zero() {
        return Ok("0".to_owned());
    }
    let (numerator, denominator) =
        (number.numerator().clone().unsigned_abs(), number.denominator().clone());
    let bits = numerator.bit_len().max(denominator.bit_len()) + 64;
    budget.charge_squares(4, bits)?;
    // The estimate of the leading digit's place is off by at most one; the loop settles it.
    let binary_places = numerator.bit_len() as f64 - denominator.bit_len() as f64;
    let mut place = (binary_places * std::f64::consts::LOG10_2).floor() as i64;
    let lower = UBig::from(10u8).pow(SIGNIFICANT_DIGITS - 1);
    let upper = &lower * UBig::from(10u8);
    let digits = loop {
        let digits = scaled(&numerator, &denominator, SIGNIFICANT_DIGITS as i64 - 1 - place);
        if digits >= upper {
            place += 1;
        } else if digits < lower {
            place -= 1;
        } else {
            break digits;
        }
    };
    let sign = if number.is_negative() { "-" } else { "" };
    Ok(format!("{sign}{}", place_point(&digits.to_string(), place)))
}

/// `numerator / denominator * 10^shift`, rounded to the nearest integer.
fn scaled(numerator: &UBig, denominator: &UBig, shift: i64) -> UBig {
    let scale = UBig::from(10u8).pow(shift.unsigned_abs() as usize);
    let (top, bottom) = if shift >= 0 {
        (numerator * scale, denominator.clone())
    } else {
        (numerator.clone(), denominator * scale)
    };
    (top * UBig::from(2u8) + &bottom) / (bottom * UBig::from(2u8))
}

/// Puts the point into digits whose first one has the weight `10^place`.
fn place_point(digits: &str, place: i64) -> String {
    let significant = digits.trim_end_matches('0');
    match place {
        -7..0 => format!("0.{}{significant}", "0".repeat(place.unsigned_abs() as usize - 1)),
        0..15 => {
            let whole = place as usize + 1;
            if significant.len() <= whole {
                format!("{significant:0<whole$}")
            } else {
                format!("{}.{}", &significant[..whole], &significant[whole..])
            }
        }
        _ => {
            let (first, rest) = significant.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            format!("{first}{point}{rest}e{place}")
        }
    }
}
