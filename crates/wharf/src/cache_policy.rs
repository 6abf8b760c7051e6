//! Keeping a tool's results on the server: the policy that an author declares.

use std::{sync::Arc, time::Duration};

/// How long a tool's results are kept and answered again, and for whom.
///
/// Only complete results without an error are kept. A result is given again to the same caller with the same permissions and
/// the same arguments, whatever the order of their keys, unless the policy is [public](Self::public). Calls that ask the
/// same while one of them runs wait for its result instead of running too.
///
/// ```
/// use std::time::Duration;
/// use wharf::{CachePolicy, Tool};
///
/// let exchange_rates = Tool::new("exchange_rates")
///     .read_only()
///     .cache(CachePolicy::ttl(Duration::from_secs(60)).public().tag("rates"))
///     .handler(|| async { "1 EUR = 1.1 USD" });
/// # drop(exchange_rates);
/// ```
#[derive(Debug, Clone)]
pub struct CachePolicy {
    pub(crate) ttl: Duration,
    pub(crate) public: bool,
    pub(crate) tags: Vec<Arc<str>>,
}

impl CachePolicy {
    /// Results are kept for `ttl`.
    pub fn ttl(ttl: Duration) -> Self {
        Self { ttl, public: false, tags: Vec::new() }
    }

    /// The result is the same for every caller who may call the tool.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Results are forgotten when `tag` is invalidated.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<Arc<str>>) -> Self {
        self.tags.push(tag.into());
        self
    }
}

/// Where a result came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheStatus {
    /// The tool ran for this call.
    Miss,
    /// It was kept from an earlier call.
    Hit,
    /// Another call that asked the same was running, and this one got its result.
    Shared,
}

impl CacheStatus {
    /// As results and metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Miss => "miss",
            Self::Hit => "hit",
            Self::Shared => "shared",
        }
    }
}
