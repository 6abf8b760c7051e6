//! Factorials, combinations, divisors: functions of integers whose results grow fast.
//!
//! Every result is estimated from logarithms first, so that a hopeless one costs nothing.

use dashu::base::{BitTest, Gcd, UnsignedAbs};
use dashu::integer::{IBig, UBig};

use super::super::budget::Budget;
use super::super::error::EvalError;
use super::super::value::Value;
use super::take;

type Result<T> = std::result::Result<T, EvalError>;

pub(super) fn factorial_call(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [n] = take(arguments, budget)?;
    factorial(&n, 1, budget)
}

/// The product `n (n - step) (n - 2 step) ...` down to the last positive factor: `n!` for a step
/// of 1, `n!!` for a step of 2.
pub(in super::super) fn factorial(n: &Value, step: u64, budget: &mut Budget<'_>) -> Result<Value> {
    let n = natural(n, "factorial", budget)?;
    let Ok(n) = u64::try_from(&n) else { return Err(budget.too_large()) };
    let count = n as f64 / step as f64;
    // ln n! is at most n ln n - n + ln n + 1; a step divides the number of factors.
    let ln = (n as f64).max(1.0).ln();
    let bits = (count * (ln - 1.0) + ln + 1.0) * std::f64::consts::LOG2_E + 64.0;
    let bits = budget.check_estimate(bits)?;
    charge_growing(n / step, bits, 63, budget)?;
    let first = if n.is_multiple_of(step) { step } else { n % step };
    Ok(Value::integer(product((first..=n).step_by(step as usize).map(UBig::from))))
}

pub(super) fn comb(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [n, k] = take(arguments, budget)?;
    let (n, k) = (natural(&n, "comb", budget)?, natural(&k, "comb", budget)?);
    if k > n {
        return Ok(Value::integer(0));
    }
    let k = (&n - &k).min(k);
    let Ok(k) = u64::try_from(&k) else { return Err(budget.too_large()) };
    // comb(n, k) is at most (n e / k)^k.
    let log2 = log2_upper(&n) - (k.max(1) as f64).log2() + std::f64::consts::LOG2_E;
    // A product of k factors stands in the intermediate result before it is divided.
    let bits = budget.check_estimate(k as f64 * log2 + n.bit_len() as f64 + 64.0)?;
    charge_growing(k.saturating_mul(3), bits, n.bit_len(), budget)?;
    let mut result = UBig::ONE;
    let base = n - UBig::from(k);
    for i in 1..=k {
        // The product of i consecutive numbers is divisible by i!, so this division is exact.
        result = result * (&base + UBig::from(i)) / UBig::from(i);
    }
    Ok(Value::integer(result))
}

pub(super) fn perm(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [n, k] = take(arguments, budget)?;
    let (n, k) = (natural(&n, "perm", budget)?, natural(&k, "perm", budget)?);
    if k > n {
        return Ok(Value::integer(0));
    }
    let Ok(k) = u64::try_from(&k) else { return Err(budget.too_large()) };
    let bits = budget.check_estimate(k as f64 * log2_upper(&n) + 64.0)?;
    charge_growing(k, bits, n.bit_len(), budget)?;
    Ok(Value::integer(product((0..k).map(|i| &n - UBig::from(i)))))
}

pub(super) fn gcd(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let mut result = UBig::ZERO;
    for argument in arguments {
        let next = argument.expect_integer("gcd", budget)?.unsigned_abs();
        result = common_divisor(result, next, budget)?;
    }
    Ok(Value::integer(result))
}

pub(super) fn lcm(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let mut result = UBig::ONE;
    for argument in arguments {
        let next = argument.expect_integer("lcm", budget)?.unsigned_abs();
        if next.is_zero() {
            return Ok(Value::integer(0));
        }
        budget.check_bits(result.bit_len() + next.bit_len())?;
        budget.charge_product(result.bit_len(), next.bit_len())?;
        let divisor = common_divisor(result.clone(), next.clone(), budget)?;
        result = result / divisor * next;
    }
    Ok(Value::integer(result))
}

fn common_divisor(a: UBig, b: UBig, budget: &mut Budget<'_>) -> Result<UBig> {
    // The library leaves the divisor of two zeros undefined; zero is the usual convention.
    if a.is_zero() {
        return Ok(b);
    }
    if b.is_zero() {
        return Ok(a);
    }
    budget.charge_product(a.bit_len(), b.bit_len())?;
    budget.charge_squares(4, a.bit_len().min(b.bit_len()))?;
    Ok(a.gcd(b))
}

fn natural(value: &Value, name: &'static str, budget: &Budget<'_>) -> Result<UBig> {
    UBig::try_from(value.expect_integer(name, budget)?)
        .map_err(|_| budget.domain(name, "needs integers of 0 or more"))
}

/// Charges `steps` multiplications of a result that grows to `bits` by factors of `factor_bits`.
fn charge_growing(
    steps: u64,
    bits: usize,
    factor_bits: usize,
    budget: &mut Budget<'_>,
) -> Result<()> {
    let words = |bits: usize| (bits / 64 + 1) as u64;
    // The result has, on average, half of its final length.
    let result = words(bits).div_ceil(2);
    budget.charge(steps.saturating_mul(result).saturating_mul(words(factor_bits)))
}

fn log2_upper(n: &UBig) -> f64 {
    let bits = n.bit_len();
    // Exact enough below 2^53, an upper bound above.
    if bits <= 53 { n.to_f64().value().max(1.0).log2() } else { bits as f64 }
}

fn product(factors: impl Iterator<Item = UBig>) -> IBig {
    IBig::from(factors.fold(UBig::ONE, |product, factor| product * factor))
}
