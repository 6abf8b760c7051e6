//! Binary floating point with 256 bits, of which 50 are shown.
//!
//! The spare bits absorb the rounding of whole expressions. Where a subtraction cancels so many
//! of them that only noise is left, the result is zero rather than the noise.
//!
//! There are no infinities and no signed zeros: what leaves the range is refused.

use std::cmp::Ordering;

use dashu::base::{BitTest, Signed};
use dashu::float::round::mode::HalfEven;
use dashu::float::{Context, FBig, FpResult, Repr};
use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;

use super::budget::Budget;
use super::error::EvalError;

pub(super) const PRECISION_BITS: usize = 256;
/// Bits of agreement beyond which two approximations count as equal.
pub(super) const TRUSTED_BITS: i64 = 200;
/// Functions work with this much more, so that their results are right to the last bit kept.
const GUARD_BITS: usize = 64;
/// Upper bound of the work of one transcendental function at this precision.
const FUNCTION_WORK: u64 = 20_000;
/// Angles may have this many bits before the binary point.
const MAX_ANGLE_BITS: usize = 1024;

type Float = FBig<HalfEven, 2>;
type Unary = fn(&Context<HalfEven>, &Repr<2>) -> FpResult<Float>;

/// A finite approximation.
#[derive(Debug, Clone)]
pub(super) struct Real(Repr<2>);

impl Real {
    fn zero() -> Self {
        Self(Repr::zero())
    }

    /// Takes a result of the float library and refuses what is not finite or out of range.
    fn checked(result: FpResult<Float>, budget: &Budget<'_>) -> Result<Self, EvalError> {
        let reason = "the result is not a finite real number";
        let repr = match result {
            Ok(rounded) => rounded.value().into_repr(),
            Err(_) => return Err(budget.domain("this operation", reason)),
        };
        if repr.is_infinite() {
            return Err(budget.domain("this operation", reason));
        }
        let real = Self(repr);
        if !real.is_zero() && real.top_bit().unsigned_abs() as usize > range_bits(budget) {
            return Err(budget.too_large());
        }
        Ok(real)
    }

    /// Keeps `PRECISION_BITS` of an exact number.
    pub(super) fn from_exact(number: &RBig, budget: &mut Budget<'_>) -> Result<Self, EvalError> {
        Self::from_exact_with(number, PRECISION_BITS + GUARD_BITS, budget)
    }

