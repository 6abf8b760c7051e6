//! A table's values analysed: profile, quality, correlation and rows over time.
//!
//! One implementation over [`crate::engine::Engine`] for every kind of database; what differs between them is in [`dialect`].
//! An analysis goes through five stages ([`run`]): [`discover`] the table, take a [`sample`] of bounded size, check its
//! [`quality`], look at what it is for ([`profile`], [`correlations`], [`time_series`]), and tell it ([`findings`],
//! [`markdown`]). [`stats`] and [`time`] compute and know no database.
//!
//! It refuses to read a large table whole, and to give a figure without saying what it stands on.

mod correlations;
mod dialect;
#[cfg(test)]
mod dialect_tests;
mod discover;
#[cfg(test)]
mod fake;
mod findings;
mod inferred_keys;
#[cfg(test)]
mod interruption_tests;
mod markdown;
mod profile;
mod progress;
mod quality;
mod questions;
mod report;
mod run;
#[cfg(test)]
mod run_tests;
mod sample;
#[cfg(test)]
mod shape_tests;
mod stats;
mod time;
mod time_series;

pub(crate) use self::{
    markdown::markdown,
    progress::{Stage, Watcher},
    run::{Interrupted, analyse},
};

/// What is wanted to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AnalysisType {
    /// What the values of each column are.
    Profile,
    /// What is wrong with them.
    Quality,
    /// Which columns go together.
    Correlation,
    /// How many rows there are over time.
    TimeSeries,
}

impl AnalysisType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Quality => "quality",
            Self::Correlation => "correlation",
            Self::TimeSeries => "time_series",
        }
    }
}

impl schemars::JsonSchema for AnalysisType {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnalysisType".into()
    }

    fn inline_schema() -> bool {
        true
    }

    // Without a sentence for each: a model knows the words, and pays for every one.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"enum": ["profile", "quality", "correlation", "time_series"]})
    }
}
