//! Values far from the rest.
//!
//! Tukey's fences (Tukey 1977, "Exploratory data analysis"): beyond 1.5 interquartile ranges outside of the quartiles. Where at
//! least half of the values are equal the range can be zero, and everything else would be an outlier; then the modified
//! z-score above 3.5 decides (Iglewicz and Hoaglin 1993), and where that has no spread either, nothing is called an outlier.

use serde::Serialize;

use super::number::Number;
use super::quantiles::quantile;
use super::round_beside;
use crate::result::Cell;

/// Values shown at most.
const SHOWN: usize = 5;
const FENCE: f64 = 1.5;
const MODIFIED_Z: f64 = 3.5;
/// Makes the median deviation of a normal distribution its standard deviation.
const NORMAL: f64 = 0.6745;

/// What lies outside, and by which rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Outliers {
    pub(crate) rule: &'static str,
    /// Values below are outliers.
    pub(crate) below: f64,
    /// Values above are outliers.
    pub(crate) above: f64,
    /// How many rows have one.
    pub(crate) count: usize,
    /// The farthest, the farthest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) examples: Vec<Cell>,
}

/// The outliers of sorted numbers; `None` where there are too few, or no rule applies.
pub(crate) fn outliers(sorted: &[Number]) -> Option<Outliers> {
    /// Quartiles of fewer values say nothing.
    const FEWEST: usize = 8;
    if sorted.len() < FEWEST {
        return None;
    }
    // Everything is measured from the median: far from zero, floats would not tell neighbours apart.
    let median = quantile(sorted, 0.5)?;
    let at = |p| quantile(sorted, p).map(|number| number.minus(median));
    let (first, third) = (at(0.25)?, at(0.75)?);
    let range = third - first;
    let (rule, below, above) = if range > 0.0 {
        ("tukey_1.5_iqr", first - FENCE * range, third + FENCE * range)
    } else {
        let mut deviations: Vec<f64> =
            sorted.iter().map(|number| number.minus(median).abs()).collect();
        deviations.sort_by(f64::total_cmp);
        let spread = *quantile(&deviations, 0.5)?;
        if spread <= 0.0 {
            return None;
        }
        let reach = MODIFIED_Z * spread / NORMAL;
        ("modified_z_3.5", -reach, reach)
    };
    if !below.is_finite() || !above.is_finite() {
        return None;
    }
    let low = sorted.partition_point(|number| number.minus(median) < below);
    let high = sorted.len() - sorted.partition_point(|number| number.minus(median) <= above);
    let mut far: Vec<&Number> = sorted[..low.min(SHOWN)]
        .iter()
        .chain(sorted[sorted.len() - high.min(SHOWN)..].iter())
        .collect();
    let distance = |number: &Number| number.minus(median).abs();
    far.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
    far.dedup();
    let examples = far.into_iter().take(SHOWN).map(Number::cell).collect();
    let shown = |fence: f64| round_beside(median.approximate() + fence, fence);
    Some(Outliers { rule, below: shown(below), above: shown(above), count: low + high, examples })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[i64]) -> Option<Outliers> {
        let mut numbers: Vec<Number> = values.iter().copied().map(Number::Integer).collect();
        numbers.sort();
        outliers(&numbers)
    }

    #[test]
    fn the_fences_are_tukeys() {
        // Quartiles 3 and 8, range 5: the fences are at -4.5 and 15.5.
        let found = of(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 16]).unwrap();
        assert_eq!((found.rule, found.below, found.above), ("tukey_1.5_iqr", -4.5, 15.5));
        assert_eq!((found.count, found.examples), (1, vec![Cell::Integer(16)]));
        assert_eq!(of(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 15]).unwrap().count, 0);
    }

    #[test]
    fn far_from_zero_neighbours_are_told_apart() {
        let far = 9_007_199_254_740_993;
        let found = of(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 16].map(|n| far + n)).unwrap();
        assert_eq!((found.count, found.examples), (1, vec![Cell::Integer(far + 16)]));
    }

    #[test]
    fn the_farthest_come_first() {
        let found = of(&[-100, 1, 2, 3, 4, 5, 6, 7, 8, 9, 50, 90, 90]).unwrap();
        assert_eq!(found.count, 4);
        assert_eq!(found.examples, [Cell::Integer(-100), Cell::Integer(90), Cell::Integer(50)]);
    }

    #[test]
    fn where_most_values_are_equal_nothing_is_called_an_outlier() {
        assert_eq!(of(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), None);
        assert_eq!(of(&[1, 2, 3]), None);
    }

    #[test]
    fn numbers_near_the_end_of_floats_do_not_panic() {
        let mut huge: Vec<Number> =
            (0..20).map(|n| Number::Real(if n % 2 == 0 { f64::MAX } else { f64::MIN })).collect();
        huge.sort();
        assert_eq!(outliers(&huge), None);
    }
}
