//! The entry point for the fuzz target of the guard. Not part of the public API.
//!
//! No server is asked: what the guard lets through is judged a second time, from the text that would be sent. Both judgements
//! must agree, since a difference would mean that the server reads something else than what was judged.

use super::guard::{Statement, judge, judge_change};

/// Judges one statement; true if its text would be sent.
///
/// # Panics
/// When what would be sent is judged in another way than what was asked.
#[must_use]
pub fn check(sql: &str) -> bool {
    let reads = check_query(sql);
    let changes = check_change(sql);
    assert!(!(reads && changes), "a change is taken for a query: {sql:?}");
    reads || changes
}

fn check_query(sql: &str) -> bool {
    let Ok(asked) = judge(sql, Some("shop")) else { return false };
    assert_eq!(asked.text, sent_again(&asked).text, "the text to send is not settled: {sql:?}");
    true
}

fn check_change(sql: &str) -> bool {
    let Ok(asked) = judge_change(sql, Some("shop")) else { return false };
    match judge_change(&asked.statement.text, Some("shop")) {
        Ok(sent) => {
            assert_eq!(asked.statement.text, sent.statement.text, "not settled: {sql:?}");
            // As above, more may have been looked up than is changed.
            assert!(asked.written.is_superset(&sent.written), "{:?}", asked.statement.text);
            assert_eq!(sent.statement.functions, asked.statement.functions, "{sql:?}");
            assert_eq!((sent.events, sent.count), (asked.events, asked.count), "{sql:?}");
        }
        Err(error) => {
            panic!("what was let through is refused: {error}: {:?}", asked.statement.text)
        }
    }
    true
}

fn sent_again(asked: &Statement) -> Statement {
    match judge(&asked.text, Some("shop")) {
        Ok(sent) => {
            // More may have been looked up than is read, never less.
            assert!(asked.relations.is_superset(&sent.relations), "{:?}", asked.text);
            assert_eq!(sent.functions, asked.functions, "{:?}", asked.text);
            assert_eq!(sent.shape, asked.shape, "{:?}", asked.text);
            sent
        }
        Err(error) => panic!("what was let through is refused: {error}: {:?}", asked.text),
    }
}
