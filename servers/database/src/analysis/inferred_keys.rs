//! Columns, and small sets of columns, that tell all rows apart.
//!
//! Unique in a sample is not unique in the table, so that what is found is called inferred. Sets are looked for only where no
//! single column does it, and only minimal ones are told.

use std::collections::HashSet;

use super::report::Keys;
use super::sample::Sample;
use super::sample::column::ColumnSample;
use crate::catalog::TableDescription;

/// With fewer rows nearly everything is unique.
const FEWEST_ROWS: usize = 30;
/// Columns that sets are made of, those with the most distinct values first.
const CANDIDATES: usize = 12;
/// Keys told at most.
const MAX_KEYS: usize = 10;

/// The declared keys, and those that the sample suggests.
pub(crate) fn keys(table: &TableDescription, sample: &Sample) -> Keys {
    let mut declared = Vec::new();
    if !table.primary_key.is_empty() {
        declared.push(table.primary_key.clone());
    }
    declared.extend(table.unique.iter().cloned());
    let mut inferred = infer(sample);
    let is_declared = |key: &Vec<String>| {
        declared
            .iter()
            .any(|known| known.len() == key.len() && known.iter().all(|name| key.contains(name)))
    };
    inferred.retain(|key| !is_declared(key));
    Keys { declared, inferred }
}

fn infer(sample: &Sample) -> Vec<Vec<String>> {
    if sample.rows < FEWEST_ROWS {
        return Vec::new();
    }
    // A cut value could be equal to another one only because it was cut, and NULL is no key.
    let whole = |column: &&ColumnSample| column.nulls == 0 && column.cut == 0;
    let usable: Vec<&ColumnSample> = sample.columns.iter().filter(whole).collect();
    let names =
        |columns: &[&ColumnSample]| columns.iter().map(|column| column.name.clone()).collect();
    let single: Vec<Vec<String>> = usable
        .iter()
        .filter(|column| column.seen.len() == sample.rows)
        .take(MAX_KEYS)
        .map(|column| names(&[column]))
        .collect();
    if !single.is_empty() {
        return single;
    }
    let mut candidates: Vec<&ColumnSample> =
        usable.into_iter().filter(|column| column.seen.len() > 1).collect();
    candidates.sort_by_key(|column| std::cmp::Reverse(column.seen.len()));
    candidates.truncate(CANDIDATES);
    for size in [2, 3] {
        let found: Vec<Vec<String>> = subsets(&candidates, size)
            .filter(|set| is_unique(set, sample.rows))
            .take(MAX_KEYS)
            .map(|set| names(&set))
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// All subsets of two or three.
fn subsets<'a>(
    all: &'a [&'a ColumnSample],
    size: usize,
) -> Box<dyn Iterator<Item = Vec<&'a ColumnSample>> + 'a> {
    let pairs = (0..all.len()).flat_map(move |i| (i + 1..all.len()).map(move |j| (i, j)));
    if size == 2 {
        return Box::new(pairs.map(|(i, j)| vec![all[i], all[j]]));
    }
    Box::new(
        pairs.flat_map(move |(i, j)| (j + 1..all.len()).map(move |k| vec![all[i], all[j], all[k]])),
    )
}

fn is_unique(set: &[&ColumnSample], rows: usize) -> bool {
    let mut combinations: usize = 1;
    for column in set {
        combinations = combinations.saturating_mul(column.seen.len());
    }
    // Too few combinations for so many rows.
    if combinations < rows {
        return false;
    }
    let mut seen = HashSet::with_capacity(rows);
    (0..rows).all(|row| {
        let value = |index: usize| set.get(index).map_or(0, |column| column.hashes[row]);
        seen.insert([value(0), value(1), value(2)])
    })
}
