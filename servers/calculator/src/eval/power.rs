//! Powers and roots: exact where the result is rational, approximate where it is not.

use dashu::base::{BitTest, CubicRoot, EstimatedLog2, Signed, SquareRoot};
use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;

use super::arithmetic::absolute;
use super::budget::Budget;
use super::error::EvalError;
use super::real::Real;
use super::value::Value;

type Result<T> = std::result::Result<T, EvalError>;

/// Roots of a higher degree than three are recognised as perfect up to this length.
const PERFECT_ROOT_BITS: usize = 200;

pub(super) fn power(base: Value, exponent: Value, budget: &mut Budget<'_>) -> Result<Value> {
    if let Value::Exact(exponent) = &exponent {
        if exponent.is_int() {
            return integer_power(base, exponent.numerator(), budget);
        }
        if let Some(exact) = rational_power(&base, exponent, budget)? {
            return Ok(exact);
        }
    }
    if base.is_zero() {
        return if exponent.is_negative() || exponent.is_zero() {
            Err(budget.division_by_zero())
        } else {
            Ok(base)
        };
    }
    if base.is_negative() {
        let reason = "a negative base needs an integer exponent; for an odd root of a negative \
                      number write cbrt(x) or root(x, n)";
        return Err(budget.domain("^", reason));
    }
    let exponent = exponent.to_real(budget)?;
    Ok(Value::Real(approximate_power(&base, &exponent, budget)?))
}

/// A positive value to a real power.
fn approximate_power(base: &Value, exponent: &Real, budget: &mut Budget<'_>) -> Result<Real> {
    base.to_ln(budget)?.multiply(exponent, budget)?.exp(budget)
}

/// Zero to the power of zero is 1, as in most languages: it is the empty product.
fn integer_power(base: Value, exponent: &IBig, budget: &mut Budget<'_>) -> Result<Value> {
    if exponent.is_zero() {
        return Ok(Value::integer(1));
    }
    if base.is_zero() {
        return if exponent.is_negative() { Err(budget.division_by_zero()) } else { Ok(base) };
    }
    if let Value::Exact(base) = &base {
        match exact_power(base, exponent, budget) {
            // The digits of a fraction grow even where its value stays small, as in compound
            // interest: 1.0001^100000 is worth an approximation.
            Err(EvalError::TooLarge { .. }) if !base.is_int() => {}
            exact => return exact.map(Value::Exact),
        }
    }
    let negative = base.is_negative() && exponent.bit(0);
    let exponent = Real::from_exact(&RBig::from(exponent.clone()), budget)?;
    let result = approximate_power(&absolute(base), &exponent, budget)?;
    Ok(Value::Real(if negative { result.negate() } else { result }))
}

/// A non-zero rational to an integer power, refused by its size before it is computed.
pub(super) fn exact_power(base: &RBig, exponent: &IBig, budget: &mut Budget<'_>) -> Result<RBig> {
    let is_unit = base.is_int() && base.numerator().bit_len() == 1;
    if is_unit {
        let negative = base.is_negative() && exponent.bit(0);
        return Ok(if negative { RBig::NEG_ONE } else { RBig::ONE });
    }
    let Ok(exponent) = isize::try_from(exponent) else {
        return Err(budget.too_large());
    };
    for part in [base.numerator().clone(), IBig::from(base.denominator().clone())] {
        // The bounds are in single precision; the margin covers their last bit.
        let log2 = f64::from(part.log2_bounds().1) * (1.0 + 1e-6);
        let bits = budget.check_estimate(log2 * exponent.unsigned_abs() as f64)?;
        budget.charge_squares(2, bits)?;
    }
    Ok(base.pow(exponent))
}

/// `x^(p/q)` where the `q`-th root of `x` is rational.
fn rational_power(base: &Value, exponent: &RBig, budget: &mut Budget<'_>) -> Result<Option<Value>> {
    let Value::Exact(base) = base else { return Ok(None) };
    if base.is_negative() || base.is_zero() {
        return Ok(None);
    }
    let Ok(degree) = usize::try_from(exponent.denominator()) else { return Ok(None) };
    let Some(root) = perfect_root(base, degree, budget)? else { return Ok(None) };
    Ok(Some(Value::Exact(exact_power(&root, exponent.numerator(), budget)?)))
}

/// The real `degree`-th root. Negative numbers have one for odd degrees.
pub(super) fn root(
    value: Value,
    degree: usize,
    function: &'static str,
    budget: &mut Budget<'_>,
) -> Result<Value> {
    if value.is_zero() {
        return Ok(value);
    }
    let negative = value.is_negative();
    if negative && degree.is_multiple_of(2) {
        return Err(budget.domain(function, "an even root of a negative number is not real"));
    }
    if let Value::Exact(number) = &value
        && let Some(exact) = perfect_root(number, degree, budget)?
    {
        return Ok(Value::Exact(exact));
    }
    let magnitude = absolute(value);
    let result = if degree == 2 {
        magnitude.to_real(budget)?.apply(|context, x| context.sqrt(x), budget)?
    } else {
        let exponent = RBig::from_parts(IBig::ONE, UBig::from(degree));
        approximate_power(&magnitude, &Real::from_exact(&exponent, budget)?, budget)?
    };
    Ok(Value::Real(if negative { result.negate() } else { result }))
}

/// The root of a non-zero rational if it is rational too. The sign is carried over.
fn perfect_root(number: &RBig, degree: usize, budget: &mut Budget<'_>) -> Result<Option<RBig>> {
    let (sign, numerator) = number.numerator().clone().into_parts();
    let Some(denominator) = perfect_integer_root(number.denominator(), degree, budget)? else {
        return Ok(None);
    };
    let root = perfect_integer_root(&numerator, degree, budget)?;
    Ok(root.map(|root| RBig::from_parts(IBig::from_parts(sign, root), denominator)))
}

fn perfect_integer_root(x: &UBig, degree: usize, budget: &mut Budget<'_>) -> Result<Option<UBig>> {
    let bits = x.bit_len();
    if bits <= 1 || degree == 1 {
        return Ok(Some(x.clone()));
    }
    if degree >= bits {
        return Ok(None);
    }
    let candidate = match degree {
        2 => {
            budget.charge_squares(4, bits)?;
            x.sqrt()
        }
        3 => {
            budget.charge_squares(40, bits)?;
            x.cbrt()
        }
        _ if bits / degree + 1 > PERFECT_ROOT_BITS => return Ok(None),
        _ => {
            let exponent = RBig::from_parts(IBig::ONE, UBig::from(degree));
            let exponent = Real::from_exact(&exponent, budget)?;
            let x = Value::integer(x.clone());
            let nearest = approximate_power(&x, &exponent, budget)?.to_exact(budget)?.round();
            nearest.into_parts().1
        }
    };
    // A candidate that is one bit too long cannot be the root, and must not be raised.
    if (candidate.bit_len() - 1).saturating_mul(degree) >= bits {
        return Ok(None);
    }
    budget.charge_squares(2, bits)?;
    Ok(if candidate.pow(degree) == *x { Some(candidate) } else { None })
}
