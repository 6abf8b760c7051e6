//! Bounded logs.

use std::sync::Arc;

use super::{Harness, SPAN, at_once, done, just_after, just_before};
use crate::state::{LogBound, LogPage};

fn bound(entries: usize) -> LogBound {
    LogBound { entries, ttl: SPAN }
}

fn texts(page: &LogPage) -> Vec<String> {
    page.entries.iter().map(|entry| String::from_utf8_lossy(&entry.value).into_owned()).collect()
}

pub(super) async fn entries_are_read_in_the_order_of_their_numbers(harness: &dyn Harness) {
    let store = harness.open().await;
    assert_eq!(done!(store.read_from(b"log", 0, 9)), LogPage::default());
    let mut numbers = Vec::new();
    for text in ["a", "", "c"] {
        numbers.push(done!(store.append(b"log", text.as_bytes(), bound(9))));
    }
    done!(store.append(b"other", b"x", bound(9)));
    assert!(numbers.is_sorted_by(|a, b| a < b) && numbers[0] > 0, "{numbers:?}");
    let page = done!(store.read_from(b"log", 0, 9));
    assert_eq!((texts(&page), page.missed), (vec!["a".into(), String::new(), "c".into()], false));
    assert_eq!(page.entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), numbers);
    assert_eq!(texts(&done!(store.read_from(b"log", numbers[0], 1))), [""]);
    assert_eq!(texts(&done!(store.read_from(b"log", numbers[1], 9))), ["c"]);
    for after in [numbers[2], u64::MAX] {
        assert_eq!(done!(store.read_from(b"log", after, 9)), LogPage::default());
    }
    assert!(done!(store.read_from(b"log", 0, 0)).entries.is_empty());
}

pub(super) async fn the_oldest_entries_go_and_the_reader_learns_it(harness: &dyn Harness) {
    let store = harness.open().await;
    let mut numbers = Vec::new();
    for n in 0..10 {
        numbers.push(done!(store.append(b"log", n.to_string().as_bytes(), bound(3))));
    }
    let page = done!(store.read_from(b"log", 0, 9));
    assert_eq!((texts(&page), page.missed), (vec!["7".into(), "8".into(), "9".into()], true));
    assert!(done!(store.read_from(b"log", numbers[5], 9)).missed);
    let page = done!(store.read_from(b"log", numbers[6], 9));
    assert_eq!((page.entries.len(), page.missed), (3, false));
    // A smaller bound takes effect with the next entry; none at all still keeps that entry.
    done!(store.append(b"log", b"last", bound(0)));
    let page = done!(store.read_from(b"log", numbers[8], 9));
    assert_eq!((texts(&page), page.missed), (vec!["last".into()], true));
    assert!(!done!(store.read_from(b"log", numbers[9], 9)).missed);
}

pub(super) async fn a_log_is_forgotten_after_its_time_and_its_numbers_go_on(harness: &dyn Harness) {
    let store = harness.open().await;
    done!(store.append(b"log", b"a", bound(9)));
    harness.pass(SPAN / 2).await;
    let last = done!(store.append(b"log", b"b", bound(9)));
    just_before(harness, SPAN).await;
    // Each entry keeps the whole log for longer.
    assert_eq!(texts(&done!(store.read_from(b"log", 0, 9))), ["a", "b"]);
    just_after(harness).await;
    assert!(done!(store.read_from(b"log", 0, 9)).entries.is_empty());
    let next = done!(store.append(b"log", b"c", bound(9)));
    assert!(next > last, "{next} after {last}");
    assert_eq!(texts(&done!(store.read_from(b"log", last, 9))), ["c"]);
}

pub(super) async fn entries_appended_at_once_are_all_there(harness: &dyn Harness) {
    let store = harness.open().await;
    let wide = LogBound { entries: 1000, ttl: SPAN * 1000 };
    let numbers = at_once(32, |index| {
        let store = Arc::clone(&store);
        async move { (done!(store.append(b"log", &[index as u8], wide)), index as u8) }
    });
    let mut numbers = numbers.await;
    numbers.sort_unstable();
    let page = done!(store.read_from(b"log", 0, 1000));
    let read: Vec<_> = page.entries.iter().map(|entry| (entry.sequence, entry.value[0])).collect();
    assert_eq!((read, page.missed), (numbers, false));
}
