//! The clock by which things expire: nanoseconds since 1970 that never go back, whatever the system's clock does.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// A system clock beyond the year 2200 is wrong. Believed once, it would be the file's time for ever.
const PLAUSIBLE: Duration = Duration::from_secs(230 * 365 * 86_400);

/// Where time comes from.
pub(super) trait Source: Send + Sync + Debug {
    /// Since 1970; may jump.
    fn wall(&self) -> Duration;
    /// Since some moment; never goes back.
    fn steady(&self) -> Duration;
}

/// The time of this machine.
#[derive(Debug)]
pub(super) struct System(Instant);

impl Default for System {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Source for System {
    fn wall(&self) -> Duration {
        SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
    }

    fn steady(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The file's clock as one process knows it.
#[derive(Debug)]
pub(super) struct Clock {
    source: Arc<dyn Source>,
    last: i64,
    last_steady: Duration,
}

impl Clock {
    pub(super) fn new(source: Arc<dyn Source>) -> Self {
        let last_steady = source.steady();
        Self { source, last: 0, last_steady }
    }

    /// Now, and not before `stored`, which is what the file says.
    pub(super) fn now(&mut self, stored: i64) -> i64 {
        let (wall, steady) = (self.source.wall(), self.source.steady());
        let passed = steady.saturating_sub(self.last_steady);
        // Not `stored` and what passed: how long ago another process wrote it is unknown, and time would run too fast.
        let went_on = self.last.saturating_add(nanos(passed)).max(stored);
        let wall = if wall > PLAUSIBLE { 0 } else { nanos(wall) };
        self.last = went_on.max(wall);
        self.last_steady = steady;
        self.last
    }
}

/// As the file counts time, saturating.
pub(super) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// When something that begins `now` and lasts for `ttl` has ended; `None` is never.
pub(super) fn deadline(now: i64, ttl: Option<Duration>) -> Option<i64> {
    // A time that can't be represented never comes.
    ttl.and_then(|ttl| i64::try_from(ttl.as_nanos()).ok()).and_then(|ttl| now.checked_add(ttl))
}
