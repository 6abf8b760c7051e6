//! Counts of rows per period, and what they show: gaps, a trend, a season.

use serde::Serialize;

use super::calendar::{Period, Seconds};
use crate::analysis::stats::{round, round_coefficient};

/// The most periods of one series.
pub(crate) const MAX_PERIODS: i64 = 500;
/// Gaps listed at most, the longest first.
const MAX_GAPS: usize = 10;
/// Rows that a period should have on average: with fewer, an empty period would say nothing.
const ROWS_PER_PERIOD: i64 = 5;

/// Rows per period, without a hole: empty periods are there with zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) period: Period,
    pub(crate) first: i64,
    pub(crate) counts: Vec<u64>,
}

/// Periods next to each other without a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Gap {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) periods: usize,
}

/// Whether and how fast the counts rise or fall.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Trend {
    pub(crate) direction: &'static str,
    /// Rows more in each period than in the one before.
    pub(crate) slope_per_period: f64,
    pub(crate) method: &'static str,
    /// The Mann-Kendall statistic: beyond ±1.96 the direction is unlikely to be chance.
    pub(crate) z: f64,
    pub(crate) periods: usize,
}

/// The strongest cycle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Season {
    pub(crate) lag_periods: usize,
    pub(crate) autocorrelation: f64,
    /// What chance would stay below in 95 of 100 cases.
    pub(crate) significant_above: f64,
    pub(crate) method: &'static str,
}

/// The finest period in which a mean period has some rows and the whole is not too long.
pub(crate) fn choose_period(moments: &[Seconds], resolution: Period) -> Option<Period> {
    let (first, last) = (moments.iter().min()?, moments.iter().max()?);
    let rows = i64::try_from(moments.len()).unwrap_or(i64::MAX);
    let coarse_enough = |period: &Period| {
        let periods = period.of(*last) - period.of(*first) + 1;
        periods <= MAX_PERIODS && (periods == 1 || rows / periods >= ROWS_PER_PERIOD)
    };
    let from = Period::ALL.iter().position(|period| *period == resolution).unwrap_or(0);
    let fits_in_the_calendar = Period::Year.of(*last) - Period::Year.of(*first) < MAX_PERIODS;
    let chosen = Period::ALL[from..].iter().copied().find(coarse_enough);
    chosen.or(fits_in_the_calendar.then_some(Period::Year))
}

/// The coarsest of minute, hour, day, month and year that all moments are at the start of.
pub(crate) fn resolution(moments: &[Seconds]) -> Period {
    let starts = |period: &Period| moments.iter().all(|&at| period.start(period.of(at)) == at);
    let coarse = [Period::Year, Period::Month, Period::Day, Period::Hour];
    coarse.into_iter().find(starts).unwrap_or(Period::Minute)
}

impl Series {
    /// From pairs of period and count in any order; `None` of none, or of a span that is too long.
    pub(crate) fn new(
        period: Period,
        counted: impl IntoIterator<Item = (i64, u64)>,
    ) -> Option<Self> {
        let counted: Vec<(i64, u64)> = counted.into_iter().collect();
        let first = counted.iter().map(|pair| pair.0).min()?;
        let last = counted.iter().map(|pair| pair.0).max()?;
        if last.checked_sub(first)? >= MAX_PERIODS {
            return None;
        }
        let mut counts = vec![0; usize::try_from(last - first).ok()? + 1];
        for (number, count) in counted {
            counts[usize::try_from(number - first).ok()?] += count;
        }
        Some(Self { period, first, counts })
    }

    pub(crate) fn label(&self, index: usize) -> String {
        self.period.label(self.first + i64::try_from(index).unwrap_or(0))
    }

