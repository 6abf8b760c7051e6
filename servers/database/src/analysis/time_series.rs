//! How many rows there are over time, by the column that tells it best.
//!
//! Rows of a large table are counted by the database, all of them, where it can do so in a short time; otherwise the counts are
//! those of the sample, and the report says so.

use std::time::Duration;

use tokio::time::Instant;

use super::dialect::{self, Class, Counting};
use super::discover::Subject;
use super::progress::{Stage, Watcher};
use super::questions::{Questions, may_be_left_out};
use super::report::TimeSeries;
use super::sample::Sample;
use super::sample::column::ColumnSample;
use super::stats::number::Number;
use super::time::calendar::{Period, Seconds, parse, write};
use super::time::series::{MAX_PERIODS, Series, choose_period, resolution};
use crate::error::DatabaseError;
use crate::result::Cell;

/// How long the database may count.
const COUNTING: Duration = Duration::from_secs(10);
/// Seconds since 1970 that stand for a moment, from 1990 to 2100: other numbers are amounts.
const PLAUSIBLE: std::ops::Range<i64> = 631_152_000..4_102_444_800;

/// A column that tells when.
struct TimeColumn<'a> {
    column: &'a ColumnSample,
    moments: Vec<Seconds>,
    /// Whether the database can group by it.
    is_text_or_time: bool,
}

/// The series; `None` where no column holds times.
pub(crate) async fn time_series(
    questions: &Questions<'_>,
    subject: &Subject,
    sample: &Sample,
    watcher: &dyn Watcher,
) -> Result<Option<TimeSeries>, DatabaseError> {
    let mut columns: Vec<TimeColumn<'_>> = sample.columns.iter().filter_map(time_column).collect();
    // Real times before numbers that may be some, then the fullest, then the one that tells the most moments apart.
    columns.sort_by_key(|found| {
        let column = found.column;
        std::cmp::Reverse((found.is_text_or_time, column.filled(), column.seen.len()))
    });
    if columns.is_empty() {
        return Ok(None);
    }
    let chosen = columns.remove(0);
    watcher.tell(Stage::Analyse, 1, 3, "counting rows per period").await;
    let resolution = resolution(&chosen.moments);
    let Some(period) = choose_period(&chosen.moments, resolution) else { return Ok(None) };
    let mut counted = None;
    if !sample.complete && chosen.is_text_or_time {
        let all = AllRows { questions, subject, column: chosen.column, period };
        counted = all.count().await?;
    }
    let counts_of = if counted.is_some() || sample.complete { "table" } else { "sample" };
    let counted = counted
        .or_else(|| Series::new(period, chosen.moments.iter().map(|&at| (period.of(at), 1))));
    let Some(series) = counted else { return Ok(None) };
    watcher.tell(Stage::Analyse, 2, 3, "looking for trend and season").await;
    tokio::task::yield_now().await;
    Ok(Some(tell(&chosen, &columns, &series, resolution, counts_of)))
}

fn tell(
    chosen: &TimeColumn<'_>,
    others: &[TimeColumn<'_>],
    series: &Series,
    resolution: Period,
    counts_of: &'static str,
) -> TimeSeries {
    let (gap_count, gaps) = series.gaps();
    let exact = counts_of == "table" && !chosen.moments.is_empty();
    let end = |moment: Option<&Seconds>, period: String| match moment {
        // Of all rows only the period is known where the database has counted them.
        Some(moment)
            if exact && chosen.moments.len() as u64 == series.counts.iter().sum::<u64>() =>
        {
            write(*moment)
        }
        Some(moment) if !exact => write(*moment),
        _ => period,
    };
    TimeSeries {
        column: chosen.column.name.clone(),
        other_columns: others.iter().map(|other| other.column.name.clone()).collect(),
        resolution,
        period: series.period,
        first: end(chosen.moments.iter().min(), series.label(0)),
        last: end(chosen.moments.iter().max(), series.label(series.counts.len() - 1)),
        counts_of,
        gap_count,
        gaps,
        trend: series.trend(),
        season: series.season(),
        counts: series.counts.clone(),
    }
}

fn time_column(column: &ColumnSample) -> Option<TimeColumn<'_>> {
    let (moments, is_text_or_time): (Vec<Seconds>, bool) = match column.class() {
        Class::Time => (column.times.iter().map(|(_, at)| *at).collect(), true),
        Class::Number => (epochs(column)?, false),
        _ => return None,
    };
    (!moments.is_empty()).then_some(TimeColumn { column, moments, is_text_or_time })
}

