//! Exponentials, logarithms and the hyperbolic functions.

use dashu::base::EstimatedLog2;
use dashu::integer::IBig;
use dashu::rational::RBig;

use super::super::arithmetic;
use super::super::budget::Budget;
use super::super::error::EvalError;
use super::super::power;
use super::super::real::Real;
use super::super::value::{Value, size_bits};
use super::take;

type Result<T> = std::result::Result<T, EvalError>;

/// Beyond this the hyperbolic tangent differs from 1 by less than the precision.
const TANH_SATURATED_BITS: i64 = 10;

pub(super) fn exp(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    if x.is_zero() {
        return Ok(Value::integer(1));
    }
    Ok(Value::Real(x.to_real(budget)?.exp(budget)?))
}

pub(super) fn ln(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    positive(&x, "ln", budget)?;
    if is_one(&x) {
        return Ok(Value::integer(0));
    }
    Ok(Value::Real(x.to_ln(budget)?))
}

/// `log(x)` to base 10, or `log(x, base)`.
pub(super) fn log(mut arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    if arguments.len() == 1 {
        arguments.push(Value::integer(10));
    }
    let [x, base] = take(arguments, budget)?;
    logarithm(x, base, "log", budget)
}

pub(super) fn log2(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    logarithm(x, Value::integer(2), "log2", budget)
}

pub(super) fn log10(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    logarithm(x, Value::integer(10), "log10", budget)
}

fn logarithm(x: Value, base: Value, name: &'static str, budget: &mut Budget<'_>) -> Result<Value> {
    positive(&x, name, budget)?;
    positive(&base, name, budget)?;
    if is_one(&base) {
        return Err(budget.domain(name, "the base must not be 1"));
    }
    if is_one(&x) {
        return Ok(Value::integer(0));
    }
    if let (Value::Exact(x), Value::Exact(base)) = (&x, &base) {
        if let Some(exponent) = whole_logarithm(x, base, budget)? {
            return Ok(Value::integer(exponent));
        }
        // The base may be a power of the argument: log(2, 8) is 1/3.
        if let Some(exponent) = whole_logarithm(base, x, budget)? {
            return Ok(Value::Exact(RBig::from_parts_signed(IBig::ONE, exponent)));
        }
    }
    let (x, base) = (x.to_ln(budget)?, base.to_ln(budget)?);
    Ok(Value::Real(x.divide(&base, budget)?))
}

/// The integer `k` with `base^k = x`, if there is one. It is guessed and then proved.
fn whole_logarithm(x: &RBig, base: &RBig, budget: &mut Budget<'_>) -> Result<Option<IBig>> {
    let guess = (log2_estimate(x) / log2_estimate(base)).round();
    // Raising a number other than 1 to the k-th power makes it at least about k bits long, so a
    // larger guess cannot be right, and a power much longer than `x` need not be computed.
    let expected_bits = guess.abs() * (size_bits(base) as f64 - 1.0);
    if !guess.is_finite() || guess == 0.0 || expected_bits > 2.0 * size_bits(x) as f64 + 64.0 {
        return Ok(None);
    }
    let exponent = IBig::from(guess as i64);
    let found = power::exact_power(base, &exponent, budget)? == *x;
    Ok(found.then_some(exponent))
}

fn log2_estimate(number: &RBig) -> f64 {
    let direct = number.to_f64_fast();
    if direct.is_normal() {
        return direct.log2();
    }
    f64::from(number.numerator().log2_est()) - f64::from(number.denominator().log2_est())
}

pub(super) fn sinh(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    if x.is_zero() {
        return Ok(x);
    }
    let real = x.to_real(budget)?;
    real.check_exponent(budget)?;
    Ok(Value::Real(real.apply(|context, x| context.sinh(x, None), budget)?))
}

pub(super) fn cosh(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    if x.is_zero() {
        return Ok(Value::integer(1));
    }
    let real = x.to_real(budget)?;
    real.check_exponent(budget)?;
    Ok(Value::Real(real.apply(|context, x| context.cosh(x, None), budget)?))
}

pub(super) fn tanh(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    if x.is_zero() {
        return Ok(x);
    }
    let real = x.to_real(budget)?;
    if real.top_bit() > TANH_SATURATED_BITS {
        let one = if real.is_negative() { RBig::NEG_ONE } else { RBig::ONE };
        return Ok(Value::Real(Real::from_exact(&one, budget)?));
    }
    Ok(Value::Real(real.apply(|context, x| context.tanh(x, None), budget)?))
}

pub(super) fn asinh(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    if x.is_zero() {
        return Ok(x);
    }
    Ok(Value::Real(x.to_real(budget)?.apply(|context, x| context.asinh(x, None), budget)?))
}

pub(super) fn acosh(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    if is_one(&x) {
        return Ok(Value::integer(0));
    }
    if x.compare(&Value::integer(1), budget)?.is_lt() {
        return Err(budget.domain("acosh", "needs a number of 1 or more"));
    }
    // acosh x = 2 asinh sqrt((x - 1) / 2), which loses nothing next to 1.
    let above_one = arithmetic::subtract(x, Value::integer(1), budget)?;
    let halved = arithmetic::divide(above_one, Value::integer(2), budget)?.to_real(budget)?;
    let root = halved.apply(|context, x| context.sqrt(x), budget)?;
    let half = root.apply(|context, x| context.asinh(x, None), budget)?;
    Ok(Value::Real(half.add(&half, budget)?))
}

pub(super) fn atanh(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    if x.is_zero() {
        return Ok(x);
    }
    let inside = x.compare(&Value::integer(1), budget)?.is_lt()
        && x.compare(&Value::integer(-1), budget)?.is_gt();
    if !inside {
        return Err(budget.domain("atanh", "needs a number between -1 and 1, both excluded"));
    }
    if !matches!(x, Value::Exact(_)) {
        let real = x.to_real(budget)?;
        return Ok(Value::Real(real.apply(|context, x| context.atanh(x, None), budget)?));
    }
    // atanh x = ln((1 + x) / (1 - x)) / 2, where the fraction is exact.
    let above = arithmetic::add(Value::integer(1), x.clone(), budget)?;
    let below = arithmetic::subtract(Value::integer(1), x, budget)?;
    let logarithm = arithmetic::divide(above, below, budget)?.to_ln(budget)?;
    arithmetic::divide(Value::Real(logarithm), Value::integer(2), budget)
}

fn positive(x: &Value, name: &'static str, budget: &Budget<'_>) -> Result<()> {
    if x.is_zero() || x.is_negative() {
        return Err(budget.domain(name, "needs numbers above 0"));
    }
    Ok(())
}

fn is_one(x: &Value) -> bool {
    matches!(x, Value::Exact(number) if number.is_one())
}