    /// The runs of empty periods: how many there are, and the longest of them.
    pub(crate) fn gaps(&self) -> (usize, Vec<Gap>) {
        let mut gaps = Vec::new();
        let mut at = 0;
        for run in self.counts.chunk_by(|a, b| (*a == 0) == (*b == 0)) {
            if run[0] == 0 {
                let (from, to) = (self.label(at), self.label(at + run.len() - 1));
                gaps.push(Gap { from, to, periods: run.len() });
            }
            at += run.len();
        }
        gaps.sort_by_key(|gap| std::cmp::Reverse(gap.periods));
        let count = gaps.len();
        gaps.truncate(MAX_GAPS);
        (count, gaps)
    }

    /// The counts of whole periods: the first and the last may have begun earlier or not be over.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    fn whole_periods(&self) -> Vec<f64> {
        let inner = self.counts.get(1..self.counts.len().saturating_sub(1)).unwrap_or_default();
        inner.iter().map(|&count| count as f64).collect()
    }

    /// The trend by the slope of Theil and Sen (Sen 1968), whose direction the test of Mann and Kendall judges, with its
    /// correction for ties.
    pub(crate) fn trend(&self) -> Option<Trend> {
        /// The normal approximation of the test is not good below.
        const FEWEST: usize = 10;
        let counts = self.whole_periods();
        if counts.len() < FEWEST {
            return None;
        }
        let slope = theil_sen(&counts)?;
        let z = mann_kendall(&counts);
        let direction = match z {
            z if z > 1.96 => "rising",
            z if z < -1.96 => "falling",
            _ => "none",
        };
        Some(Trend {
            direction,
            slope_per_period: round(slope),
            method: "theil_sen",
            z: round_coefficient(z),
            periods: counts.len(),
        })
    }

    /// The cycle with the highest autocorrelation among those that people live by, if it is beyond chance (1.96 / sqrt n,
    /// Box and Jenkins). The trend is taken away before: it would make every lag look like a cycle.
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred periods")]
    pub(crate) fn season(&self) -> Option<Season> {
        let counts = self.whole_periods();
        let slope = theil_sen(&counts)?;
        let level: Vec<f64> =
            counts.iter().enumerate().map(|(at, count)| count - slope * at as f64).collect();
        let significant = 1.96 / (level.len() as f64).sqrt();
        let lags = self.period.cycles().iter().copied().filter(|lag| level.len() >= 2 * lag);
        let strongest = lags
            .filter_map(|lag| autocorrelation(&level, lag).map(|r| (lag, r)))
            .max_by(|a, b| a.1.total_cmp(&b.1))?;
        (strongest.1 > significant).then(|| Season {
            lag_periods: strongest.0,
            autocorrelation: round_coefficient(strongest.1),
            significant_above: round_coefficient(significant),
            method: "autocorrelation_of_detrended_counts",
        })
    }
}

/// The median of the slopes of all pairs.
#[expect(clippy::cast_precision_loss, reason = "at most some hundred periods")]
fn theil_sen(values: &[f64]) -> Option<f64> {
    let mut slopes = Vec::with_capacity(values.len() * values.len() / 2);
    for (i, x) in values.iter().enumerate() {
        for (j, y) in values.iter().enumerate().skip(i + 1) {
            slopes.push((y - x) / (j - i) as f64);
        }
    }
    slopes.sort_by(f64::total_cmp);
    let upper = *slopes.get(slopes.len() / 2)?;
    if slopes.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(slopes[slopes.len() / 2 - 1], upper))
}

#[expect(clippy::cast_precision_loss, reason = "at most some hundred periods")]
fn mann_kendall(values: &[f64]) -> f64 {
    let mut s = 0_i64;
    for (i, x) in values.iter().enumerate() {
        for y in &values[i + 1..] {
            s += i64::from(y > x) - i64::from(y < x);
        }
    }
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|equal| term(equal.len() as f64)).sum();
    let variance = (term(values.len() as f64) - ties) / 18.0;
    if s == 0 || variance <= 0.0 {
        return 0.0;
    }
    (s - s.signum()) as f64 / variance.sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "at most some hundred periods")]
