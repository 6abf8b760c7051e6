//! Quantiles of sorted values, in SQL's sense of `percentile_disc`: the least value with at least the share `p` of all values
//! at or below it (type 1 of Hyndman and Fan 1996, "Sample quantiles in statistical packages"). It always is a value that occurs.

/// The quantile of sorted values; `None` of no values.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples have far fewer rows than 2^53, and p is from 0 to 1"
)]
pub(crate) fn quantile<T>(sorted: &[T], p: f64) -> Option<&T> {
    // A share such as 0.95 is no float: without this, 95 % of 100 values would be 96 of them on some machines.
    let rank = (p * sorted.len() as f64 - 1e-9).ceil() as usize;
    sorted.get(rank.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        let ten: Vec<u32> = (1..=10).collect();
        for (p, expected) in
            [(0.0, 1), (0.1, 1), (0.11, 2), (0.25, 3), (0.5, 5), (0.75, 8), (0.95, 10), (1.0, 10)]
        {
            assert_eq!(quantile(&ten, p), Some(&expected), "{p}");
        }
        let hundred: Vec<u32> = (1..=100).collect();
        for percent in 1..=100 {
            assert_eq!(quantile(&hundred, f64::from(percent) / 100.0), Some(&percent));
        }
        assert_eq!(quantile::<u32>(&[], 0.5), None);
        assert_eq!(quantile(&[7], 0.5), Some(&7));
    }

    proptest! {
        #[test]
        fn it_is_the_least_value_with_that_share_at_or_below(
            mut values in proptest::collection::vec(0_i32..50, 1..80),
            percent in 1_usize..=100,
        ) {
            values.sort_unstable();
            #[expect(clippy::cast_precision_loss, reason = "at most 100")]
            let found = *quantile(&values, percent as f64 / 100.0).unwrap();
            let share = |limit: i32| values.iter().filter(|&&value| value <= limit).count() * 100;
            let least = *values.iter().find(|&&value| share(value) >= percent * values.len()).unwrap();
            prop_assert_eq!(found, least);
        }
    }
}
