//! `explain_query`: how the database would run a statement.

use std::time::Duration;

use wharf::{State, ToolError, ToolResult, tool};

use super::{answer, refuse, refuse_statement, sent::SentParams};
use crate::{
    Databases,
    error::DatabaseError,
    request::{ExplainRequest, Parameters},
};

/// Show the plan of a read-only statement, without running it unless analyze is set.
#[tool(title = "Explain query", read_only, idempotent, open_world = false)]
pub(crate) async fn explain_query(
    /// The statement, without EXPLAIN.
    #[arg(min_length = 1)]
    query: String,
    /// As in execute_query.
    params: Option<Parameters>,
    /// Default if left out.
    database: Option<String>,
    /// Run it and measure each step.
    #[arg(default)]
    analyze: bool,
    #[arg(range = 1..=300)] timeout_seconds: Option<u64>,
    #[extract] sent: SentParams,
    State(databases): State<Databases>,
) -> Result<ToolResult, ToolError> {
    let (_, engine) = databases.get(database.as_deref()).map_err(refuse)?;
    if begins_with_explain(&query) {
        let rule = "leave EXPLAIN out; analyze runs the statement and measures it";
        return Err(refuse(DatabaseError::invalid("query", rule)));
    }
    let request = ExplainRequest {
        sql: query,
        params: sent.or(params),
        analyze,
        timeout: timeout_seconds.map(Duration::from_secs),
    };
    match engine.explain(request).await {
        Ok(plan) => answer(&plan),
        Err(error) => Err(refuse_statement(&**engine, error).await),
    }
}

fn begins_with_explain(query: &str) -> bool {
    const WORD: &str = "EXPLAIN";
    let query = query.trim_start();
    let word = query.get(..WORD.len()).is_some_and(|word| word.eq_ignore_ascii_case(WORD));
    word && query[WORD.len()..].starts_with(|next: char| next.is_whitespace() || next == '(')
}