    /// Keeps the bits that survive when an angle is reduced by whole turns; none if the angle is
    /// so large that the reduction itself would be costly.
    pub(super) fn from_exact_angle(
        number: &RBig,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Self>, EvalError> {
        let whole_bits =
            number.numerator().bit_len().saturating_sub(number.denominator().bit_len());
        if whole_bits > MAX_ANGLE_BITS {
            return Ok(None);
        }
        Self::from_exact_with(number, PRECISION_BITS + GUARD_BITS + whole_bits, budget).map(Some)
    }

    fn from_exact_with(
        number: &RBig,
        bits: usize,
        budget: &mut Budget<'_>,
    ) -> Result<Self, EvalError> {
        let (numerator, denominator) = (number.numerator(), number.denominator());
        let shift = bits as i64 + denominator.bit_len() as i64 - numerator.bit_len() as i64;
        let distance = shift.unsigned_abs() as usize;
        budget.charge_product(numerator.bit_len() + distance, denominator.bit_len() + bits)?;
        let quotient = if shift >= 0 {
            (numerator << distance) / IBig::from(denominator.clone())
        } else {
            numerator / IBig::from(denominator << distance)
        };
        Ok(Self(Repr::new(quotient, -(shift as isize))))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.significand().is_zero()
    }

    pub(super) fn is_negative(&self) -> bool {
        self.0.significand().is_negative()
    }

    /// The position of the highest bit: the value is below `2^top_bit` and not below half of it.
    pub(super) fn top_bit(&self) -> i64 {
        self.0.significand().bit_len() as i64 + self.0.exponent() as i64
    }

    pub(super) fn negate(self) -> Self {
        let (significand, exponent) = self.0.into_parts();
        Self(Repr::new(-significand, exponent))
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    pub(super) fn add(&self, other: &Self, budget: &mut Budget<'_>) -> Result<Self, EvalError> {
        budget.charge(100)?;
        let sum = Self::checked(context().add(&self.0, &other.0), budget)?;
        if self.is_zero() || other.is_zero() || sum.is_zero() {
            return Ok(sum);
        }
        let largest = self.top_bit().max(other.top_bit());
        Ok(if sum.top_bit() < largest - TRUSTED_BITS { Self::zero() } else { sum })
    }

    pub(super) fn multiply(
        &self,
        other: &Self,
        budget: &mut Budget<'_>,
    ) -> Result<Self, EvalError> {
        budget.charge(100)?;
        Self::checked(context().mul(&self.0, &other.0), budget)
    }

    pub(super) fn divide(&self, other: &Self, budget: &mut Budget<'_>) -> Result<Self, EvalError> {
        budget.charge(100)?;
        if other.is_zero() {
            return Err(budget.division_by_zero());
        }
        Self::checked(context().div(&self.0, &other.0), budget)
    }

    /// The exact number that this approximation stores.
    pub(super) fn to_exact(&self, budget: &mut Budget<'_>) -> Result<RBig, EvalError> {
        let distance = self.0.exponent().unsigned_abs();
        budget.charge_product(distance + PRECISION_BITS, PRECISION_BITS)?;
        let significand = self.0.significand().clone();
        Ok(if self.0.exponent() >= 0 {
            RBig::from(significand << distance)
        } else {
            RBig::from_parts(significand, UBig::ONE << distance)
        })
    }

    /// The stored number, or the integer next to it where the two cannot be told apart.
    pub(super) fn to_exact_snapped(&self, budget: &mut Budget<'_>) -> Result<RBig, EvalError> {
        let exact = self.to_exact(budget)?;
        let nearest = RBig::from(exact.round());
        let difference = Self::from_exact(&(&exact - &nearest), budget)?;
        let trusted = self.top_bit().max(0) - TRUSTED_BITS;
        let is_noise = difference.is_zero() || difference.top_bit() < trusted;
        Ok(if is_noise { nearest } else { exact })
    }

    /// Applies a function of the float library that is defined at this value.
    pub(super) fn apply(
        &self,
        function: Unary,
        budget: &mut Budget<'_>,
    ) -> Result<Self, EvalError> {
        budget.charge(FUNCTION_WORK)?;
        Self::checked(function(&context(), &self.0), budget)
    }

    pub(super) fn pi(budget: &mut Budget<'_>) -> Result<Self, EvalError> {
        budget.charge(FUNCTION_WORK)?;
        Self::checked(Ok(context().pi::<2>(None)), budget)
    }

    pub(super) fn atan2(&self, x: &Self, budget: &mut Budget<'_>) -> Result<Self, EvalError> {
        budget.charge(FUNCTION_WORK)?;
        Self::checked(context().atan2(&self.0, &x.0, None), budget)
    }

    /// The exponential function; refuses results beyond the range before computing them.
    pub(super) fn exp(&self, budget: &mut Budget<'_>) -> Result<Self, EvalError> {
        self.check_exponent(budget)?;
        self.apply(|context, x| context.exp(x, None), budget)
    }

    /// Refuses a value whose exponential is beyond the range in either direction.
    pub(super) fn check_exponent(&self, budget: &Budget<'_>) -> Result<(), EvalError> {
        // e^x needs about 1.44 x bits, so x may have as many bits as the range itself is long.
        let longest = range_bits(budget).bit_len() as i64;
        if !self.is_zero() && self.top_bit() > longest { Err(budget.too_large()) } else { Ok(()) }
    }

    pub(super) fn ln(&self, budget: &mut Budget<'_>) -> Result<Self, EvalError> {
        if self.is_zero() || self.is_negative() {
            return Err(budget.domain("logarithm", "needs a number above 0"));
        }
        self.apply(|context, x| context.ln(x, None), budget)
    }

    /// The logarithm of a positive exact number. Next to 1 the difference from 1 is kept in
    /// full, because it is all that the result is made of.
    pub(super) fn ln_exact(number: &RBig, budget: &mut Budget<'_>) -> Result<Self, EvalError> {
        let bits = number.numerator().bit_len().max(number.denominator().bit_len());
        budget.charge_product(bits, 64)?;
        let difference = number - RBig::ONE;
        if difference.is_zero() {
            return Ok(Self::zero());
        }
        let difference = Self::from_exact(&difference, budget)?;
        if difference.top_bit() > -1 {
            return Self::from_exact(number, budget)?.ln(budget);
        }
        difference.apply(|context, x| context.ln_1p(x, None), budget)
    }
}

fn context() -> Context<HalfEven> {
    Context::new(PRECISION_BITS + GUARD_BITS)
}

/// Approximations may be as large and as small as exact numbers.
fn range_bits(budget: &Budget<'_>) -> usize {
    budget.limits().max_number_bits
}
