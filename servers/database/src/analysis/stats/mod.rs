//! Statistics over numbers and categories. They know neither tables nor databases; each names where its formula is from.

pub(crate) mod association;
pub(crate) mod correlation;
pub(crate) mod distinct;
pub(crate) mod moments;
pub(crate) mod number;
pub(crate) mod outliers;
pub(crate) mod quantiles;
pub(crate) mod random;

/// A computed figure to six significant digits: more would be noise, and every digit costs its reader.
pub(crate) fn round(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}

/// A computed figure to six significant digits of the spread around it, and of itself at least: the mean of large numbers that
/// differ little would otherwise be none of them.
#[expect(clippy::cast_possible_truncation, reason = "the exponent of a float has three digits")]
pub(crate) fn round_beside(x: f64, spread: f64) -> f64 {
    let exponent = |x: f64| if x == 0.0 { f64::MIN_10_EXP } else { x.abs().log10().floor() as i32 };
    let digits = exponent(x).saturating_sub(exponent(spread)).saturating_add(5);
    let digits = usize::try_from(digits.clamp(5, 16)).unwrap_or(5);
    if spread == 0.0 { round(x) } else { format!("{x:.digits$e}").parse().unwrap_or(x) }
}

/// A coefficient to four decimals.
pub(crate) fn round_coefficient(x: f64) -> f64 {
    let rounded = (x * 1e4).round() / 1e4;
    // Minus zero is a riddle to readers.
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_six_digits() {
        for (x, rounded) in [
            (1_234_567.8, 1_234_570.0),
            (0.000_123_456_78, 0.000_123_457),
            (0.0, 0.0),
            (-5.0, -5.0),
        ] {
            assert_eq!(round(x), rounded);
        }
        assert_eq!(round_coefficient(-0.000_01).to_string(), "0");
        for (x, spread, rounded) in [
            (9_007_199_254_741_493.0, 288.8, 9_007_199_254_741_493.0),
            (1_704_067_234.567_89, 86_400.0, 1_704_067_234.6),
            (1_234_567.8, 0.0, 1_234_570.0),
            (0.123_456_789, 55.0, 0.123_457),
            (0.0, 1.0, 0.0),
        ] {
            assert_eq!(round_beside(x, spread), rounded);
        }
    }
}
