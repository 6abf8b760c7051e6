//! Values, their lifetimes, and compare-and-swap.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Harness, SPAN, at_once, done, just_after, just_before};
use crate::state::{LogBound, Quota, StateError, StateStore, Swap};

pub(super) async fn what_was_put_is_found_until_it_is_deleted(harness: &dyn Harness) {
    let store = harness.open().await;
    assert_eq!(done!(store.get(b"key")), None);
    assert!(!done!(store.delete(b"key")));
    done!(store.put(b"key", b"one", None));
    assert_eq!(done!(store.get(b"key")), Some(Bytes::from("one")));
    done!(store.put(b"key", b"two", None));
    assert_eq!(done!(store.get(b"key")), Some(Bytes::from("two")));
    assert!(done!(store.delete(b"key")));
    assert_eq!(done!(store.get(b"key")), None);
    assert!(!done!(store.delete(b"key")));
}

pub(super) async fn names_and_values_are_any_bytes(harness: &dyn Harness) {
    let store = harness.open().await;
    let all: Vec<u8> = (0..=255).collect();
    let names: [&[u8]; 9] =
        [b"a", b"a\0", b"a\0b", b"A", b"a*", b"a:b", b"%s", "ä".as_bytes(), &all];
    for name in names {
        done!(store.put(name, name, None));
    }
    for name in names {
        assert_eq!(done!(store.get(name)).as_deref(), Some(name));
    }
    // An empty value is a value.
    done!(store.put(b"a", b"", None));
    assert_eq!(done!(store.get(b"a")), Some(Bytes::new()));
    let swap = done!(store.compare_and_swap(b"a", None, b"x", None));
    assert_eq!(swap, Swap::Differs(Some(Bytes::new())));
    assert_eq!(done!(store.compare_and_swap(b"a", Some(b""), &all, None)), Swap::Done);
    assert_eq!(done!(store.get(b"a")).as_deref(), Some(&all[..]));
}

pub(super) async fn each_kind_has_its_own_names(harness: &dyn Harness) {
    let store = harness.open().await;
    let bound = LogBound { entries: 2, ttl: SPAN };
    let quota = Quota::new(std::num::NonZeroU32::MIN, SPAN);
    done!(store.put(b"same", b"value", None));
    done!(store.take(b"same", quota, 1));
    let lease = done!(store.acquire(b"same", SPAN));
    assert!(lease.is_some());
    done!(store.append(b"same", b"entry", bound));
    done!(store.publish(b"same", b"message"));
    assert_eq!(done!(store.get(b"same")).as_deref(), Some(&b"value"[..]));
    assert_eq!(done!(store.read_from(b"same", 0, 9)).entries.len(), 1);
    assert!(done!(store.delete(b"same")));
    assert_eq!(done!(store.acquire(b"same", SPAN)), None);
    assert_eq!(done!(store.read_from(b"same", 0, 9)).entries.len(), 1);
}

pub(super) async fn a_value_ends_exactly_at_its_time_to_live(harness: &dyn Harness) {
    let store = harness.open().await;
    done!(store.put(b"put", b"x", Some(SPAN)));
    done!(store.compare_and_swap(b"swapped", None, b"x", Some(SPAN)));
    done!(store.put(b"kept", b"x", None));
    // Longer than any clock: it never comes, and nothing overflows.
    done!(store.put(b"far", b"x", Some(Duration::MAX)));
    just_before(harness, SPAN).await;
    assert!(done!(store.get(b"put")).is_some() && done!(store.get(b"swapped")).is_some());
    let swap = done!(store.compare_and_swap(b"put", None, b"y", None));
    assert_eq!(swap, Swap::Differs(Some(Bytes::from("x"))));
    just_after(harness).await;
    assert_eq!((done!(store.get(b"put")), done!(store.get(b"swapped"))), (None, None));
    // What has expired is absent in every respect.
    assert!(!done!(store.delete(b"swapped")));
    let swap = done!(store.compare_and_swap(b"put", Some(b"x"), b"y", None));
    assert_eq!(swap, Swap::Differs(None));
    assert_eq!(done!(store.compare_and_swap(b"put", None, b"y", None)), Swap::Done);
    assert!(done!(store.get(b"kept")).is_some() && done!(store.get(b"far")).is_some());
}

