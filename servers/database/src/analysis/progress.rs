//! The stages of an analysis, and how far it is.

use futures_util::future::BoxFuture;
use serde::Serialize;

/// A part of the work whose findings stand by themselves once it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Which table it is.
    Discover,
    /// Reading rows.
    Sample,
    /// What is wrong with the values.
    Quality,
    /// What the analysis is for.
    Analyse,
    /// Findings in words.
    Report,
}

impl Stage {
    pub(crate) const ALL: [Self; 5] =
        [Self::Discover, Self::Sample, Self::Quality, Self::Analyse, Self::Report];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Sample => "sample",
            Self::Quality => "quality",
            Self::Analyse => "analyse",
            Self::Report => "report",
        }
    }

    /// Which part of a hundred the stage takes.
    fn share(self) -> (f64, f64) {
        match self {
            Self::Discover => (0.0, 5.0),
            Self::Sample => (5.0, 60.0),
            Self::Quality => (60.0, 75.0),
            Self::Analyse => (75.0, 98.0),
            Self::Report => (98.0, 100.0),
        }
    }

    /// How far the whole is, of a hundred, when `done` of `total` steps of this stage are.
    #[expect(clippy::cast_precision_loss, reason = "steps")]
    pub(crate) fn reached(self, done: usize, total: usize) -> f64 {
        let (from, to) = self.share();
        from + (to - from) * (done.min(total) as f64 / total.max(1) as f64)
    }
}

/// Whoever wants to know how far the work is.
pub(crate) trait Watcher: Send + Sync {
    /// `done` of `total` steps of a stage are done.
    fn tell<'a>(
        &'a self,
        stage: Stage,
        done: usize,
        total: usize,
        message: &'a str,
    ) -> BoxFuture<'a, ()>;
}
