//! Why a store did not do what it was asked. In each case nothing was changed, unless the variant says otherwise.

use std::error::Error as StdError;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// There is no room, even after everything that had expired was removed. Nothing was changed.
    #[error(
        "the state store is full: it holds as many {bound} as it may; raise its limit or let entries expire sooner"
    )]
    Full {
        /// The bound that was met, such as `entries` or `bytes`.
        bound: &'static str,
    },
    /// The engine can't be reached or did not answer. Whether the change was made is unknown.
    #[error("the state store can't be reached; try again shortly")]
    Unavailable {
        /// What the operator reads in the log.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// A key or value is longer than the store takes. Nothing was changed.
    #[error("{what} is longer than the {max_bytes} bytes that the state store takes")]
    TooLarge {
        /// Which part: `a key` or `a value`.
        what: &'static str,
        /// The most that is taken.
        max_bytes: usize,
    },
    /// More was asked of a quota than it ever holds: waiting would not help. Nothing was taken.
    #[error(
        "a quota with a burst of {burst} never grants {cost} at once; ask for less or allow a larger burst"
    )]
    NeverGranted {
        /// What was asked for.
        cost: u32,
        /// The most that the quota holds.
        burst: u32,
    },
}

impl StateError {
    /// The engine failed with `source`.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable { source: Some(source.into()) }
    }

    /// Whether the same operation may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Unavailable { .. })
    }
}
