//! Leases and their fencing tokens.

use std::sync::Arc;

use super::{Harness, SPAN, at_once, done, just_after, just_before};
use crate::state::{Lease, StateStore};

async fn acquire(store: &dyn StateStore) -> Lease {
    match done!(store.acquire(b"name", SPAN)) {
        Some(lease) => lease,
        None => panic!("the lease is held by someone else"),
    }
}

pub(super) async fn a_lease_has_one_holder(harness: &dyn Harness) {
    let store = harness.open().await;
    let lease = acquire(&*store).await;
    assert_eq!(&lease.name[..], b"name");
    assert_eq!(done!(store.acquire(b"name", SPAN)), None);
    assert!(done!(store.acquire(b"another", SPAN)).is_some());
    assert!(done!(store.release(&lease)));
    assert!(!done!(store.release(&lease)));
    let next = acquire(&*store).await;
    assert!(next.token > lease.token, "{next:?} after {lease:?}");
}

pub(super) async fn a_lease_ends_at_its_time(harness: &dyn Harness) {
    let store = harness.open().await;
    let lease = acquire(&*store).await;
    just_before(harness, SPAN).await;
    assert_eq!(done!(store.acquire(b"name", SPAN)), None);
    just_after(harness).await;
    // Nobody else has taken it, and still it has ended.
    assert!(!done!(store.renew(&lease, SPAN)));
    assert!(!done!(store.release(&lease)));
    let next = acquire(&*store).await;
    assert!(next.token > lease.token, "{next:?} after {lease:?}");
}

pub(super) async fn a_renewed_lease_is_held_from_then_on(harness: &dyn Harness) {
    let store = harness.open().await;
    let lease = acquire(&*store).await;
    for _ in 0..4 {
        harness.pass(SPAN / 2).await;
        assert!(done!(store.renew(&lease, SPAN)));
        assert_eq!(done!(store.acquire(b"name", SPAN)), None);
    }
    // A renewal can also bring the end nearer.
    assert!(done!(store.renew(&lease, SPAN / 4)));
    harness.pass(SPAN / 4 + harness.tolerance()).await;
    assert!(done!(store.acquire(b"name", SPAN)).is_some());
}

pub(super) async fn an_old_holder_can_neither_renew_nor_release(harness: &dyn Harness) {
    let store = harness.open().await;
    let old = acquire(&*store).await;
    harness.pass(SPAN + harness.tolerance()).await;
    let new = acquire(&*store).await;
    assert!(!done!(store.renew(&old, SPAN)));
    assert!(!done!(store.release(&old)));
    let made_up = Lease::new(old.name.clone(), u64::MAX);
    assert!(!done!(store.release(&made_up)) && !done!(store.renew(&made_up, SPAN)));
    assert_eq!(done!(store.acquire(b"name", SPAN)), None);
    assert!(done!(store.renew(&new, SPAN)));
}

pub(super) async fn of_many_that_acquire_at_once_one_holds(harness: &dyn Harness) {
    let store = harness.open().await;
    let mut last = 0;
    for _ in 0..10 {
        let leases = at_once(16, |_| {
            let store = Arc::clone(&store);
            async move { done!(store.acquire(b"name", SPAN * 1000)) }
        });
        let held: Vec<_> = leases.await.into_iter().flatten().collect();
        let [lease] = &held[..] else { panic!("not one holder: {held:?}") };
        assert!(lease.token > last, "{lease:?} after {last}");
        last = lease.token;
        assert!(done!(store.release(lease)));
    }
}
