//! The four operations, the remainder and rounding to integers, on any mix of values.

use dashu::base::{BitTest, Signed};
use dashu::integer::IBig;
use dashu::rational::RBig;

use super::budget::Budget;
use super::error::EvalError;
use super::real::TRUSTED_BITS;
use super::value::{Value, size_bits, small_fraction};

type Result<T> = std::result::Result<T, EvalError>;

pub(super) fn negate(value: Value) -> Value {
    match value {
        Value::Exact(number) => Value::Exact(-number),
        Value::PiMultiple(factor) => Value::PiMultiple(-factor),
        Value::Real(real) => Value::Real(real.negate()),
    }
}

pub(super) fn absolute(value: Value) -> Value {
    if value.is_negative() { negate(value) } else { value }
}

pub(super) fn add(a: Value, b: Value, budget: &mut Budget<'_>) -> Result<Value> {
    match (a, b) {
        (Value::Exact(a), Value::Exact(b)) => {
            charge_sum(&a, &b, budget)?;
            Ok(Value::Exact(a + b))
        }
        (Value::PiMultiple(a), Value::PiMultiple(b)) => {
            charge_sum(&a, &b, budget)?;
            Ok(Value::pi_multiple(a + b))
        }
        (a, b) => Ok(Value::Real(a.to_real(budget)?.add(&b.to_real(budget)?, budget)?)),
    }
}

pub(super) fn subtract(a: Value, b: Value, budget: &mut Budget<'_>) -> Result<Value> {
    add(a, negate(b), budget)
}

pub(super) fn multiply(a: Value, b: Value, budget: &mut Budget<'_>) -> Result<Value> {
    match (a, b) {
        (Value::Exact(a), Value::Exact(b)) => {
            charge_product(&a, &b, budget)?;
            Ok(Value::Exact(a * b))
        }
        (Value::Exact(a), Value::PiMultiple(b)) | (Value::PiMultiple(a), Value::Exact(b)) => {
            charge_product(&a, &b, budget)?;
            Ok(Value::pi_multiple(a * b))
        }
        // Zero times an approximation of a finite number is exactly zero.
        (a, b) if is_exact_zero(&a) || is_exact_zero(&b) => Ok(Value::integer(0)),
        (a, b) => Ok(Value::Real(a.to_real(budget)?.multiply(&b.to_real(budget)?, budget)?)),
    }
}

pub(super) fn divide(a: Value, b: Value, budget: &mut Budget<'_>) -> Result<Value> {
    if b.is_zero() {
        return Err(budget.division_by_zero());
    }
    match (a, b) {
        (Value::Exact(a), Value::Exact(b)) | (Value::PiMultiple(a), Value::PiMultiple(b)) => {
            charge_quotient(&a, &b, budget)?;
            Ok(Value::Exact(a / b))
        }
        (Value::PiMultiple(a), Value::Exact(b)) => {
            charge_quotient(&a, &b, budget)?;
            Ok(Value::pi_multiple(a / b))
        }
        (a, _) if is_exact_zero(&a) => Ok(Value::integer(0)),
        (a, b) => Ok(Value::Real(a.to_real(budget)?.divide(&b.to_real(budget)?, budget)?)),
    }
}

/// The remainder of floored division: it has the sign of the divisor, as in Python.
pub(super) fn remainder(a: Value, b: Value, budget: &mut Budget<'_>) -> Result<Value> {
    let quotient = divide(a.clone(), b.clone(), budget)?;
    if let Value::Real(real) = &quotient
        && real.top_bit() > TRUSTED_BITS
    {
        return Err(budget.domain("%", "an approximate quotient is too large for a remainder"));
    }
    let whole = floor(quotient, budget)?;
    let multiple = multiply(b, whole, budget)?;
    subtract(a, multiple, budget)
}

pub(super) fn floor(value: Value, budget: &mut Budget<'_>) -> Result<Value> {
    to_integer(value, |number| number.floor(), budget)
}

pub(super) fn ceiling(value: Value, budget: &mut Budget<'_>) -> Result<Value> {
    to_integer(value, |number| number.ceil(), budget)
}

pub(super) fn truncate(value: Value, budget: &mut Budget<'_>) -> Result<Value> {
    to_integer(value, |number| number.trunc(), budget)
}

/// Rounds halves away from zero, as people do on paper.
pub(super) fn round(value: Value, budget: &mut Budget<'_>) -> Result<Value> {
    let half_away = |number: &RBig| {
        let half = small_fraction(1, 2);
        if number.is_negative() { (number - half).ceil() } else { (number + half).floor() }
    };
    to_integer(value, half_away, budget)
}

/// Integers come out exact even where the argument is an approximation: it holds far more bits
/// than the decision needs. Beyond those bits the approximation is its own best integer.
fn to_integer(
    value: Value,
    rounding: impl Fn(&RBig) -> IBig,
    budget: &mut Budget<'_>,
) -> Result<Value> {
    let number = match &value {
        Value::Exact(number) => number.clone(),
        Value::Real(real) if real.top_bit() > TRUSTED_BITS => return Ok(value),
        other => {
            let real = other.to_real(budget)?;
            if real.top_bit() > TRUSTED_BITS {
                return Ok(Value::Real(real));
            }
            real.to_exact_snapped(budget)?
        }
    };
    budget.charge_product(number.numerator().bit_len(), number.denominator().bit_len())?;
    Ok(Value::integer(rounding(&number)))
}

fn is_exact_zero(value: &Value) -> bool {
    matches!(value, Value::Exact(number) if number.is_zero())
}

fn charge_sum(a: &RBig, b: &RBig, budget: &mut Budget<'_>) -> Result<()> {
    if a.is_int() && b.is_int() {
        let bits = size_bits(a).max(size_bits(b)) + 1;
        budget.check_bits(bits)?;
        return budget.charge_product(bits, 1);
    }
    let numerator = (a.numerator().bit_len() + b.denominator().bit_len())
        .max(b.numerator().bit_len() + a.denominator().bit_len());
    charge_reduced(numerator + 1, a.denominator().bit_len() + b.denominator().bit_len(), budget)
}

fn charge_product(a: &RBig, b: &RBig, budget: &mut Budget<'_>) -> Result<()> {
    let numerator = a.numerator().bit_len() + b.numerator().bit_len();
    if a.is_int() && b.is_int() {
        budget.check_bits(numerator)?;
        return budget.charge_product(a.numerator().bit_len(), b.numerator().bit_len());
    }
    charge_reduced(numerator, a.denominator().bit_len() + b.denominator().bit_len(), budget)
}

fn charge_quotient(a: &RBig, b: &RBig, budget: &mut Budget<'_>) -> Result<()> {
    let numerator = a.numerator().bit_len() + b.denominator().bit_len();
    charge_reduced(numerator, a.denominator().bit_len() + b.numerator().bit_len(), budget)
}

/// Charges for a fraction that is built and then reduced by its greatest common divisor.
fn charge_reduced(numerator: usize, denominator: usize, budget: &mut Budget<'_>) -> Result<()> {
    budget.check_bits(numerator)?;
    budget.check_bits(denominator)?;
    let (short, long) = (numerator.min(denominator), numerator.max(denominator));
    // Lehmer's algorithm first divides the longer by the shorter, then works on two short ones.
    budget.charge_product(short, long)?;
    budget.charge_squares(4, short)
}
