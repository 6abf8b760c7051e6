//! Quotas.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::{Harness, at_once, done};
use crate::state::{Quota, StateError, Take};

/// One token comes in this time.
const INTERVAL: Duration = Duration::from_millis(200);

fn quota(burst: u32) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Quota::new(NonZeroU32::MIN, INTERVAL).with_burst(burst)
}

#[track_caller]
fn assert_waits(take: Take, expected: Duration, harness: &dyn Harness) {
    let Take::Wait(wait) = take else { panic!("{take:?} in place of a wait of {expected:?}") };
    let early = wait + harness.tolerance() < expected;
    assert!(!early && wait <= expected, "{wait:?} in place of {expected:?}");
}

pub(super) async fn a_burst_is_granted_and_then_one_per_interval(harness: &dyn Harness) {
    let store = harness.open().await;
    for remaining in [2, 1, 0] {
        assert_eq!(done!(store.take(b"key", quota(3), 1)), Take::Granted { remaining });
    }
    assert_waits(done!(store.take(b"key", quota(3), 1)), INTERVAL, harness);
    // Another key has its own bucket.
    assert_eq!(done!(store.take(b"other", quota(3), 3)), Take::Granted { remaining: 0 });
    harness.pass(INTERVAL / 4).await;
    assert_waits(done!(store.take(b"key", quota(3), 1)), INTERVAL * 3 / 4, harness);
    assert_waits(done!(store.take(b"key", quota(3), 2)), INTERVAL * 7 / 4, harness);
    harness.pass(INTERVAL * 3 / 4).await;
    assert_eq!(done!(store.take(b"key", quota(3), 1)), Take::Granted { remaining: 0 });
    assert_waits(done!(store.take(b"key", quota(3), 1)), INTERVAL, harness);
}

pub(super) async fn a_refused_take_takes_nothing(harness: &dyn Harness) {
    let store = harness.open().await;
    assert_eq!(done!(store.take(b"key", quota(3), 2)), Take::Granted { remaining: 1 });
    for _ in 0..50 {
        assert_waits(done!(store.take(b"key", quota(3), 2)), INTERVAL, harness);
    }
    assert_eq!(done!(store.take(b"key", quota(3), 1)), Take::Granted { remaining: 0 });
    // To take nothing asks how much there is.
    assert_eq!(done!(store.take(b"key", quota(3), 0)), Take::Granted { remaining: 0 });
    assert_eq!(done!(store.take(b"new", quota(3), 0)), Take::Granted { remaining: 3 });
}

pub(super) async fn a_bucket_never_holds_more_than_its_burst(harness: &dyn Harness) {
    let store = harness.open().await;
    assert_eq!(done!(store.take(b"key", quota(2), 2)), Take::Granted { remaining: 0 });
    harness.pass(INTERVAL * 10).await;
    assert_eq!(done!(store.take(b"key", quota(2), 1)), Take::Granted { remaining: 1 });
    assert_eq!(done!(store.take(b"key", quota(2), 1)), Take::Granted { remaining: 0 });
    assert_waits(done!(store.take(b"key", quota(2), 1)), INTERVAL, harness);
}

pub(super) async fn more_than_the_burst_is_never_granted(harness: &dyn Harness) {
    let store = harness.open().await;
    for cost in [3, u32::MAX] {
        let taken = store.take(b"key", quota(2), cost).await;
        assert!(
            matches!(taken, Err(StateError::NeverGranted { burst: 2, cost: c }) if c == cost),
            "{taken:?}"
        );
    }
    assert_eq!(done!(store.take(b"key", quota(2), 2)), Take::Granted { remaining: 0 });
    // The slowest and largest bucket there can be.
    let slow = Quota::new(NonZeroU32::MIN, Duration::MAX).with_burst(NonZeroU32::MAX);
    let taken = done!(store.take(b"slow", slow, 1));
    assert!(matches!(taken, Take::Granted { .. }), "{taken:?}");
}

pub(super) async fn takes_at_once_grant_the_burst_and_no_more(harness: &dyn Harness) {
    let store = harness.open().await;
    // So slow that none comes meanwhile.
    let slow = Quota::new(NonZeroU32::MIN, Duration::from_secs(3600))
        .with_burst(NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN));
    let takes = at_once(64, |_| {
        let store = Arc::clone(&store);
        async move { done!(store.take(b"key", slow, 1)) }
    });
    let mut left: Vec<_> = takes
        .await
        .into_iter()
        .filter_map(|take| match take {
            Take::Granted { remaining } => Some(remaining),
            Take::Wait(_) => None,
        })
        .collect();
    left.sort_unstable();
    assert_eq!(left, (0..10).collect::<Vec<_>>());
}

pub(super) async fn a_smaller_quota_forgives_what_a_wider_one_took(harness: &dyn Harness) {
    let store = harness.open().await;
    let wide = Quota::new(NonZeroU32::MIN, Duration::from_secs(3600));
    assert_eq!(done!(store.take(b"key", wide, 1)), Take::Granted { remaining: 0 });
    assert_waits(done!(store.take(b"key", quota(2), 1)), INTERVAL, harness);
    harness.pass(INTERVAL).await;
    assert_eq!(done!(store.take(b"key", quota(2), 1)), Take::Granted { remaining: 0 });
}
