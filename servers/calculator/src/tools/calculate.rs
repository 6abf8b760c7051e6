//! `calculate`: one expression, its exact value.

use serde::Serialize;
use serde_json::json;
use wharf::{Json, State, ToolError, tool};

use crate::eval::{EvalError, Limits, evaluate};

#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct Answer {
    /// The value: an integer, a finite decimal, or a fraction such as 1/3.
    value: String,
    /// Whether the value is exact; otherwise it is correct to the digits shown.
    exact: bool,
    /// integer, rational or real.
    kind: &'static str,
    /// The decimal approximation of a value that is not shown as a decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    decimal: Option<String>,
}

/// Work that is done in place; whatever needs more moves to a thread where it delays no other call.
const WORK_IN_PLACE: u64 = 100_000;

/// Evaluate a mathematical expression exactly: + - * / % ^ !, parentheses, fractions and integers of any size,
/// constants pi e tau phi, and the functions of a scientific calculator (sqrt, log, sin, gcd, comb, mean, …).
/// Angles are in radians; use rad(degrees).
#[tool(title = "Calculate", read_only, idempotent, open_world = false)]
pub(crate) async fn calculate(
    /// Such as "2 + 2", "sqrt(16)", "1/3 + 1/6", "sin(pi/6)" or "2^100".
    #[arg(min_length = 1, max_length = 4096)]
    expression: String,
    State(limits): State<Limits>,
) -> Result<Json<Answer>, ToolError> {
    let mut small = limits.clone();
    small.max_work = limits.max_work.min(WORK_IN_PLACE);
    let answer = match evaluate(&expression, &small) {
        Err(EvalError::TooMuchWork { .. }) if small.max_work < limits.max_work => {
            tokio::task::spawn_blocking(move || evaluate(&expression, &limits)).await?
        }
        other => other,
    };
    let answer = answer.map_err(refuse)?;
    Ok(Json(Answer {
        value: answer.value,
        exact: answer.exact,
        kind: answer.kind.name(),
        decimal: answer.decimal,
    }))
}

/// Every failure of an expression is its author's to mend, and says how.
fn refuse(error: EvalError) -> ToolError {
    let failure = ToolError::invalid_input(error.to_string());
    match error.column() {
        Some(column) => failure.details(json!({"column": column})),
        None => failure,
    }
}
