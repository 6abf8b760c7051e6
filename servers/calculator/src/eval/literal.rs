//! Reads the text of a number exactly: `0.1` is one tenth, `1e400` an integer of 401 digits.
//!
//! The size of the number is known from its text, so it is refused before it is built.

use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;

use super::budget::Budget;
use super::error::EvalError;

/// Bits per decimal digit, rounded up.
const BITS_PER_DIGIT: f64 = 3.3220;

pub(super) fn parse(text: &str, budget: &mut Budget<'_>) -> Result<RBig, EvalError> {
    let prefixed = text.strip_prefix('0').and_then(|rest| {
        let (radix, bits) = match rest.chars().next()? {
            'x' | 'X' => (16, 4),
            'o' | 'O' => (8, 3),
            'b' | 'B' => (2, 1),
            _ => return None,
        };
        Some((radix, bits, &rest[1..]))
    });
    match prefixed {
        Some((radix, bits, digits)) => {
            if !digits.is_empty() {
                check_underscores(digits, budget)?;
            }
            let digits = digits.replace('_', "");
            budget.check_bits(digits.len() * bits)?;
            budget.charge_squares(1, digits.len() * bits)?;
            let hint = "after 0x, 0o or 0b write digits of that base, such as 0xff or 0b101";
            let value =
                UBig::from_str_radix(&digits, radix).map_err(|_| malformed(hint, budget))?;
            Ok(RBig::from(value))
        }
        None => decimal(text, budget),
    }
}

fn decimal(text: &str, budget: &mut Budget<'_>) -> Result<RBig, EvalError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    if fraction.is_some_and(|digits| digits.contains('.')) {
        return Err(malformed("a number has one decimal point", budget));
    }
    if fraction == Some("") {
        return Err(malformed("write a digit after the decimal point, such as 1.0", budget));
    }
    if !whole.is_empty() {
        check_underscores(whole, budget)?;
    }
    check_underscores(fraction.unwrap_or("0"), budget)?;
    let exponent = exponent.map_or(Ok(0), |digits| parse_exponent(digits, budget))?;

    let digits: String =
        whole.chars().chain(fraction.unwrap_or("").chars()).filter(|c| *c != '_').collect();
    let places = fraction.unwrap_or("").chars().filter(|c| *c != '_').count() as i64;
    let shift = exponent - places;
    let bits = (digits.len() as f64 + shift.unsigned_abs() as f64) * BITS_PER_DIGIT;
    let bits = budget.check_estimate(bits)?;
    // Reading, the power of ten and the reduction of the fraction.
    budget.charge_squares(if shift < 0 { 8 } else { 2 }, bits)?;

    // ASCII digits only, checked above, so reading cannot fail; the hint is for completeness.
    let value = UBig::from_str_radix(&digits, 10)
        .map_err(|_| malformed("write digits as 0 to 9", budget))?;
    let scale = UBig::from(10u8).pow(shift.unsigned_abs() as usize);
    Ok(if shift < 0 {
        RBig::from_parts(IBig::from(value), scale)
    } else {
        RBig::from(value * scale)
    })
}

fn parse_exponent(text: &str, budget: &Budget<'_>) -> Result<i64, EvalError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() {
        return Err(malformed(
            "the exponent has no digits; write 1e3, or 1 * e for Euler's number",
            budget,
        ));
    }
    if digits.contains('.') {
        return Err(malformed("the exponent is a whole number, such as 1e3", budget));
    }
    check_underscores(digits, budget)?;
    let magnitude = digits.replace('_', "").trim_start_matches('0').to_owned();
    // Nine digits are far beyond any limit in bits; what is longer is refused unread.
    if magnitude.len() > 9 {
        return Err(budget.too_large());
    }
    let magnitude: i64 = magnitude.parse().unwrap_or(0);
    Ok(if negative { -magnitude } else { magnitude })
}

fn check_underscores(digits: &str, budget: &Budget<'_>) -> Result<(), EvalError> {
    let misplaced = digits.is_empty()
        || digits.starts_with('_')
        || digits.ends_with('_')
        || digits.contains("__");
    if misplaced {
        return Err(malformed("write digits, with single underscores only between them", budget));
    }
    Ok(())
}

fn malformed(hint: &'static str, budget: &Budget<'_>) -> EvalError {
    EvalError::MalformedNumber { column: budget.column(), hint }
}
