//! What is measured, before it becomes text: families of samples, each by its labels.
//!
//! A sample is there once: of two with the same name and labels the first stays, because an exposition with both is refused by
//! its readers as a whole. For the same reason a name that the format does not know is left out and told to the operator.

use std::collections::BTreeMap;

/// Tells what it measures when somebody asks, such as the connections of a pool.
pub trait MetricsSource: Send + Sync + 'static {
    /// Adds what is true now. Must not block: a scrape waits for it.
    fn measure(&self, out: &mut Measurements);
}

/// A value: a whole number stays one.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Number {
    /// Counted.
    Whole(u64),
    /// Measured.
    Real(f64),
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        u64::try_from(value).map_or(Self::Whole(u64::MAX), Self::Whole)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// Labels of one sample.
pub(super) type Labels = Vec<(&'static str, String)>;

/// How often something fell into each of several ranges.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Distribution {
    pub(super) sum: f64,
    pub(super) count: u64,
    /// Upper bounds, the last one infinite, and how many lie between it and the one before.
    pub(super) buckets: Vec<(f64, u64)>,
}

#[derive(Debug)]
pub(super) enum Samples {
    Counter(BTreeMap<Labels, Number>),
    Gauge(BTreeMap<Labels, Number>),
    Histogram(BTreeMap<Labels, Distribution>),
}

#[derive(Debug)]
pub(super) struct Family {
    pub(super) help: &'static str,
    pub(super) samples: Samples,
}

/// What was measured at one moment.
#[derive(Debug, Default)]
pub struct Measurements {
    pub(super) families: BTreeMap<&'static str, Family>,
}

impl Measurements {
    /// Something that only grows while the process lives. `name` is written without `_total`, which the text adds; the unit
    /// belongs into it, such as `_seconds` (Prometheus, "Metric and label naming").
    pub fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        value: impl Into<Number>,
    ) {
        let family = self.family(name, help, || Samples::Counter(BTreeMap::new()));
        match family {
            Some(Samples::Counter(samples)) => put(samples, name, labels, value.into()),
            _ => left_out(name),
        }
    }

    /// Something that goes up and down.
    pub fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        value: impl Into<Number>,
    ) {
        match self.family(name, help, || Samples::Gauge(BTreeMap::new())) {
            Some(Samples::Gauge(samples)) => put(samples, name, labels, value.into()),
            _ => left_out(name),
        }
    }

    pub(super) fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        value: Distribution,
    ) {
        match self.family(name, help, || Samples::Histogram(BTreeMap::new())) {
            Some(Samples::Histogram(samples)) => put(samples, name, labels, value),
            _ => left_out(name),
        }
    }

    /// The family of this name, which is made if it is the first and its name and text can be written.
    fn family(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl FnOnce() -> Samples,
    ) -> Option<&mut Samples> {
        let is_plain = |c: char| c != '\\' && !c.is_control();
        if !is_name(name, true) || name.ends_with("_total") || !help.chars().all(is_plain) {
            return None;
        }
        let family =
            self.families.entry(name).or_insert_with(|| Family { help, samples: samples() });
        Some(&mut family.samples)
    }
}

fn put<T>(
    samples: &mut BTreeMap<Labels, T>,
    name: &'static str,
    labels: &[(&'static str, &str)],
    value: T,
) {
    let mut own: Labels =
        labels.iter().map(|(label, value)| (*label, (*value).to_owned())).collect();
    own.sort_unstable();
    let are_names = own.iter().all(|(label, _)| is_name(label, false) && *label != "le");
    if !are_names || own.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return left_out(name);
    }
    samples.entry(own).or_insert(value);
}

/// Metrics may have colons, labels not.
fn is_name(name: &str, with_colons: bool) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || with_colons && byte == b':';
    name.bytes().all(fits) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

fn left_out(name: &'static str) {
    tracing::error!(
        metric = name,
        "a metric is left out: its name, labels or help can't be written, or another kind has its name"
    );
}
