//! How two columns of categories go together: Cramér's V with Bergsma's correction (Bergsma 2013, "A bias-correction for
//! Cramér's V and Tschuprow's T"), because the plain one finds association in any small sample.

/// The corrected V from 0 to 1; `None` where a column has one category or fewer than two rows are there.
#[expect(clippy::cast_precision_loss, reason = "samples have far fewer rows than 2^53")]
pub(crate) fn cramers_v(pairs: &[(usize, usize)]) -> Option<f64> {
    let rows = pairs.iter().map(|pair| pair.0).max()? + 1;
    let columns = pairs.iter().map(|pair| pair.1).max()? + 1;
    let mut table = vec![0_u64; rows * columns];
    let (mut by_row, mut by_column) = (vec![0_u64; rows], vec![0_u64; columns]);
    for &(row, column) in pairs {
        table[row * columns + column] += 1;
        by_row[row] += 1;
        by_column[column] += 1;
    }
    let n = pairs.len() as f64;
    let used = |counts: &[u64]| counts.iter().filter(|&&count| count > 0).count() as f64;
    let (r, k) = (used(&by_row), used(&by_column));
    if n < 2.0 || r < 2.0 || k < 2.0 {
        return None;
    }
    let mut chi_square = 0.0;
    for (row, &in_row) in by_row.iter().enumerate() {
        for (column, &in_column) in by_column.iter().enumerate() {
            let expected = in_row as f64 * in_column as f64 / n;
            if expected > 0.0 {
                chi_square += (table[row * columns + column] as f64 - expected).powi(2) / expected;
            }
        }
    }
    let phi_square = (chi_square / n - (r - 1.0) * (k - 1.0) / (n - 1.0)).max(0.0);
    let corrected = |categories: f64| categories - (categories - 1.0).powi(2) / (n - 1.0);
    let least = corrected(r).min(corrected(k)) - 1.0;
    (least > 0.0).then(|| (phi_square / least).sqrt().min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(counts: &[&[usize]]) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for (row, counts) in counts.iter().enumerate() {
            for (column, &count) in counts.iter().enumerate() {
                pairs.extend(std::iter::repeat_n((row, column), count));
            }
        }
        pairs
    }

    #[test]
    fn known_values() {
        // chi^2 = 100 * (40*40 - 10*10)^2 / 50^4 = 36, n = 100: phi^2 = 0.36 - 1/99, r~ = 2 - 1/99.
        let expected = ((0.36 - 1.0 / 99.0) / (1.0 - 1.0 / 99.0_f64)).sqrt();
        let found = cramers_v(&table(&[&[40, 10], &[10, 40]])).unwrap();
        assert!((found - expected).abs() < 1e-12, "{found}");
        let perfect = cramers_v(&table(&[&[50, 0], &[0, 50]])).unwrap();
        assert!((perfect - 1.0).abs() < 1e-9, "{perfect}");
        assert_eq!(cramers_v(&table(&[&[25, 25], &[25, 25]])), Some(0.0));
    }

    #[test]
    fn one_category_has_no_association() {
        assert_eq!(cramers_v(&table(&[&[10, 20]])), None);
        assert_eq!(cramers_v(&[]), None);
        assert_eq!(cramers_v(&[(0, 0)]), None);
    }
}
