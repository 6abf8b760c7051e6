//! What surrounds one tool in place of the server's own settings: the rest of [`ToolBuilder`], held as one value by the
//! builder and by the compiled tool.

use super::ToolBuilder;
use crate::layers::{Rate, ToolRates};

/// One tool's own settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    pub(crate) rates: ToolRates,
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
}
