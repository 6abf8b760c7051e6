//! Quotas: token buckets in the form of the generic cell rate algorithm (ITU-T I.371, GCRA), whose whole state is one
//! point in time.

use std::{num::NonZeroU32, time::Duration};

/// A token bucket: how fast it fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    interval: Duration,
    burst: NonZeroU32,
}

impl Quota {
    /// `tokens` per `period`, all of which may be taken at once.
    ///
    /// ```
    /// # use std::{num::NonZeroU32, time::Duration};
    /// # use wharf::state::Quota;
    /// let ten_a_second = Quota::new(NonZeroU32::new(10).unwrap(), Duration::from_secs(1));
    /// assert_eq!(ten_a_second.interval(), Duration::from_millis(100));
    /// ```
    pub const fn new(tokens: NonZeroU32, period: Duration) -> Self {
        // Rounded up: never faster than was asked, and never a bucket that fills without time passing.
        let nanos = period.as_nanos().div_ceil(tokens.get() as u128);
        let nanos = if nanos == 0 { 1 } else { nanos };
        let interval = if nanos > u64::MAX as u128 {
            Duration::from_nanos(u64::MAX)
        } else {
            Duration::from_nanos(nanos as u64)
        };
        Self { interval, burst: tokens }
    }

    /// At most `burst` at once.
    #[must_use]
    pub const fn with_burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// The time in which one token comes.
    pub const fn interval(self) -> Duration {
        self.interval
    }

    /// The most that can be taken at once.
    pub const fn burst(self) -> u32 {
        self.burst.get()
    }

    /// The time in which `tokens` come, saturating.
    pub const fn time_of(self, tokens: u32) -> Duration {
        self.interval.saturating_mul(tokens)
    }

    /// One take of `cost` tokens from a bucket that is full again after `lacking`: what becomes of it, and after how long
    /// the bucket is full then. What a store does besides is to remember that time.
    pub fn take(self, cost: u32, lacking: Duration) -> (Take, Duration) {
        let window = self.time_of(self.burst());
        // What was taken under a wider quota weighs no more than a whole bucket of this one.
        let lacking = lacking.min(window);
        let after = lacking.saturating_add(self.time_of(cost));
        if after > window {
            return (Take::Wait(after - window), lacking);
        }
        let remaining = (window - after).as_nanos() / self.interval.as_nanos().max(1);
        (Take::Granted { remaining: u32::try_from(remaining).unwrap_or(u32::MAX) }, after)
    }
}

/// What became of a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The tokens were taken; so many are left.
    Granted {
        /// Whole tokens that could be taken now.
        remaining: u32,
    },
    /// Nothing was taken; the same take is granted after this long if nobody else takes meanwhile.
    Wait(Duration),
}