pub(super) async fn a_later_write_replaces_the_time_to_live(harness: &dyn Harness) {
    let store = harness.open().await;
    let keys: [&[u8]; 5] = [b"longer", b"forever", b"shorter", b"now", b"swapped"];
    for key in keys {
        done!(store.put(key, b"x", Some(SPAN * 2)));
    }
    done!(store.put(b"longer", b"y", Some(SPAN * 4)));
    done!(store.put(b"forever", b"y", None));
    done!(store.put(b"shorter", b"y", Some(SPAN)));
    done!(store.put(b"now", b"y", Some(Duration::ZERO)));
    done!(store.compare_and_swap(b"swapped", Some(b"x"), b"y", Some(SPAN)));
    assert_eq!(done!(store.get(b"now")), None);
    harness.pass(SPAN + harness.tolerance()).await;
    assert_eq!(done!(store.get(b"shorter")), None);
    assert_eq!(done!(store.get(b"swapped")), None);
    harness.pass(SPAN + harness.tolerance()).await;
    assert!(done!(store.get(b"longer")).is_some() && done!(store.get(b"forever")).is_some());
    harness.pass(SPAN * 2 + harness.tolerance()).await;
    assert!(done!(store.get(b"longer")).is_none() && done!(store.get(b"forever")).is_some());
}

pub(super) async fn a_swap_needs_what_it_expects(harness: &dyn Harness) {
    let store = harness.open().await;
    assert_eq!(
        done!(store.compare_and_swap(b"key", Some(b"one"), b"two", None)),
        Swap::Differs(None)
    );
    assert_eq!(done!(store.get(b"key")), None);
    assert_eq!(done!(store.compare_and_swap(b"key", None, b"one", None)), Swap::Done);
    let differs = Swap::Differs(Some(Bytes::from("one")));
    assert_eq!(done!(store.compare_and_swap(b"key", None, b"two", None)), differs);
    for near in [&b"on"[..], b"One", b"one\0", b""] {
        assert_eq!(done!(store.compare_and_swap(b"key", Some(near), b"two", None)), differs);
    }
    assert_eq!(done!(store.compare_and_swap(b"key", Some(b"one"), b"two", None)), Swap::Done);
    assert_eq!(done!(store.get(b"key")), Some(Bytes::from("two")));
    // A swap that changes nothing else can still change the lifetime.
    let swap = done!(store.compare_and_swap(b"key", Some(b"two"), b"two", Some(Duration::ZERO)));
    assert_eq!(swap, Swap::Done);
    assert_eq!(done!(store.get(b"key")), None);
}

pub(super) async fn of_two_swaps_at_once_one_wins(harness: &dyn Harness) {
    let store = harness.open().await;
    for round in 0..20_u8 {
        let swaps = at_once(8, |index| {
            let store = Arc::clone(&store);
            async move { done!(store.compare_and_swap(&[round], None, &[index as u8], None)) }
        });
        let swaps = swaps.await;
        let winners: Vec<_> = (0..8_u8).filter(|i| swaps[*i as usize] == Swap::Done).collect();
        assert_eq!(winners.len(), 1, "{swaps:?}");
        assert_eq!(done!(store.get(&[round])).as_deref(), Some(&winners[..]));
        for swap in swaps.iter().filter(|swap| **swap != Swap::Done) {
            assert_eq!(*swap, Swap::Differs(Some(Bytes::copy_from_slice(&winners))));
        }
    }
}

