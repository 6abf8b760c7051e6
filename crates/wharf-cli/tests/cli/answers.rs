//! Questions of the server, answered without a person.

use crate::everything::{over_stdio, stderr, stdout};

const CALL: [&str; 3] = ["call", "test_elicitation", "message=Who are you?"];

#[test]
fn prepared_answers_are_sent_in_both_eras() {
    let answer = r#"{"username":"ada","email":"ada@example.com"}"#;
    for era in ["modern", "legacy"] {
        let called = with_options(&["--era", era, "--answer", answer]).assert().success();
        let text = stdout(&called);
        assert!(
            text.contains("action=accept") && text.contains("ada@example.com"),
            "{era}: {text}"
        );
    }
}

#[test]
fn refusals_are_sent() {
    for (answer, expected) in [("decline", "action=decline"), ("cancel", "action=cancel")] {
        let called = with_options(&["--answer", answer]).assert().success();
        assert!(stdout(&called).contains(expected), "{}", stdout(&called));
    }
}

#[test]
fn without_an_answer_the_question_is_declined_with_a_hint() {
    for era in ["modern", "legacy"] {
        let called = with_options(&["--era", era]).assert().success();
        assert!(stdout(&called).contains("action=decline"), "{era}: {}", stdout(&called));
        let hint = stderr(&called);
        assert!(hint.contains("Who are you?") && hint.contains("--answer"), "{era}: {hint}");
    }
}

#[test]
fn answers_that_are_no_objects_are_refused_before_anything_starts() {
    with_options(&["--answer", "[1]"]).assert().code(64);
}

fn with_options(options: &[&str]) -> assert_cmd::Command {
    over_stdio(&[&CALL, options].concat())
}