fn autocorrelation(values: &[f64], lag: usize) -> Option<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let spread: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    let shifted: f64 =
        values.iter().zip(values.get(lag..)?).map(|(x, y)| (x - mean) * (y - mean)).sum();
    (spread > 0.0).then(|| shifted / spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::time::calendar::parse;

    fn months(counts: &[u64]) -> Series {
        Series { period: Period::Month, first: 24_000, counts: counts.to_vec() }
    }

    #[test]
    fn the_period_suits_rows_and_span() {
        let day = |n: i64| n * 86_400;
        let daily: Vec<Seconds> = (0..100).flat_map(|n| std::iter::repeat_n(day(n), 5)).collect();
        assert_eq!(resolution(&daily), Period::Day);
        assert_eq!(choose_period(&daily, Period::Day), Some(Period::Day));
        let thin: Vec<Seconds> = (0..100).map(day).collect();
        assert_eq!(choose_period(&thin, Period::Day), Some(Period::Week));
        let far = [parse("0001-01-01").unwrap(), parse("9999-01-01").unwrap()];
        assert_eq!(choose_period(&far, resolution(&far)), None);
        assert_eq!(choose_period(&[], Period::Day), None);
        assert_eq!(resolution(&[3_600, 7_200]), Period::Hour);
        assert_eq!(
            resolution(&[parse("2020-01-01").unwrap(), parse("2021-01-01").unwrap()]),
            Period::Year
        );
    }

    #[test]
    fn gaps_are_found_and_the_longest_comes_first() {
        let (count, gaps) = months(&[1, 0, 1, 0, 0, 1]).gaps();
        assert_eq!(count, 2);
        assert_eq!(
            (gaps[0].from.as_str(), gaps[0].to.as_str(), gaps[0].periods),
            ("2000-04", "2000-05", 2)
        );
        assert_eq!(months(&[1, 2]).gaps(), (0, Vec::new()));
    }

    #[test]
    fn a_rising_line_is_a_trend_and_noise_is_none() {
        // The first and the last are partial and not looked at.
        let mut line: Vec<u64> = (0..14).map(|n| 10 + 3 * n).collect();
        line[0] = 900;
        line[13] = 0;
        let trend = months(&line).trend().unwrap();
        assert_eq!((trend.direction, trend.slope_per_period, trend.periods), ("rising", 3.0, 12));
        // S = 66, variance 12 * 11 * 29 / 18: z = 65 / 14.58.
        assert!((trend.z - 4.4573).abs() < 1e-4, "{}", trend.z);
        let flat = months(&[5; 14]).trend().unwrap();
        assert_eq!((flat.direction, flat.slope_per_period, flat.z), ("none", 0.0, 0.0));
        assert_eq!(months(&[5; 9]).trend(), None);
    }

    #[test]
    fn a_yearly_cycle_is_a_season() {
        let cycle: Vec<u64> = (0..62).map(|n| if n % 12 == 6 { 100 } else { 10 }).collect();
        let season = months(&cycle).season().unwrap();
        assert_eq!(season.lag_periods, 12);
        assert!(season.autocorrelation > 0.7, "{season:?}");
        assert_eq!(months(&[5; 62]).season(), None);
        assert_eq!(months(&[]).season(), None);
        assert_eq!(months(&[1]).season(), None);
    }

    #[test]
    fn known_slopes() {
        assert_eq!(theil_sen(&[1.0, 2.0, 3.0, 100.0]), Some(17.0));
        assert_eq!(theil_sen(&[1.0]), None);
        assert_eq!(autocorrelation(&[1.0, -1.0, 1.0, -1.0], 1), Some(-0.75));
    }

    #[test]
    fn a_series_has_no_holes_and_a_bounded_span() {
        let series = Series::new(Period::Month, [(5, 1), (2, 2), (5, 1)]).unwrap();
        assert_eq!((series.first, series.counts), (2, vec![2, 0, 0, 2]));
        assert_eq!(Series::new(Period::Day, [(0, 1), (MAX_PERIODS, 1)]), None);
        assert_eq!(Series::new(Period::Day, [(i64::MIN, 1), (i64::MAX, 1)]), None);
        assert_eq!(Series::new(Period::Day, []), None);
    }
}