pub(super) async fn no_increment_is_lost(harness: &dyn Harness) {
    let store = harness.open().await;
    let increments = at_once(8, |_| {
        let store = Arc::clone(&store);
        async move {
            for _ in 0..25 {
                increment(&*store).await;
            }
        }
    });
    increments.await;
    assert_eq!(done!(store.get(b"count")).as_deref(), Some(&b"200"[..]));
}

async fn increment(store: &dyn StateStore) {
    let mut known = done!(store.get(b"count"));
    loop {
        let text = known.as_deref().map_or("0", |raw| std::str::from_utf8(raw).unwrap_or("0"));
        let next = (text.parse::<u32>().unwrap_or(0) + 1).to_string();
        match done!(store.compare_and_swap(b"count", known.as_deref(), next.as_bytes(), None)) {
            Swap::Done => return,
            Swap::Differs(found) => known = found,
        }
    }
}

pub(super) async fn the_longest_value_fits_and_a_longer_one_is_refused(harness: &dyn Harness) {
    let store = harness.open().await;
    let longest = vec![7; harness.value_bytes()];
    done!(store.put(b"key", &longest, None));
    assert_eq!(done!(store.get(b"key")).as_deref(), Some(&longest[..]));
    let longer = vec![8; harness.value_bytes() + 1];
    for refused in [
        store.put(b"key", &longer, None).await,
        store.compare_and_swap(b"key", Some(&longest), &longer, None).await.map(drop),
        store.append(b"log", &longer, LogBound { entries: 1, ttl: SPAN }).await.map(drop),
        store.publish(b"topic", &longer).await,
    ] {
        assert!(matches!(refused, Err(StateError::TooLarge { .. })), "{refused:?}");
    }
    assert_eq!(done!(store.get(b"key")).as_deref(), Some(&longest[..]));
    assert!(done!(store.read_from(b"log", 0, 9)).entries.is_empty());
}

pub(super) async fn the_longest_key_fits_and_a_longer_one_is_refused(harness: &dyn Harness) {
    let store = harness.open().await;
    let (longest, longer) = (vec![0; harness.key_bytes()], vec![0; harness.key_bytes() + 1]);
    done!(store.put(&longest, b"", None));
    let quota = Quota::new(NonZeroU32::MIN, SPAN);
    for refused in [
        store.put(&longer, b"", None).await,
        store.compare_and_swap(&longer, None, b"", None).await.map(drop),
        store.take(&longer, quota, 1).await.map(drop),
        store.acquire(&longer, SPAN).await.map(drop),
        store.append(&longer, b"", LogBound { entries: 1, ttl: SPAN }).await.map(drop),
        store.publish(&longer, b"").await,
        store.subscribe(&longer).await.map(drop),
    ] {
        assert!(
            matches!(refused, Err(StateError::TooLarge { what: "a key", max_bytes }) if max_bytes == longest.len()),
            "{refused:?}",
        );
    }
    // Nothing is there under a name that cannot be given.
    assert_eq!(done!(store.get(&longer)), None);
    assert!(!done!(store.delete(&longer)));
}

pub(super) async fn many_keys_stay_apart(harness: &dyn Harness) {
    const MANY: u32 = 2000;
    let store = harness.open().await;
    let key = |n: u32| format!("key-{n}").into_bytes();
    for n in 0..MANY {
        done!(store.put(
            &key(n),
            &n.to_le_bytes(),
            Some(if n % 2 == 0 { SPAN } else { SPAN * 500 })
        ));
    }
    for n in (0..MANY).step_by(3) {
        assert!(done!(store.delete(&key(n))), "{n}");
    }
    harness.pass(SPAN + harness.tolerance()).await;
    for n in 0..MANY {
        let kept = n % 3 != 0 && n % 2 == 1;
        let expected = kept.then(|| Bytes::copy_from_slice(&n.to_le_bytes()));
        assert_eq!(done!(store.get(&key(n))), expected, "{n}");
    }
}
