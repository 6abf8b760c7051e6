//! The named constants.

use dashu::rational::RBig;

use super::super::budget::Budget;
use super::super::error::EvalError;
use super::super::real::Real;
use super::super::value::{Value, small_fraction};

/// The value of a constant that the parser has accepted.
pub(in super::super) fn value(name: &str, budget: &mut Budget<'_>) -> Result<Value, EvalError> {
    match name {
        "pi" => Ok(Value::PiMultiple(RBig::ONE)),
        "tau" => Ok(Value::PiMultiple(small_fraction(2, 1))),
        "e" => Ok(Value::Real(Real::from_exact(&RBig::ONE, budget)?.exp(budget)?)),
        // phi, the golden ratio: (1 + sqrt(5)) / 2.
        _ => {
            let five = Real::from_exact(&small_fraction(5, 4), budget)?;
            let half = Real::from_exact(&small_fraction(1, 2), budget)?;
            let root = five.apply(|context, x| context.sqrt(x), budget)?;
            Ok(Value::Real(root.add(&half, budget)?))
        }
    }
}
