//! Signs, rounding, roots and statistics.

use std::cmp::Ordering;

use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;

use super::super::arithmetic;
use super::super::budget::Budget;
use super::super::error::EvalError;
use super::super::power;
use super::super::value::Value;
use super::take;

type Result<T> = std::result::Result<T, EvalError>;

pub(super) fn abs(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    Ok(arithmetic::absolute(x))
}

pub(super) fn sign(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    Ok(Value::integer(if x.is_zero() {
        0
    } else if x.is_negative() {
        -1
    } else {
        1
    }))
}

pub(super) fn floor(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    arithmetic::floor(x, budget)
}

pub(super) fn ceil(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    arithmetic::ceiling(x, budget)
}

pub(super) fn trunc(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    arithmetic::truncate(x, budget)
}

/// `round(x)` or `round(x, digits)`; negative digits round to tens, hundreds and so on.
pub(super) fn round(mut arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    if arguments.len() == 1 {
        let [x] = take(arguments, budget)?;
        return arithmetic::round(x, budget);
    }
    let digits = arguments.pop().unwrap_or(Value::integer(0)).expect_integer("round", budget)?;
    let [x] = take(arguments, budget)?;
    let scale = Value::Exact(power::exact_power(&RBig::from(10u8), &digits, budget)?);
    let scaled = arithmetic::multiply(x, scale.clone(), budget)?;
    let rounded = arithmetic::round(scaled, budget)?;
    arithmetic::divide(rounded, scale, budget)
}

/// Gives up exactness: the way to see a result that is too long to be shown in full.
pub(super) fn approx(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    Ok(Value::Real(x.to_real(budget)?))
}

pub(super) fn modulo(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x, y] = take(arguments, budget)?;
    arithmetic::remainder(x, y, budget)
}

pub(super) fn pow(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x, y] = take(arguments, budget)?;
    power::power(x, y, budget)
}

pub(super) fn sqrt(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    power::root(x, 2, "sqrt", budget)
}

pub(super) fn cbrt(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x] = take(arguments, budget)?;
    power::root(x, 3, "cbrt", budget)
}

pub(super) fn root(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let [x, degree] = take(arguments, budget)?;
    let degree = degree.expect_integer("root", budget)?;
    match usize::try_from(&degree) {
        Ok(degree) if degree > 0 => power::root(x, degree, "root", budget),
        _ => Err(budget.domain("root", "the second argument is the degree, 1 or more")),
    }
}

/// The length of a vector of any dimension.
pub(super) fn hypot(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let mut total = Value::integer(0);
    for x in arguments {
        let square = arithmetic::multiply(x.clone(), x, budget)?;
        total = arithmetic::add(total, square, budget)?;
    }
    power::root(total, 2, "hypot", budget)
}

pub(super) fn min(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    extreme(arguments, Ordering::Less, budget)
}

pub(super) fn max(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    extreme(arguments, Ordering::Greater, budget)
}

fn extreme(arguments: Vec<Value>, wanted: Ordering, budget: &mut Budget<'_>) -> Result<Value> {
    let mut best: Option<Value> = None;
    for x in arguments {
        let better = match &best {
            Some(best) => x.compare(best, budget)? == wanted,
            None => true,
        };
        if better {
            best = Some(x);
        }
    }
    best.ok_or_else(|| budget.domain("min and max", "need at least 1 argument"))
}

pub(super) fn sum(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let mut total = Value::integer(0);
    for x in arguments {
        total = arithmetic::add(total, x, budget)?;
    }
    Ok(total)
}

pub(super) fn mean(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    let count = Value::integer(UBig::from(arguments.len()));
    let total = sum(arguments, budget)?;
    arithmetic::divide(total, count, budget)
}

pub(super) fn median(arguments: Vec<Value>, budget: &mut Budget<'_>) -> Result<Value> {
    // Insertion by binary search: a comparison may be refused, which no library sort allows.
    let mut sorted: Vec<Value> = Vec::with_capacity(arguments.len());
    for x in arguments {
        let (mut low, mut high) = (0, sorted.len());
        while low < high {
            let middle = (low + high) / 2;
            if sorted[middle].compare(&x, budget)? == Ordering::Greater {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        sorted.insert(low, x);
    }
    let upper = sorted.swap_remove(sorted.len() / 2);
    // `swap_remove` moved the last element; the lower middle one is untouched before it.
    if sorted.len().is_multiple_of(2) {
        return Ok(upper);
    }
    let lower = sorted.swap_remove(sorted.len() / 2);
    arithmetic::divide(
        arithmetic::add(lower, upper, budget)?,
        Value::integer(IBig::from(2)),
        budget,
    )
}
