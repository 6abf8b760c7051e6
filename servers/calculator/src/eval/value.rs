//! What the machine computes with: an exact number, an exact multiple of pi, or an approximation.

use std::cmp::Ordering;

use dashu::base::{BitTest, Signed};
use dashu::integer::IBig;
use dashu::rational::RBig;

use super::budget::Budget;
use super::error::EvalError;
use super::real::Real;

#[derive(Debug, Clone)]
pub(super) enum Value {
    Exact(RBig),
    /// A rational multiple of pi, never zero. Keeping the factor makes the trigonometric functions
    /// exact at the angles that people ask about.
    PiMultiple(RBig),
    Real(Real),
}

impl Value {
    pub(super) fn integer(value: impl Into<IBig>) -> Self {
        Self::Exact(RBig::from(value.into()))
    }

    /// A fraction of small numbers; the denominator is not zero.
    pub(super) fn fraction(numerator: i32, denominator: u32) -> Self {
        Self::Exact(small_fraction(numerator, denominator))
    }

    pub(super) fn pi_multiple(factor: RBig) -> Self {
        if factor.is_zero() { Self::Exact(factor) } else { Self::PiMultiple(factor) }
    }

    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Exact(number) => number.is_zero(),
            Self::PiMultiple(_) => false,
            Self::Real(real) => real.is_zero(),
        }
    }

    pub(super) fn is_negative(&self) -> bool {
        match self {
            Self::Exact(number) | Self::PiMultiple(number) => number.is_negative(),
            Self::Real(real) => real.is_negative(),
        }
    }

    pub(super) fn to_real(&self, budget: &mut Budget<'_>) -> Result<Real, EvalError> {
        match self {
            Self::Exact(number) => Real::from_exact(number, budget),
            Self::PiMultiple(factor) => {
                let factor = Real::from_exact(factor, budget)?;
                Real::pi(budget)?.multiply(&factor, budget)
            }
            Self::Real(real) => Ok(real.clone()),
        }
    }

    /// The natural logarithm of a positive value.
    pub(super) fn to_ln(&self, budget: &mut Budget<'_>) -> Result<Real, EvalError> {
        match self {
            Self::Exact(number) if !number.is_zero() && !number.is_negative() => {
                Real::ln_exact(number, budget)
            }
            other => other.to_real(budget)?.ln(budget),
        }
    }

    pub(super) fn compare(
        &self,
        other: &Self,
        budget: &mut Budget<'_>,
    ) -> Result<Ordering, EvalError> {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) | (Self::PiMultiple(a), Self::PiMultiple(b)) => {
                budget.charge_product(size_bits(a), size_bits(b))?;
                Ok(a.cmp(b))
            }
            _ => Ok(self.to_real(budget)?.compare(&other.to_real(budget)?)),
        }
    }

    /// The integer that this value is, or a refusal that names the function.
    pub(super) fn expect_integer(
        &self,
        function: &'static str,
        budget: &Budget<'_>,
    ) -> Result<IBig, EvalError> {
        match self {
            Self::Exact(number) if number.is_int() => Ok(number.numerator().clone()),
            _ => Err(budget.domain(function, "needs exact integers; round the argument first")),
        }
    }
}

pub(super) fn small_fraction(numerator: i32, denominator: u32) -> RBig {
    RBig::from_parts(numerator.into(), denominator.into())
}

/// Bits of the larger of numerator and denominator.
pub(super) fn size_bits(number: &RBig) -> usize {
    number.numerator().bit_len().max(number.denominator().bit_len())
}
