//! Counting: one table for each group of threads, so that cores that count the same tool write to lines of memory of their own.
//!
//! A table has a lock that nobody else wants while calls are counted; only somebody who asks for the metrics takes it too, and only for
//! the time of a copy. Looking up a series allocates nothing.

use std::{
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hashbrown::{Equivalent, HashMap};

use super::measurements::{Distribution, Measurements};
use crate::{
    cache_policy::CacheStatus,
    observe::{CallRecord, RefusalRecord, StoreTrouble},
};

/// Most series of calls in one table. What is registered beyond them, in servers that change while they run, is counted without
/// its name.
const MAX_SERIES: usize = 10_000;

/// Upper bounds of the histogram's ranges in microseconds: from what a kept result takes to the longest deadlines.
const BOUNDS_US: [u64; 17] = [
    100,
    250,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    60_000_000,
    300_000_000,
];

const STATUSES: [CacheStatus; 3] = [CacheStatus::Hit, CacheStatus::Miss, CacheStatus::Shared];

/// What one group of threads counted.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Table>);

#[derive(Debug, Default, Clone)]
struct Table {
    calls: HashMap<Key, Series>,
    refusals: HashMap<(Box<str>, &'static str), u64>,
    trouble: HashMap<(Box<str>, &'static str, bool), u64>,
}

/// What a series is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    server: Box<str>,
    method: &'static str,
    target: Box<str>,
}

/// A [`Key`] that is only looked for.
#[derive(Hash)]
struct Wanted<'a> {
    server: &'a str,
    method: &'static str,
    target: &'a str,
}

impl Equivalent<Key> for Wanted<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.target == *key.target && self.method == key.method && *self.server == *key.server
    }
}

impl Wanted<'_> {
    fn owned(&self) -> Key {
        Key { server: self.server.into(), method: self.method, target: self.target.into() }
    }
}

#[derive(Debug, Clone, Default)]
struct Series {
    /// A few: most calls end in the same two or three ways.
    outcomes: Vec<(&'static str, u64)>,
    kept: [u64; STATUSES.len()],
    /// One more than there are bounds, for what is longer than the last.
    ranges: [u64; BOUNDS_US.len() + 1],
    elapsed: Duration,
}

impl Series {
    fn add(&mut self, record: &CallRecord<'_>) {
        add(&mut self.outcomes, record.outcome, 1);
        if let Some(at) = STATUSES.iter().position(|status| Some(*status) == record.cache) {
            self.kept[at] += 1;
        }
        let us = u64::try_from(record.elapsed.as_micros()).unwrap_or(u64::MAX);
        self.ranges[BOUNDS_US.partition_point(|bound| *bound < us)] += 1;
        self.elapsed = self.elapsed.saturating_add(record.elapsed);
    }

    fn join(&mut self, other: &Self) {
        other.outcomes.iter().for_each(|(outcome, count)| add(&mut self.outcomes, outcome, *count));
        self.kept.iter_mut().zip(other.kept).for_each(|(own, count)| *own += count);
        self.ranges.iter_mut().zip(other.ranges).for_each(|(own, count)| *own += count);
        self.elapsed = self.elapsed.saturating_add(other.elapsed);
    }

    fn distribution(&self) -> Distribution {
        #[expect(clippy::cast_precision_loss, reason = "the bounds are small")]
        let bounds = BOUNDS_US.map(|us| us as f64 / 1e6).into_iter().chain([f64::INFINITY]);
        Distribution {
            sum: self.elapsed.as_secs_f64(),
            count: self.ranges.iter().sum(),
            buckets: bounds.zip(self.ranges).collect(),
        }
    }
}

fn add(outcomes: &mut Vec<(&'static str, u64)>, outcome: &'static str, count: u64) {
    match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
        Some((_, known)) => *known += count,
        None => outcomes.push((outcome, count)),
    }
}

impl Counts {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, record: &CallRecord<'_>) {
        let mut wanted =
            Wanted { server: record.server, method: record.method, target: record.registered };
        let table = &mut self.table().calls;
        if table.len() >= MAX_SERIES && !table.contains_key(&wanted) {
            wanted.target = "";
        }
        match table.get_mut(&wanted) {
            Some(series) => series.add(record),
            None => table.entry(wanted.owned()).or_default().add(record),
        }
    }

    pub(super) fn refused(&self, refusal: &RefusalRecord<'_>) {
        *self.table().refusals.entry((refusal.server.into(), refusal.reason)).or_default() += 1;
    }

    pub(super) fn store_trouble(&self, trouble: &StoreTrouble<'_>) {
        let key = (trouble.server.into(), trouble.part, trouble.allowed);
        *self.table().trouble.entry(key).or_default() += 1;
    }
}

/// Adds up what all groups counted.
pub(super) fn measure<'a>(groups: impl Iterator<Item = &'a Counts>, out: &mut Measurements) {
    let mut all = Table::default();
    for group in groups {
        let table = group.table().clone();
        for (key, series) in &table.calls {
            all.calls.entry_ref(key).or_default().join(series);
        }
        for (key, count) in table.refusals {
            *all.refusals.entry(key).or_default() += count;
        }
        for (key, count) in table.trouble {
            *all.trouble.entry(key).or_default() += count;
        }
    }
    for (Key { server, method, target }, series) in &all.calls {
        measure_series(&[("server", server), ("method", method), ("target", target)], series, out);
    }
    for ((server, reason), count) in &all.refusals {
        let labels = [("server", &**server), ("reason", reason)];
        out.counter("wharf_refusals", "Requests refused before they became calls", &labels, *count);
    }
    for ((server, part, allowed), count) in &all.trouble {
        let allowed = if *allowed { "true" } else { "false" };
        let labels = [("server", &**server), ("part", part), ("allowed", allowed)];
        out.counter(
            "wharf_store_trouble",
            "Calls that met a state store in trouble",
            &labels,
            *count,
        );
    }
}

fn measure_series(labels: &[(&'static str, &str); 3], series: &Series, out: &mut Measurements) {
    let [server, method, target] = *labels;
    for (outcome, count) in &series.outcomes {
        let labels = [server, method, target, ("outcome", outcome)];
        out.counter("wharf_calls", "Calls that ended, by outcome", &labels, *count);
    }
    let help = "Time from decoding a call to its outcome";
    out.histogram("wharf_call_duration_seconds", help, labels, series.distribution());
    if series.kept.iter().any(|count| *count > 0) {
        for (status, count) in STATUSES.iter().zip(series.kept) {
            let help = "Calls of tools whose results are kept, by where the result came from";
            let labels = [server, target, ("status", status.as_str())];
            out.counter("wharf_kept_results", help, &labels, count);
        }
    }
}
