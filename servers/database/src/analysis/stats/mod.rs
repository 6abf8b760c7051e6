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
    }
}
