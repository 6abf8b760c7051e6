//! Which columns of the sample go together.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::dialect::Class;
use super::progress::{Stage, Watcher};
use super::report::{CategoryPair, Correlation, NumericPair};
use super::sample::Sample;
use super::sample::column::ColumnSample;
use super::stats::association::cramers_v;
use super::stats::correlation::{pearson, spearman};
use super::stats::number::Number;
use super::stats::round_coefficient;

/// Columns of each sort that are compared, the first ones of the table.
const MAX_COLUMNS: usize = 24;
/// Pairs of each sort that are told.
const MAX_PAIRS: usize = 40;
/// Distinct values that make categories.
const CATEGORIES: std::ops::RangeInclusive<usize> = 2..=20;

/// Compares columns of numbers with each other, and columns of categories with each other.
pub(crate) async fn correlations(sample: &Sample, watcher: &dyn Watcher) -> Correlation {
    let mut correlation = Correlation::default();
    let is_numeric = |column: &&ColumnSample| {
        column.class() == Class::Number && column.numbers.len() >= 3 && column.seen.len() > 1
    };
    let is_category = |column: &&ColumnSample| {
        let class = column.class();
        !matches!(class, Class::Number | Class::Bytes) && CATEGORIES.contains(&column.seen.len())
    };
    let numeric: Vec<&ColumnSample> = sample.columns.iter().filter(is_numeric).collect();
    let categories: Vec<&ColumnSample> = sample.columns.iter().filter(is_category).collect();
    let compared = numeric.len().min(MAX_COLUMNS) + categories.len().min(MAX_COLUMNS);
    correlation.columns_compared = compared;
    correlation.columns_left_out = numeric.len() + categories.len() - compared;
    let numbers: Vec<Vec<(usize, Point)>> =
        numeric.iter().take(MAX_COLUMNS).map(|column| points(column)).collect();
    for (i, first) in numbers.iter().enumerate() {
        for (j, second) in numbers.iter().enumerate().skip(i + 1) {
            let pairs = joined(first, second);
            let values: Vec<(f64, f64)> =
                pairs.iter().map(|(a, b)| (a.distance, b.distance)).collect();
            let orders: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (a.order, b.order)).collect();
            let (pearson, spearman) = (pearson(&values), spearman(&orders));
            if pearson.is_some() || spearman.is_some() {
                correlation.numeric.push(NumericPair {
                    columns: [numeric[i].name.clone(), numeric[j].name.clone()],
                    rows: pairs.len(),
                    pearson: pearson.map(round_coefficient),
                    spearman: spearman.map(round_coefficient),
                });
            }
            tokio::task::yield_now().await;
        }
        watcher.tell(Stage::Analyse, i, compared, "comparing numbers").await;
    }
    let indexes: Vec<Vec<Option<usize>>> =
        categories.iter().take(MAX_COLUMNS).map(|column| indexed(column)).collect();
    for (i, first) in indexes.iter().enumerate() {
        for (j, second) in indexes.iter().enumerate().skip(i + 1) {
            let pairs: Vec<(usize, usize)> =
                first.iter().zip(second).filter_map(|(a, b)| Some(((*a)?, (*b)?))).collect();
            if let Some(v) = cramers_v(&pairs) {
                correlation.categories.push(CategoryPair {
                    columns: [categories[i].name.clone(), categories[j].name.clone()],
                    rows: pairs.len(),
                    cramers_v: round_coefficient(v),
                });
            }
            tokio::task::yield_now().await;
        }
        watcher.tell(Stage::Analyse, numbers.len() + i, compared, "comparing categories").await;
    }
    keep_strongest(&mut correlation);
    correlation
}

fn keep_strongest(correlation: &mut Correlation) {
    correlation.numeric.sort_by(|a, b| b.strength().total_cmp(&a.strength()));
    correlation.categories.sort_by(|a, b| b.cramers_v.total_cmp(&a.cramers_v));
    let left_out = |pairs: usize| pairs.saturating_sub(MAX_PAIRS);
    correlation.pairs_left_out =
        left_out(correlation.numeric.len()) + left_out(correlation.categories.len());
    correlation.numeric.truncate(MAX_PAIRS);
    correlation.categories.truncate(MAX_PAIRS);
}

impl NumericPair {
    /// The stronger of both coefficients, without its sign.
    pub(crate) fn strength(&self) -> f64 {
        self.pearson.unwrap_or(0.0).abs().max(self.spearman.unwrap_or(0.0).abs())
    }
}

/// A number as correlations need it: neither moving all numbers nor counting them through changes a coefficient, and large
/// ones that differ little would be the same as 64-bit floats.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    /// How far it is from the first number.
    distance: f64,
    /// How many different numbers are smaller.
    order: f64,
}

/// The numbers that a 64-bit float can hold, with their rows in order.
fn points(column: &ColumnSample) -> Vec<(usize, Point)> {
    let Some((_, origin)) = column.numbers.first() else { return Vec::new() };
    let mut sorted: Vec<&Number> = column.numbers.iter().map(|(_, number)| number).collect();
    sorted.sort();
    sorted.dedup_by(|a, b| a.cmp(&b) == Ordering::Equal);
    #[expect(clippy::cast_precision_loss, reason = "samples have far fewer rows than 2^53")]
    let order = |number: &Number| sorted.partition_point(|other| *other < number) as f64;
    let point = |number: &Number| Point { distance: number.minus(origin), order: order(number) };
    let points = column.numbers.iter().map(|(row, number)| (*row, point(number)));
    points.filter(|(_, point)| point.distance.is_finite()).collect()
}

/// The values of rows that have both.
fn joined<T: Copy>(first: &[(usize, T)], second: &[(usize, T)]) -> Vec<(T, T)> {
    let mut others = second.iter().peekable();
    let mut pairs = Vec::with_capacity(first.len().min(second.len()));
    for (row, x) in first {
        while others.next_if(|(other, _)| other < row).is_some() {}
        if let Some((_, y)) = others.next_if(|(other, _)| other == row) {
            pairs.push((*x, *y));
        }
    }
    pairs
}

/// The category of each row by a small number.
fn indexed(column: &ColumnSample) -> Vec<Option<usize>> {
    let mut numbers = HashMap::new();
    let mut index = |hash: u64| {
        let next = numbers.len();
        *numbers.entry(hash).or_insert(next)
    };
    column.hashes.iter().map(|&hash| (hash != 0).then(|| index(hash))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_with_both_values_are_joined() {
        let first = [(0, 1.0), (2, 2.0), (5, 3.0), (6, 4.0)];
        let second = [(1, 10.0), (2, 20.0), (6, 40.0)];
        assert_eq!(joined(&first, &second), [(2.0, 20.0), (4.0, 40.0)]);
        assert_eq!(joined(&first, &[]), []);
    }

    #[test]
    fn neighbours_far_from_zero_are_different_points() {
        let mut column = ColumnSample::new("n", "numeric", Class::Number, 100);
        let digits = ["18446744073709551001", "18446744073709551002", "18446744073709551001.0"];
        for (row, text) in digits.into_iter().enumerate() {
            column.numbers.push((row, Number::Decimal(text.into())));
        }
        let found: Vec<(f64, f64)> =
            points(&column).iter().map(|(_, point)| (point.distance, point.order)).collect();
        assert_eq!(found, [(0.0, 0.0), (1.0, 1.0), (0.0, 0.0)]);
    }
}
