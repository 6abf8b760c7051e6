//! The text that scrapers read. The `prometheus-client` crate writes it; here our families are handed to it.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet, prometheus_text, text},
    metrics::MetricType,
    registry::Registry,
};

use super::measurements::{Family, Measurements, Number, Samples};

/// A text format for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricsFormat {
    /// Prometheus's own text format, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl MetricsFormat {
    /// The best that a client with this `Accept` header understands.
    pub fn accepted_by(accept: &str) -> Self {
        match accept.contains("application/openmetrics-text") {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// The media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Measurements {
    pub(crate) fn text(self, format: MetricsFormat) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut out = String::new();
        let written = match format {
            MetricsFormat::Prometheus => prometheus_text::encode(&mut out, &registry),
            MetricsFormat::OpenMetrics => text::encode(&mut out, &registry),
        };
        // A String takes everything, and each family is of one kind.
        if written.is_err() {
            tracing::error!("metrics could not be written completely");
        }
        out
    }
}

impl Collector for Measurements {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.families.iter().try_for_each(|(name, family)| write(&mut encoder, name, family))
    }
}

fn write(encoder: &mut DescriptorEncoder<'_>, name: &str, family: &Family) -> fmt::Result {
    let kind = match &family.samples {
        Samples::Counter(_) => MetricType::Counter,
        Samples::Gauge(_) => MetricType::Gauge,
        Samples::Histogram(_) => MetricType::Histogram,
    };
    let mut family_encoder = encoder.encode_descriptor(name, family.help, None, kind)?;
    match &family.samples {
        Samples::Counter(samples) => samples.iter().try_for_each(|(labels, value)| {
            let mut sample = family_encoder.encode_family(labels)?;
            match value {
                Number::Whole(value) => sample.encode_counter::<NoLabelSet, _, f64>(value, None),
                Number::Real(value) => sample.encode_counter::<NoLabelSet, _, f64>(value, None),
            }
        }),
        Samples::Gauge(samples) => samples.iter().try_for_each(|(labels, value)| {
            let mut sample = family_encoder.encode_family(labels)?;
            match value {
                Number::Whole(value) => sample.encode_gauge(value),
                Number::Real(value) => sample.encode_gauge(value),
            }
        }),
        Samples::Histogram(samples) => samples.iter().try_for_each(|(labels, value)| {
            let mut sample = family_encoder.encode_family(labels)?;
            sample.encode_histogram::<NoLabelSet>(value.sum, value.count, &value.buckets, None)
        }),
    }
}
