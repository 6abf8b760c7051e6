//! Which rows are read.
//!
//! A table that is small enough is read whole. Of a larger one, rows are chosen where choosing is cheapest: by equal ranges of a
//! whole-number key, by PostgreSQL's TABLESAMPLE, or by chance while the keys are read once. What has no key (a view, a
//! foreign table) gives the rows that come first, and the report says that this is no random choice.

use super::super::dialect::{self, Identity, Method};
use super::super::discover::Subject;
use super::super::questions::{PATIENCE, Questions, may_be_left_out};
use super::super::stats::random::Random;
use crate::catalog::RowCount;
use crate::error::{DatabaseError, ErrorKind};
use crate::request::TableFilter;
use crate::result::Cell;

/// Ranges asked for in one statement: fewer than the SELECTs that SQLite joins.
const RANGES: usize = 150;
/// Attempts to find the share that gives about as many rows as wanted.
const ATTEMPTS: usize = 5;

/// The key of one row.
pub(crate) type Key = Vec<Cell>;

/// The rows that are to be read.
pub(crate) struct Chosen {
    /// Their keys; `None` where rows have none and are read as they come.
    pub(crate) keys: Option<Vec<Key>>,
    pub(crate) method: Method,
    pub(crate) population: RowCount,
}

/// Chooses about `target` rows.
pub(crate) async fn choose(
    questions: &Questions<'_>,
    subject: &Subject,
    target: usize,
) -> Result<Chosen, DatabaseError> {
    if subject.identity == Identity::None {
        return Ok(as_they_come(RowCount::Unknown));
    }
    let (first, more) = match select(questions, subject, &subject.from, target).await {
        // A key may be among the columns that may not be read.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Ok(as_they_come(RowCount::Unknown));
        }
        selected => selected?,
    };
    if subject
        .identity
        .condition(subject.dialect, &first.iter().map(Vec::as_slice).collect::<Vec<_>>())
        .is_none()
    {
        // Keys that can't be written back, such as some of many kilobytes.
        return Ok(as_they_come(RowCount::Unknown));
    }
    if !more {
        let population = RowCount::Exact(first.len() as u64);
        return Ok(Chosen { keys: Some(first), method: Method::AllRows, population });
    }
    let population = count(questions, subject).await?;
    let mut by_range = Vec::new();
    if let Some(key) = whole_number_key(subject) {
        by_range = in_ranges(questions, subject, &key, target).await?;
        // Nearly every range has a row: the keys are spread evenly enough to stand for the rows.
        if by_range.len() >= target / 10 * 9 {
            return Ok(Chosen { keys: Some(by_range), method: Method::KeyRanges, population });
        }
    }
    match at_random(questions, subject, target, population).await {
        Ok(Some((keys, method))) => Ok(Chosen { keys: Some(keys), method, population }),
        Ok(None) => Ok(ranges_or_first(by_range, population)),
        Err(error) if may_be_left_out(&error) => Ok(ranges_or_first(by_range, population)),
        Err(error) => Err(error),
    }
}

fn as_they_come(population: RowCount) -> Chosen {
    Chosen { keys: None, method: Method::FirstRows, population }
}

/// What is left where reading all keys once takes too long.
fn ranges_or_first(keys: Vec<Key>, population: RowCount) -> Chosen {
    const ENOUGH: usize = 100;
    if keys.len() < ENOUGH {
        return as_they_come(population);
    }
    Chosen { keys: Some(keys), method: Method::KeyRanges, population }
}

fn whole_number_key(subject: &Subject) -> Option<String> {
    match &subject.identity {
        Identity::Number(column) => Some(column.clone()),
        Identity::Columns(columns) => match columns.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        },
        Identity::Place | Identity::None => None,
    }
}

/// The keys of at most `most` rows, and whether there are more.
async fn select(
    questions: &Questions<'_>,
    subject: &Subject,
    from: &str,
    most: usize,
) -> Result<(Vec<Key>, bool), DatabaseError> {
    let sql = format!("SELECT {} FROM {from} LIMIT {}", subject.identity.select(), most + 1);
    let result = questions.ask(sql, Vec::new(), most, PATIENCE).await?;
    Ok((result.rows, result.truncated))
}

