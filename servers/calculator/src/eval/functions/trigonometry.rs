//! Trigonometry in radians, exact at the rational multiples of pi where the value is rational.
//!
//! By Niven's theorem those are the multiples of 30 and 45 degrees that the tables below list;
//! everywhere else the value is irrational and approximated.

use std::cmp::Ordering;

use dashu::rational::RBig;

use super::super::arithmetic;
use super::super::budget::Budget;
use super::super::error::EvalError;
use super::super::real::{Real, TRUSTED_BITS};
use super::super::value::{Value, small_fraction};
use super::take;

type Result<T> = std::result::Result<T, EvalError>;

pub(super) fn sin(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    if let Some(turn) = half_turns(&x, budget)? {
        return sin_of_half_turns(turn, budget);
    }
    Ok(Value::Real(angle(&x, "sin", budget)?.apply(|context, x| context.sin(x, None), budget)?))
}

pub(super) fn cos(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    if let Some(turn) = half_turns(&x, budget)? {
        return sin_of_half_turns(modulo_two(turn + small_fraction(1, 2)), budget);
    }
    Ok(Value::Real(angle(&x, "cos", budget)?.apply(|context, x| context.cos(x, None), budget)?))
}

pub(super) fn tan(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    let Some(turn) = half_turns(&x, budget)? else {
        let angle = angle(&x, "tan", budget)?;
        return Ok(Value::Real(angle.apply(|context, x| context.tan(x, None), budget)?));
    };
    let turn = if turn < RBig::ONE { turn } else { turn - RBig::ONE };
    if turn == small_fraction(1, 2) {
        return Err(budget.domain("tan", "is undefined at odd multiples of pi/2"));
    }
    let table = [((0, 1), 0), ((1, 4), 1), ((3, 4), -1)];
    if let Some((_, value)) = table.iter().find(|((n, d), _)| turn == small_fraction(*n, *d)) {
        return Ok(Value::integer(*value));
    }
    let real = Value::PiMultiple(turn).to_real(budget)?;
    Ok(Value::Real(real.apply(|context, x| context.tan(x, None), budget)?))
}

/// The multiple of pi that an exact angle is, reduced to `0..2`; none for an inexact angle.
fn half_turns(x: &Value, budget: &mut Budget<'_>) -> Result<Option<RBig>> {
    let factor = match x {
        Value::Exact(number) if number.is_zero() => number.clone(),
        Value::PiMultiple(factor) => factor.clone(),
        _ => return Ok(None),
    };
    let two = Value::integer(2);
    match arithmetic::remainder(Value::Exact(factor), two, budget)? {
        Value::Exact(reduced) => Ok(Some(reduced)),
        _ => Ok(None),
    }
}

fn modulo_two(turn: RBig) -> RBig {
    let two = small_fraction(2, 1);
    if turn < two { turn } else { turn - two }
}

fn sin_of_half_turns(turn: RBig, budget: &mut Budget<'_>) -> Result<Value> {
    let (turn, negative) = if turn < RBig::ONE { (turn, false) } else { (turn - RBig::ONE, true) };
    let table = [((0, 1), (0, 1)), ((1, 6), (1, 2)), ((1, 2), (1, 1)), ((5, 6), (1, 2))];
    let known = table.iter().find(|((n, d), _)| turn == small_fraction(*n, *d));
    let value = match known {
        Some((_, (n, d))) => Value::fraction(*n, *d),
        None => {
            let real = Value::PiMultiple(turn).to_real(budget)?;
            Value::Real(real.apply(|context, x| context.sin(x, None), budget)?)
        }
    };
    Ok(if negative { arithmetic::negate(value) } else { value })
}

/// The angle with all the bits that its reduction by pi will use up.
fn angle(x: &Value, name: &'static str, budget: &mut Budget<'_>) -> Result<Real> {
    if let Value::Exact(number) = x {
        return Real::from_exact_angle(number, budget)
            .and_then(|real| real.ok_or_else(|| budget.domain(name, "the angle is too large")));
    }
    let real = x.to_real(budget)?;
    // Of the stored bits, those above the point are lost when whole turns are taken away.
    if real.top_bit() > TRUSTED_BITS / 2 {
        return Err(budget.domain(name, "the angle is too large for an approximate number"));
    }
    Ok(real)
}

