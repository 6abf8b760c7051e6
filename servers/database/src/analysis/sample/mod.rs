//! The second stage: a bounded number of rows, read page by page into accumulators.
//!
//! First the rows are chosen by their keys ([`keys`]), then they are read in a random order ([`read`]), so that reading can
//! end early and what was read is still a sample. Each value goes into its column ([`column`]), which keeps counts, not rows.

pub(crate) mod column;
pub(crate) mod keys;
pub(crate) mod read;
pub(crate) mod shown;

use std::hash::RandomState;

use self::column::ColumnSample;
use super::dialect::Method;
use crate::catalog::RowCount;

/// Rows of a sample at most.
pub(crate) const MAX_ROWS: usize = 10_000;
/// Cells of a sample at most, so that many columns do not need much memory.
const MAX_CELLS: usize = 400_000;
/// Bytes read for a sample at most.
const MAX_BYTES: usize = 24 << 20;

/// What was read, by column.
pub(crate) struct Sample {
    pub(crate) columns: Vec<ColumnSample>,
    pub(crate) rows: usize,
    pub(crate) method: Method,
    /// Whether every row of the table was read.
    pub(crate) complete: bool,
    /// How many rows the table has.
    pub(crate) population: RowCount,
    /// Why reading ended before all chosen rows were there.
    pub(crate) ended_early: Option<&'static str>,
    /// Longer texts were cut to this many characters before they were compared.
    pub(crate) compared_characters: usize,
    /// The keys of the rows, where they have some.
    pub(crate) keys: Vec<Vec<crate::result::Cell>>,
    hasher: RandomState,
}

impl Sample {
    /// How many rows the table has, exactly or as far as is known.
    pub(crate) fn population(&self) -> Option<u64> {
        match self.population {
            RowCount::Exact(rows) | RowCount::Estimate(rows) => Some(rows),
            RowCount::AtLeast(_) | RowCount::Unknown => None,
        }
    }
}

/// How many rows of so many columns a sample may have.
pub(crate) fn row_target(columns: usize, most: usize) -> usize {
    (MAX_CELLS / columns.max(1)).clamp(1, MAX_ROWS).min(most)
}