/// How many rows the table has, as far as that is cheap to know.
async fn count(questions: &Questions<'_>, subject: &Subject) -> Result<RowCount, DatabaseError> {
    /// Tables whose rows are counted rather than estimated.
    const COUNTED: u64 = 20_000_000;
    let description = &subject.description;
    let filter =
        TableFilter { schema: description.schema.clone(), pattern: Some(description.name.clone()) };
    let listed = match questions.within_time(questions.engine.tables(&filter)).await {
        Ok(list) => list.tables,
        // A name that is longer than a pattern may be.
        Err(error) if may_be_left_out(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let same = |name: &str, schema: &Option<String>| {
        *name == description.name && *schema == description.schema
    };
    let known = listed
        .iter()
        .find(|table| same(&table.name, &table.schema))
        .map_or(RowCount::Unknown, |table| table.rows);
    if matches!(known, RowCount::Exact(_))
        || matches!(known, RowCount::Estimate(rows) if rows > COUNTED)
    {
        return Ok(known);
    }
    let counted = questions.try_row(format!("SELECT count(*) FROM {}", subject.from)).await?;
    Ok(match counted.as_deref() {
        Some([Cell::Integer(rows)]) => RowCount::Exact(rows.unsigned_abs()),
        _ => known,
    })
}

/// One key at a random place in each of `target` equal ranges, as far as ranges have one.
async fn in_ranges(
    questions: &Questions<'_>,
    subject: &Subject,
    key: &str,
    target: usize,
) -> Result<Vec<Key>, DatabaseError> {
    let from = &subject.from;
    let ends = format!("SELECT (SELECT min({key}) FROM {from}), (SELECT max({key}) FROM {from})");
    let (low, high) = match questions.try_row(ends).await?.as_deref() {
        Some([Cell::Integer(low), Cell::Integer(high)]) if low < high => (*low, *high),
        _ => return Ok(Vec::new()),
    };
    let mut random = Random::new();
    let ranges = spread(low, high, target, &mut random);
    let mut keys = Vec::with_capacity(ranges.len());
    let mut empty = Vec::new();
    for ranges in ranges.chunks(RANGES) {
        let asked: Vec<(i64, i64)> = ranges.iter().map(|range| (range.start, range.end)).collect();
        let found = first_keys(questions, subject, key, &asked).await?;
        for (range, found) in ranges.iter().zip(found) {
            match found {
                Some(found) => keys.push(vec![found]),
                // The part of the range in front of the random place.
                None if range.begin < range.start => empty.push((range.begin, range.start - 1)),
                None => {}
            }
        }
    }
    for ranges in empty.chunks(RANGES) {
        let found = first_keys(questions, subject, key, ranges).await?;
        keys.extend(found.into_iter().flatten().map(|found| vec![found]));
    }
    Ok(keys)
}

async fn first_keys(
    questions: &Questions<'_>,
    subject: &Subject,
    key: &str,
    ranges: &[(i64, i64)],
) -> Result<Vec<Option<Cell>>, DatabaseError> {
    let sql = dialect::first_in_ranges(&subject.from, key, ranges);
    let result = questions.ask(sql, Vec::new(), ranges.len(), PATIENCE).await?;
    let whole = |cell: Cell| matches!(cell, Cell::Integer(_)).then_some(cell);
    Ok(result.rows.into_iter().map(|row| row.into_iter().next().and_then(whole)).collect())
}

/// One of the equal ranges, both ends included, and the random place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    begin: i64,
    start: i64,
    end: i64,
}

/// Cuts the span from `low` to `high` into at most `count` equal ranges.
fn spread(low: i64, high: i64, count: usize, random: &mut Random) -> Vec<Range> {
    let width = (i128::from(high) - i128::from(low) + 1).unsigned_abs();
    let count = (count as u128).min(width).max(1);
    // Every place lies between two 64-bit numbers.
    let at = |offset: u128| i64::try_from(i128::from(low) + offset.cast_signed()).unwrap_or(high);
    (0..count)
        .map(|index| {
            let (begin, end) = (width * index / count, width * (index + 1) / count);
            let start = begin + random.below(end - begin);
            Range { begin: at(begin), start: at(start), end: at(end - 1) }
        })
        .collect()
}

/// Keys by chance, with shares that are tried until about as many come as wanted.
async fn at_random(
    questions: &Questions<'_>,
    subject: &Subject,
    target: usize,
    population: RowCount,
) -> Result<Option<(Vec<Key>, Method)>, DatabaseError> {
    /// Assumed where nothing is known; a wrong guess costs another attempt.
    const GUESS: u64 = 10_000_000;
    let rows = match population {
        RowCount::Exact(rows) | RowCount::Estimate(rows) if rows > 0 => rows,
        RowCount::AtLeast(rows) => rows.max(GUESS),
        _ => GUESS,
    };
    #[expect(clippy::cast_precision_loss, reason = "a share of rows")]
    // A little fewer than fit, because the first of too many would be no random choice.
    let mut share = (0.9 * target as f64 / rows as f64).min(1.0);
    let mut best = None;
    for _ in 0..ATTEMPTS {
        let (from, method) = dialect::random_rows(subject.dialect, &subject.from, share, rows);
        let (keys, more) = select(questions, subject, &from, target).await?;
        if more {
            share /= 3.0;
            continue;
        }
        let enough = keys.len() >= target / 2 || share >= 1.0;
        let found = keys.len();
        if best.as_ref().is_none_or(|(kept, _): &(Vec<Key>, Method)| kept.len() < found) {
            best = Some((keys, method));
        }
        if enough {
            break;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share of rows")]
        let missing = (0.8 * target as f64 / found.max(1) as f64).clamp(1.2, 20.0);
        share = (share * missing).min(1.0);
    }
    Ok(best.filter(|(keys, _)| !keys.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_cover_the_span_without_a_gap(low: i64, high: i64, count in 1_usize..50) {
            prop_assume!(low <= high);
            let ranges = spread(low, high, count, &mut Random::new());
            prop_assert_eq!(ranges[0].begin, low);
            prop_assert_eq!(ranges[ranges.len() - 1].end, high);
            for range in &ranges {
                prop_assert!(range.begin <= range.start && range.start <= range.end);
            }
            for pair in ranges.windows(2) {
                prop_assert_eq!(i128::from(pair[0].end) + 1, i128::from(pair[1].begin));
            }
        }
    }
}
