//! Quotas in memory.

use std::time::Duration;

use tokio::time::Instant;

use super::MemoryStore;
use crate::state::{Quota, StateError, Take};

impl MemoryStore {
    pub(super) fn take_now(&self, key: &[u8], quota: Quota, cost: u32) -> Result<Take, StateError> {
        self.key(key)?;
        if cost > quota.burst() {
            return Err(StateError::NeverGranted { cost, burst: quota.burst() });
        }
        let now = Instant::now();
        self.with_room(now, || {
            let mut table = self.quotas.lock(key);
            let Some(slot) = table.slot(key) else {
                let (take, full_at) = grant(quota, cost, now, now);
                // A bucket that is full takes no room.
                if full_at > now {
                    table.set(&self.budget, key, full_at, 0, Some(full_at), now)?;
                }
                return Ok(take);
            };
            let (take, full_at) = grant(quota, cost, now, slot.value.max(now));
            let goes_back = full_at < slot.value;
            (slot.value, slot.deadline) = (full_at, Some(full_at));
            if goes_back {
                table.set_deadline(key, Some(full_at));
            }
            Ok(take)
        })
    }
}

/// One take from a bucket that is full again at `full_at`: what becomes of it, and when the bucket is full then.
fn grant(quota: Quota, cost: u32, now: Instant, full_at: Instant) -> (Take, Instant) {
    let (take, lacking) = quota.take(cost, full_at.saturating_duration_since(now));
    (take, later(now, lacking))
}

fn later(now: Instant, duration: Duration) -> Instant {
    // A bucket that takes centuries to fill is as good as one that takes a century.
    let century = Duration::from_secs(100 * 365 * 86_400);
    now.checked_add(duration).unwrap_or_else(|| now + century)
}
