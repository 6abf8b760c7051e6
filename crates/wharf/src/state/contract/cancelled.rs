//! Callers that go away half-way.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use futures_util::future::{FutureExt, poll_immediate};

use super::{Harness, SPAN, done};
use crate::state::{Delivery, LogBound, Quota, Swap, Take};

/// Polls as often as a caller that gives up at that point, and drops the future.
async fn give_up<T>(future: impl Future<Output = T>, polls: usize) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if poll_immediate(&mut future).await.is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

pub(super) async fn a_dropped_operation_is_done_or_not_done(harness: &dyn Harness) {
    let slow = Quota::new(std::num::NonZeroU32::MIN, Duration::from_secs(3600));
    let bound = LogBound { entries: 9, ttl: SPAN * 1000 };
    for polls in 0..4 {
        let store = harness.open().await;
        done!(store.put(b"key", b"old", None));
        give_up(store.compare_and_swap(b"key", Some(b"old"), b"new", None), polls).await;
        give_up(store.take(b"key", slow, 1), polls).await;
        give_up(store.append(b"key", b"entry", bound), polls).await;
        give_up(store.acquire(b"key", SPAN), polls).await;
        give_up(store.subscribe(b"key"), polls).await;
        give_up(store.publish(b"key", b"message"), polls).await;
        // An engine may still be at it.
        harness.pass(SPAN + harness.tolerance()).await;

        let value = done!(store.get(b"key"));
        assert!(value == Some(Bytes::from("old")) || value == Some(Bytes::from("new")));
        let swap = done!(store.compare_and_swap(b"key", value.as_deref(), b"next", None));
        assert_eq!(swap, Swap::Done);
        let take = done!(store.take(b"key", slow, 1));
        let again = done!(store.take(b"key", slow, 1));
        assert!(matches!(again, Take::Wait(_)), "{take:?}, {again:?}");
        let entries = done!(store.read_from(b"key", 0, 9)).entries;
        assert!(entries.len() <= 1 && entries.iter().all(|entry| entry.value == "entry"));
        // A lease that nobody knows to hold ends by itself.
        assert!(done!(store.acquire(b"key", SPAN)).is_some());
    }
}

pub(super) async fn a_dropped_wait_for_a_message_loses_none(harness: &dyn Harness) {
    let store = harness.open().await;
    let mut messages = done!(store.subscribe(b"topic"));
    for text in ["one", "two", "three"] {
        for polls in 0..3 {
            give_up(messages.next(), polls).await;
        }
        let mut waiting = messages.next();
        let early = (&mut waiting).now_or_never();
        assert_eq!(early, None);
        drop(waiting);
        done!(store.publish(b"topic", text.as_bytes()));
        let expected = Delivery::Message(Bytes::from(text));
        assert_eq!(messages.next().await, Some(expected));
    }
}
