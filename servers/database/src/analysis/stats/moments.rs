//! Mean and spread in one pass (Welford 1962, "Note on a method for calculating corrected sums of squares and products"),
//! which does not lose digits where the mean is large and the spread small.

/// What a stream of numbers adds up to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    #[expect(clippy::cast_precision_loss, reason = "samples have far fewer rows than 2^53")]
    pub(crate) fn add(&mut self, x: f64) {
        self.count += 1;
        let before = x - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (x - self.mean);
    }

    /// The mean, if there is one that a 64-bit float can hold.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean).filter(|mean| mean.is_finite())
    }

    /// The standard deviation of a sample (n - 1), from two values on.
    #[expect(clippy::cast_precision_loss, reason = "samples have far fewer rows than 2^53")]
    pub(crate) fn deviation(&self) -> Option<f64> {
        let deviation = (self.squares / (self.count.checked_sub(1)? as f64)).sqrt();
        Some(deviation).filter(|deviation| deviation.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|&x| moments.add(x));
        moments
    }

    #[test]
    fn known_values() {
        let moments = of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(moments.mean(), Some(5.0));
        assert!((moments.deviation().unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!((of(&[]).mean(), of(&[]).deviation()), (None, None));
        assert_eq!((of(&[3.0]).mean(), of(&[3.0]).deviation()), (Some(3.0), None));
    }

    #[test]
    fn a_large_mean_does_not_swallow_a_small_spread() {
        let moments = of(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert!((moments.deviation().unwrap() - 30.0_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn overflow_gives_nothing_rather_than_infinity() {
        assert_eq!(of(&[f64::MAX, -f64::MAX]).deviation(), None);
    }

    proptest! {
        #[test]
        fn they_agree_with_two_passes(values in proptest::collection::vec(-1e6..1e6_f64, 2..200)) {
            #[expect(clippy::cast_precision_loss, reason = "few")]
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
            let moments = of(&values);
            prop_assert!((moments.mean().unwrap() - mean).abs() < 1e-6);
            prop_assert!((moments.deviation().unwrap() - variance.sqrt()).abs() < 1e-6);
        }
    }
}