/// Seconds or milliseconds since 1970, where the column's name says that it holds times.
fn epochs(column: &ColumnSample) -> Option<Vec<Seconds>> {
    let name = column.name.to_lowercase();
    let named = ["time", "date", "epoch"].iter().any(|word| name.contains(word))
        || name.ends_with("_at")
        || name == "ts";
    let whole = |(_, number): &(usize, Number)| match number {
        Number::Integer(n) => Some(*n),
        _ => None,
    };
    let numbers: Vec<i64> = column.numbers.iter().map(whole).collect::<Option<_>>()?;
    let all_within = |unit: i64| numbers.iter().all(|n| PLAUSIBLE.contains(&n.div_euclid(unit)));
    let unit = [1, 1_000].into_iter().find(|unit| all_within(*unit))?;
    (named && !numbers.is_empty())
        .then(|| numbers.into_iter().map(|n| n.div_euclid(unit)).collect())
}

/// All rows of a large table, counted by the database.
struct AllRows<'a> {
    questions: &'a Questions<'a>,
    subject: &'a Subject,
    column: &'a ColumnSample,
    period: Period,
}

impl AllRows<'_> {
    /// `None` where that takes too long, gives too many periods, or can't be done in bounded memory.
    async fn count(&self) -> Result<Option<Series>, DatabaseError> {
        let table = &self.subject.description;
        let indexed = table.leads_an_index(&self.column.name);
        let has_offsets = self.column.has_offsets;
        let counted =
            match dialect::counting(self.subject.dialect, self.period, indexed, has_offsets) {
                Counting::Grouped => self.grouped().await,
                Counting::ByRange => self.by_range().await,
                Counting::No => return Ok(None),
            };
        match counted {
            Err(error) if may_be_left_out(&error) => Ok(None),
            counted => counted,
        }
    }

    fn value(&self) -> String {
        dialect::column(self.subject.dialect, &self.column.name)
    }

    async fn grouped(&self) -> Result<Option<Series>, DatabaseError> {
        let start = dialect::period_start(
            self.subject.dialect,
            &self.column.name,
            self.period,
            self.column.has_offsets,
        );
        let (value, from) = (self.value(), &self.subject.from);
        let sql =
            format!("SELECT {start}, count(*) FROM {from} WHERE {value} IS NOT NULL GROUP BY 1");
        let most = self.questions.limits().max_rows;
        let result = self.questions.ask(sql, Vec::new(), most, COUNTING).await?;
        if result.truncated {
            return Ok(None);
        }
        let counted = result.rows.iter().filter_map(|row| match row.as_slice() {
            [Cell::Text(start), Cell::Integer(count)] => {
                Some((self.period.of(parse(start)?), count.unsigned_abs()))
            }
            _ => None,
        });
        Ok(Series::new(self.period, counted))
    }

    async fn by_range(&self) -> Result<Option<Series>, DatabaseError> {
        /// Ranges of one statement: fewer than the SELECTs that SQLite joins, two parameters each.
        const RANGES: usize = 100;
        let (value, from) = (self.value(), &self.subject.from);
        let ends =
            format!("SELECT (SELECT min({value}) FROM {from}), (SELECT max({value}) FROM {from})");
        let ends = self.questions.try_row(ends).await?;
        let Some([Cell::Text(first), Cell::Text(last)]) = ends.as_deref() else { return Ok(None) };
        let Some((first, last)) = parse(first).zip(parse(last)) else { return Ok(None) };
        let (first, last) = (self.period.of(first), self.period.of(last));
        if last - first >= MAX_PERIODS {
            return Ok(None);
        }
        let periods: Vec<i64> = (first..=last).collect();
        let mut counted = Vec::with_capacity(periods.len());
        let page = RANGES.min(self.questions.limits().max_parameters / 2).max(1);
        let begun = Instant::now();
        for periods in periods.chunks(page) {
            let Some(left) = COUNTING.checked_sub(begun.elapsed()) else { return Ok(None) };
            let sql = dialect::counts_in_ranges(from, &value, periods.len());
            let start = |number: i64| serde_json::Value::String(write(self.period.start(number)));
            let ends = periods.iter().flat_map(|&number| [start(number), start(number + 1)]);
            let result = self.questions.ask(sql, ends.collect(), periods.len(), left).await?;
            counted.extend(periods.iter().zip(result.rows).filter_map(
                |(&number, row)| match *row {
                    [Cell::Integer(count)] => Some((number, count.unsigned_abs())),
                    _ => None,
                },
            ));
        }
        Ok(Series::new(self.period, counted))
    }
}
