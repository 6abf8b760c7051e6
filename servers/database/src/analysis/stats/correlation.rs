//! How two columns of numbers go together: Pearson's r for lines, Spearman's rho (Pearson's r of the ranks, ties sharing their
//! mean rank) for anything that only rises or falls.

/// Pearson's r; `None` for fewer than three pairs or a column without spread.
///
/// Co-moments are updated as in Welford's method, so that large means cost no digits.
#[expect(clippy::cast_precision_loss, reason = "samples have far fewer rows than 2^53")]
pub(crate) fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let (mut mean_x, mut mean_y, mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (index, &(x, y)) in pairs.iter().enumerate() {
        let n = (index + 1) as f64;
        let (dx, dy) = (x - mean_x, y - mean_y);
        mean_x += dx / n;
        mean_y += dy / n;
        xx += dx * (x - mean_x);
        yy += dy * (y - mean_y);
        xy += dx * (y - mean_y);
    }
    if xx <= 0.0 || yy <= 0.0 {
        return None;
    }
    // Two roots rather than the root of a product, which overflows sooner.
    let r = xy / (xx.sqrt() * yy.sqrt());
    r.is_finite().then(|| r.clamp(-1.0, 1.0))
}

/// Spearman's rho; `None` as for [`pearson`].
pub(crate) fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let xs = ranks(pairs.iter().map(|pair| pair.0));
    let ys = ranks(pairs.iter().map(|pair| pair.1));
    let ranked: Vec<(f64, f64)> = xs.into_iter().zip(ys).collect();
    pearson(&ranked)
}

/// The rank of each value from 1; equal values share the mean of theirs.
#[expect(clippy::cast_precision_loss, reason = "samples have far fewer rows than 2^53")]
fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut ordered: Vec<(f64, usize)> = values.zip(0..).collect();
    ordered.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; ordered.len()];
    let mut first = 0;
    for equal in ordered.chunk_by(|a, b| a.0 == b.0) {
        let shared = first as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|&(_, index)| ranks[index] = shared);
        first += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn known_values() {
        let line: Vec<(f64, f64)> =
            (0..5).map(|x| (f64::from(x), 2.0 * f64::from(x) + 1.0)).collect();
        near(pearson(&line), 1.0);
        let curve: Vec<(f64, f64)> =
            (0..5).map(|x| (f64::from(x), -f64::from(x * x * x))).collect();
        near(spearman(&curve), -1.0);
        // Anscombe (1973), first set.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        let pairs: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        near(pearson(&pairs), 0.816_420_516_344_840_2);
        near(spearman(&pairs), 0.818_181_818_181_818_2);
    }

    #[test]
    fn ties_share_their_rank() {
        assert_eq!(ranks([3.0, 1.0, 3.0, -0.0, 0.0].into_iter()), [4.5, 3.0, 4.5, 1.5, 1.5]);
    }

    #[test]
    fn without_spread_there_is_no_answer() {
        assert_eq!(pearson(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(pearson(&[(1.0, 1.0), (2.0, 2.0)]), None);
        assert_eq!(pearson(&[(f64::MAX, 1.0), (f64::MIN, 2.0), (0.0, 3.0)]), None);
    }

    proptest! {
        #[test]
        fn one_pass_agrees_with_the_definition(
            pairs in proptest::collection::vec((-1e3..1e3_f64, -1e3..1e3_f64), 3..100)
        ) {
            #[expect(clippy::cast_precision_loss, reason = "few")]
            let n = pairs.len() as f64;
            let mean_x = pairs.iter().map(|p| p.0).sum::<f64>() / n;
            let mean_y = pairs.iter().map(|p| p.1).sum::<f64>() / n;
            let xy: f64 = pairs.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
            let xx: f64 = pairs.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
            let yy: f64 = pairs.iter().map(|p| (p.1 - mean_y).powi(2)).sum();
            prop_assume!(xx > 1e-6 && yy > 1e-6);
            prop_assert!((pearson(&pairs).unwrap() - xy / (xx * yy).sqrt()).abs() < 1e-9);
        }

        #[test]
        fn ranks_are_what_counting_gives(values in proptest::collection::vec(0_i32..20, 1..60)) {
            let found = ranks(values.iter().map(|&value| f64::from(value)));
            for (value, rank) in values.iter().zip(found) {
                let below = values.iter().filter(|other| *other < value).count();
                let equal = values.iter().filter(|other| *other == value).count();
                #[expect(clippy::cast_precision_loss, reason = "few")]
                let expected = below as f64 + (equal as f64 + 1.0) / 2.0;
                prop_assert!((rank - expected).abs() < 1e-12);
            }
        }
    }
}