pub(super) fn asin(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    let table = [
        ((-1, 1), (-1, 2)),
        ((-1, 2), (-1, 6)),
        ((0, 1), (0, 1)),
        ((1, 2), (1, 6)),
        ((1, 1), (1, 2)),
    ];
    if let Some(angle) = tabulated(&x, &table) {
        return Ok(angle);
    }
    let real = within_one(&x, "asin", budget)?;
    Ok(Value::Real(real.apply(|context, x| context.asin(x, None), budget)?))
}

pub(super) fn acos(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    let table = [
        ((-1, 1), (1, 1)),
        ((-1, 2), (2, 3)),
        ((0, 1), (1, 2)),
        ((1, 2), (1, 3)),
        ((1, 1), (0, 1)),
    ];
    if let Some(angle) = tabulated(&x, &table) {
        return Ok(angle);
    }
    let real = within_one(&x, "acos", budget)?;
    if matches!(x, Value::Exact(_)) && !x.is_negative() {
        // acos x = 2 asin sqrt((1 - x) / 2), which loses nothing next to 1.
        let below = arithmetic::subtract(Value::integer(1), x, budget)?;
        let halved = arithmetic::divide(below, Value::integer(2), budget)?.to_real(budget)?;
        let root = halved.apply(|context, x| context.sqrt(x), budget)?;
        let half = root.apply(|context, x| context.asin(x, None), budget)?;
        return Ok(Value::Real(half.add(&half, budget)?));
    }
    Ok(Value::Real(real.apply(|context, x| context.acos(x, None), budget)?))
}

pub(super) fn atan(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    let table = [((-1, 1), (-1, 4)), ((0, 1), (0, 1)), ((1, 1), (1, 4))];
    if let Some(angle) = tabulated(&x, &table) {
        return Ok(angle);
    }
    Ok(Value::Real(x.to_real(budget)?.apply(|context, x| context.atan(x, None), budget)?))
}

/// The angle of the point `(x, y)`, given as `atan2(y, x)`, in `(-pi, pi]`.
pub(super) fn atan2(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [y, x] = take(arguments, budget)?;
    if y.is_zero() && x.is_zero() {
        return Err(budget.domain("atan2", "has no angle at (0, 0)"));
    }
    let (up, right) = (!y.is_negative(), !x.is_negative());
    let diagonal = arithmetic::absolute(y.clone())
        .compare(&arithmetic::absolute(x.clone()), budget)?
        == Ordering::Equal;
    let quarters = match (y.is_zero(), x.is_zero(), diagonal) {
        (true, _, _) => Some(if right { 0 } else { 4 }),
        (_, true, _) => Some(2),
        (_, _, true) => Some(if right { 1 } else { 3 }),
        _ => None,
    };
    if let Some(quarters) = quarters {
        let signed = if up { quarters } else { -quarters };
        return Ok(Value::pi_multiple(small_fraction(signed, 4)));
    }
    Ok(Value::Real(y.to_real(budget)?.atan2(&x.to_real(budget)?, budget)?))
}

pub(super) fn deg(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    let half_turn = Value::PiMultiple(small_fraction(1, 180));
    arithmetic::divide(x, half_turn, budget)
}

pub(super) fn rad(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    arithmetic::multiply(x, Value::PiMultiple(small_fraction(1, 180)), budget)
}

/// A fraction as numerator and denominator.
type Pair = (i32, u32);

/// Looks an exact argument up in a table of argument and multiple of pi.
fn tabulated(x: &Value, table: &[(Pair, Pair)]) -> Option<Value> {
    let Value::Exact(x) = x else { return None };
    let (_, (n, d)) = table.iter().find(|((n, d), _)| *x == small_fraction(*n, *d))?;
    Some(Value::pi_multiple(small_fraction(*n, *d)))
}

/// A number from -1 to 1; what is outside only by rounding is taken for the end point.
fn within_one(x: &Value, name: &'static str, budget: &mut Budget<'_>) -> Result<Real> {
    let real = x.to_real(budget)?;
    let negative = real.is_negative();
    let end = Real::from_exact(&small_fraction(if negative { -1 } else { 1 }, 1), budget)?;
    let beyond = arithmetic::absolute(x.clone()).compare(&Value::integer(1), budget)?;
    if beyond != Ordering::Greater {
        return Ok(real);
    }
    let by_rounding =
        !matches!(x, Value::Exact(_)) && real.add(&end.clone().negate(), budget)?.is_zero();
    if by_rounding { Ok(end) } else { Err(budget.domain(name, "needs a number from -1 to 1")) }
}
