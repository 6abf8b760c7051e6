//! Tests of the evaluator as its users see it.

mod answers;
mod properties;
mod refusals;

use super::{Answer, EvalError, Limits, evaluate};

fn eval(expression: &str) -> Result<Answer, EvalError> {
    evaluate(expression, &Limits::default())
}

/// The value, with `~` in front of an approximation.
fn shown(expression: &str) -> String {
    match eval(expression) {
        Ok(answer) if answer.exact => answer.value,
        Ok(answer) => format!("~{}", answer.value),
        Err(error) => format!("error: {error}"),
    }
}

#[track_caller]
fn check(expression: &str, expected: &str) {
    assert_eq!(shown(expression), expected, "{expression}");
}
