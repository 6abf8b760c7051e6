//! How many distinct values a whole table has, from those of a sample.

/// The estimator Duj1 of Haas and Stokes (1998, "Estimating the number of classes in a finite population"), which PostgreSQL's
/// ANALYZE uses too: `n d / (n - f1 + f1 n / N)` for `d` distinct values in `n` of `N` rows, `f1` of which occur once.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate"
)]
pub(crate) fn estimate_distinct(rows: u64, distinct: u64, once: u64, population: u64) -> u64 {
    if rows == 0 || population <= rows {
        return distinct;
    }
    let (n, d, f1, all) = (rows as f64, distinct as f64, once as f64, population as f64);
    let estimate = n * d / (n - f1 + f1 * n / all);
    (estimate.round() as u64).clamp(distinct, population)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // All unique: as many as rows. None occurs once: all were seen. All rows read: exact.
        assert_eq!(estimate_distinct(1_000, 1_000, 1_000, 50_000), 50_000);
        assert_eq!(estimate_distinct(1_000, 7, 0, 50_000), 7);
        assert_eq!(estimate_distinct(1_000, 300, 100, 1_000), 300);
        assert_eq!(estimate_distinct(0, 0, 0, 1_000), 0);
        // 1000 * 600 / (1000 - 400 + 400 * 1000 / 10000) = 937.5.
        assert_eq!(estimate_distinct(1_000, 600, 400, 10_000), 938);
    }
}
