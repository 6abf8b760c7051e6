//! What surrounds one tool in place of the server's own settings: the rest of [`ToolBuilder`], held as one value by the
//! builder and by the compiled tool.

use std::sync::Arc;

use super::ToolBuilder;
use crate::{
    gate::Line,
    layers::{Rate, ToolRates},
};

/// One tool's own settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    pub(crate) rates: ToolRates,
    /// Shared by everything that is made from one tool, so that rebuilding a registry does not double the limit.
    pub(crate) concurrency: Option<Arc<Line>>,
    pub(crate) response_bytes: Option<usize>,
}

impl ToolBuilder {
    /// How often it may be called by all callers together. Further calls are RATE_LIMITED.
    ///
    /// ```
    /// use wharf::{Rate, Tool};
    ///
    /// let search = Tool::new("search")
    ///     .rate_limit(Rate::per_minute(300))
    ///     .rate_limit_per_caller(Rate::per_minute(30).burst(5))
    ///     .handler(|| async { "found" });
    /// # drop(search);
    /// ```
    pub fn rate_limit(mut self, rate: Rate) -> Self {
        self.policy.rates.total = Some(rate);
        self
    }

    /// How often it may be called by each caller. Further calls are RATE_LIMITED.
    pub fn rate_limit_per_caller(mut self, rate: Rate) -> Self {
        self.policy.rates.per_caller = Some(rate);
        self
    }

    /// How many of its calls run at once, at least one; further ones wait in line.
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.policy.concurrency = Some(Line::new(calls));
        self
    }

    /// Most bytes that one call may answer with, in place of the server's; at least 4 KiB. A longer result is cut, says so
    /// in `_meta` (`dev.wharf/truncated`) and in words, and links to pages with the rest.
    pub fn response_budget(mut self, bytes: usize) -> Self {
        self.policy.response_bytes = Some(bytes);
        self
    }
}
