//! What an expression may cost, and the account that is charged before any work is done.
//!
//! One unit is about one multiplication of two machine words. Charges are upper bounds taken from
//! the sizes of the operands, so that the same expression costs the same on every machine and a
//! test can assert on it. No clock is read here.

use super::error::EvalError;

/// What an expression may cost. The defaults answer anything that fits on a few pages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest expression, in bytes.
    pub max_expression_bytes: usize,
    /// Deepest nesting of parentheses, calls, signs and powers. Values above 256 count as 256,
    /// because the parser's own stack is finite.
    pub max_depth: usize,
    /// Largest numerator or denominator of any number on the way, in bits.
    pub max_number_bits: usize,
    /// Longest fraction that is shown exactly, in decimal digits of numerator and denominator
    /// together; a longer one is shown as an approximation and marked as inexact.
    pub max_fraction_digits: usize,
    /// Longest integer result, in decimal digits; a longer one is refused.
    pub max_result_digits: usize,
    /// Total work, in multiplications of machine words.
    pub max_work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_expression_bytes: 4096,
            max_depth: 200,
            max_number_bits: 131_072,
            max_fraction_digits: 200,
            max_result_digits: 10_000,
            max_work: 50_000_000,
        }
    }
}

/// The parser recurses once per level; this many levels fit a 2 MiB stack in a debug build.
const DEPTH_CEILING: usize = 256;

/// The account of one evaluation. It also knows where in the source the machine is, so that a
/// refusal deep inside a function can point at the call.
#[derive(Debug)]
pub(super) struct Budget<'a> {
    limits: &'a Limits,
    source: &'a str,
    /// Byte offset of what is being evaluated.
    pub(super) offset: usize,
    work: u64,
}

impl<'a> Budget<'a> {
    pub(super) fn new(limits: &'a Limits, source: &'a str) -> Self {
        Self { limits, source, offset: 0, work: 0 }
    }

    pub(super) fn limits(&self) -> &'a Limits {
        self.limits
    }

    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    pub(super) fn max_depth(&self) -> usize {
        self.limits.max_depth.min(DEPTH_CEILING)
    }

    /// Work charged so far.
    pub(super) fn work(&self) -> u64 {
        self.work
    }

    /// Charges `units`, or refuses without having done anything.
    pub(super) fn charge(&mut self, units: u64) -> Result<(), EvalError> {
        let work = self.work.saturating_add(units);
        if work > self.limits.max_work {
            let (column, limit) = (self.column(), self.limits.max_work);
            return Err(EvalError::TooMuchWork { column, limit });
        }
        self.work = work;
        Ok(())
    }

    /// Charges a schoolbook multiplication or division of numbers of these sizes.
    pub(super) fn charge_product(&mut self, a_bits: usize, b_bits: usize) -> Result<(), EvalError> {
        self.charge(words(a_bits).saturating_mul(words(b_bits)))
    }

    /// Charges `factor` passes that are quadratic in a number of this size.
    pub(super) fn charge_squares(&mut self, factor: u64, bits: usize) -> Result<(), EvalError> {
        self.charge(words(bits).saturating_mul(words(bits)).saturating_mul(factor))
    }

    /// Refuses a number of `bits` before it is built.
    pub(super) fn check_bits(&self, bits: usize) -> Result<(), EvalError> {
        if bits > self.limits.max_number_bits { Err(self.too_large()) } else { Ok(()) }
    }

    /// Like [`Self::check_bits`] for an estimate, which may be far beyond any integer type.
    /// Returns the estimate as a whole number of bits.
    pub(super) fn check_estimate(&self, bits: f64) -> Result<usize, EvalError> {
        // Written so that NaN is refused too.
        if bits <= self.limits.max_number_bits as f64 {
            Ok(bits.max(0.0) as usize + 1)
        } else {
            Err(self.too_large())
        }
    }

    pub(super) fn too_large(&self) -> EvalError {
        let limit_bits = self.limits.max_number_bits;
        let limit_digits = (limit_bits as f64 * std::f64::consts::LOG10_2) as usize;
        EvalError::TooLarge { column: self.column(), limit_bits, limit_digits }
    }

    pub(super) fn domain(&self, function: &'static str, reason: &'static str) -> EvalError {
        EvalError::Domain { column: self.column(), function, reason }
    }

    pub(super) fn division_by_zero(&self) -> EvalError {
        EvalError::DivisionByZero { column: self.column() }
    }

    pub(super) fn column(&self) -> usize {
        self.column_at(self.offset)
    }

    /// Turns a byte offset into a column that a person can count to.
    pub(super) fn column_at(&self, offset: usize) -> usize {
        self.source.char_indices().take_while(|(index, _)| *index < offset).count() + 1
    }
}

fn words(bits: usize) -> u64 {
    (bits / 64 + 1) as u64
}
