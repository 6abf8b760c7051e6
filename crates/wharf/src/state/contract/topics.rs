//! Publishing and listening.

use bytes::Bytes;

use super::{Harness, done};
use crate::state::{Delivery, Messages};

fn message(text: &str) -> Option<Delivery> {
    Some(Delivery::Message(Bytes::copy_from_slice(text.as_bytes())))
}

async fn next(messages: &mut Box<dyn Messages>) -> Option<Delivery> {
    messages.next().await
}

pub(super) async fn every_listener_hears_what_comes_after_it(harness: &dyn Harness) {
    let store = harness.open().await;
    done!(store.publish(b"topic", b"to nobody"));
    let mut first = done!(store.subscribe(b"topic"));
    let mut other = done!(store.subscribe(b"other"));
    done!(store.publish(b"topic", b"one"));
    let mut second = done!(store.subscribe(b"topic"));
    done!(store.publish(b"topic", b""));
    done!(store.publish(b"other", b"elsewhere"));
    done!(store.publish(b"topic", b"three"));
    for expected in ["one", "", "three"] {
        assert_eq!(next(&mut first).await, message(expected));
    }
    for expected in ["", "three"] {
        assert_eq!(next(&mut second).await, message(expected));
    }
    assert_eq!(next(&mut other).await, message("elsewhere"));
}

pub(super) async fn a_slow_listener_is_told_and_holds_nobody_up(harness: &dyn Harness) {
    /// More than any store keeps for one listener.
    const FLOOD: usize = 100_000;
    let store = harness.open().await;
    let mut slow = done!(store.subscribe(b"topic"));
    for n in 0..FLOOD {
        done!(store.publish(b"topic", n.to_string().as_bytes()));
    }
    assert_eq!(next(&mut slow).await, Some(Delivery::Lagged));
    // What it gets afterwards is in order and ends with the newest.
    let (mut last, mut heard) = (None, 0_usize);
    let newest = (FLOOD - 1).to_string();
    while last.as_deref() != Some(newest.as_str()) {
        match next(&mut slow).await {
            Some(Delivery::Message(text)) => {
                let number = String::from_utf8_lossy(&text).into_owned();
                let before = last.as_ref().and_then(|last: &String| last.parse::<usize>().ok());
                assert!(before.is_none_or(|before| Ok(before + 1) == number.parse()), "{number}");
                last = Some(number);
                heard += 1;
            }
            other => panic!("{other:?} after {last:?}"),
        }
    }
    assert!(heard < FLOOD);
    done!(store.publish(b"topic", b"again"));
    assert_eq!(next(&mut slow).await, message("again"));
}

pub(super) async fn a_listener_that_leaves_is_missed_by_nobody(harness: &dyn Harness) {
    let store = harness.open().await;
    for _ in 0..100 {
        drop(done!(store.subscribe(b"topic")));
    }
    let mut stays = done!(store.subscribe(b"topic"));
    let leaves = done!(store.subscribe(b"topic"));
    done!(store.publish(b"topic", b"one"));
    drop(leaves);
    done!(store.publish(b"topic", b"two"));
    drop(store);
    assert_eq!(next(&mut stays).await, message("one"));
    assert_eq!(next(&mut stays).await, message("two"));
}
