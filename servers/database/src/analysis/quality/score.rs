//! One figure for the quality of a table, made of parts that are told with it, so that nobody has to trust the figure.
//!
//! Each part is a share from 0 to 1. Parts that could not be looked at are left out, and the weights of the others share the
//! whole. The weights are a convention of this program.

use super::super::report::{Quality, ScorePart};
use super::super::sample::Sample;
use crate::analysis::stats::{round, round_coefficient};

/// The parts that apply.
pub(super) fn parts(sample: &Sample, invalid: usize, quality: &Quality) -> Vec<ScorePart> {
    let cells = sample.rows * sample.columns.len();
    let filled: usize = sample.columns.iter().map(|column| column.filled()).sum();
    let mut parts = Vec::new();
    let mut part = |part, weight, good: u64, all: u64, why: String| {
        if all > 0 {
            parts.push(ScorePart { part, value: share(good, all), weight, why });
        }
    };
    part(
        "completeness",
        40,
        filled as u64,
        cells as u64,
        format!("{filled} of {cells} cells are not NULL"),
    );
    let rows = sample.rows;
    let unique = rows - quality.duplicate_rows;
    part(
        "uniqueness",
        20,
        unique as u64,
        rows as u64,
        format!("{} of {rows} rows repeat another one", quality.duplicate_rows),
    );
    let valid = filled - invalid.min(filled);
    part(
        "validity",
        25,
        valid as u64,
        filled as u64,
        format!("{invalid} of {filled} values have an issue"),
    );
    let checked: u64 =
        quality.references.iter().filter_map(|reference| reference.rows_checked).sum();
    let orphans: u64 = quality.references.iter().map(|reference| reference.orphans).sum();
    let why = format!("{orphans} of {checked} references lead nowhere");
    part("references", 15, checked - orphans.min(checked), checked, why);
    parts
}

/// The weighted mean of the parts, from 0 to 100.
pub(super) fn total(parts: &[ScorePart]) -> Option<f64> {
    let weights: u32 = parts.iter().map(|part| part.weight).sum();
    let sum: f64 = parts.iter().map(|part| part.value * f64::from(part.weight)).sum();
    (weights > 0).then(|| round(100.0 * sum / f64::from(weights)))
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(good: u64, all: u64) -> f64 {
    let share = round_coefficient(good as f64 / all as f64);
    // What is not perfect must not look so.
    if good < all { share.min(0.9999) } else { share }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_perfect_does_not_look_so() {
        assert_eq!((share(10, 10), share(999_999, 1_000_000), share(0, 5)), (1.0, 0.9999, 0.0));
    }

    #[test]
    fn the_weights_of_missing_parts_are_shared() {
        let part = |value, weight| ScorePart { part: "x", value, weight, why: String::new() };
        assert_eq!(total(&[part(1.0, 40), part(0.5, 20)]), Some(83.3333));
        assert_eq!(total(&[]), None);
    }
}
