//! What time it is for an expiry.
//!
//! Expiries are dates, so the system's clock decides. A clock that is set back must not bring an expired key to life: the
//! time is never earlier than when the process started plus what has passed since. A clock that is set forward by
//! mistake and back again heals.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

/// Seconds since 1970 by a clock that does not go back.
#[derive(Clone)]
pub(super) struct Clock {
    wall: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    began: (Duration, Instant),
}

impl Clock {
    pub(super) fn system() -> Self {
        Self::new(Arc::new(SystemTime::now))
    }

    pub(super) fn new(wall: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Self {
        let began = (since_epoch(wall()), Instant::now());
        Self { wall, began }
    }

    pub(super) fn now_seconds(&self) -> u64 {
        let (wall, instant) = self.began;
        let least = wall + instant.elapsed();
        since_epoch((self.wall)()).max(least).as_secs()
    }
}

/// Seconds since 1970; 0 for a clock before that.
pub(super) fn seconds(time: SystemTime) -> u64 {
    since_epoch(time).as_secs()
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test(start_paused = true)]
    async fn time_does_not_go_back_and_heals_after_a_jump_forward() {
        let wall = Arc::new(Mutex::new(1_000_u64));
        let shown = Arc::clone(&wall);
        let read = move || UNIX_EPOCH + Duration::from_secs(*shown.lock().unwrap());
        let clock = Clock::new(Arc::new(read));
        assert_eq!(clock.now_seconds(), 1_000);
        tokio::time::advance(Duration::from_secs(50)).await;
        *wall.lock().unwrap() = 10;
        assert_eq!(clock.now_seconds(), 1_050);
        *wall.lock().unwrap() = 999_999;
        assert_eq!(clock.now_seconds(), 999_999);
        *wall.lock().unwrap() = 1_051;
        assert_eq!(clock.now_seconds(), 1_051);
    }
}
