//! `execute_query`: one statement that reads, and its rows.

use std::time::Duration;

use serde::Serialize;
use wharf::{Content, State, ToolError, ToolResult, tool};

use super::{answer, refuse, refuse_statement, sent::SentParams};
use crate::{
    Databases,
    format::{self, Format},
    limits::Limits,
    request::{Parameters, QueryRequest, RowForm},
    result::{Column, JsonRows, QueryResult, Truncation, json_bytes},
};

/// The longest text that is in the structured content too, counted as JSON; the content has it in any case.
const MAX_STRUCTURED_TEXT_BYTES: usize = 500 << 10;

/// The rows as arrays or as text, and what else is known of them.
#[derive(Serialize)]
struct Known<'a> {
    columns: &'a [Column],
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<JsonRows<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    row_count: usize,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated_by: Option<Truncation>,
    #[serde(skip_serializing_if = "is_zero")]
    cut_cells: usize,
    elapsed_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl<'a> Known<'a> {
    fn of(result: &'a QueryResult, hint: Option<&'a str>) -> Self {
        Self {
            columns: &result.columns,
            rows: None,
            text: None,
            row_count: result.row_count,
            truncated: result.truncated,
            truncated_by: result.truncated_by,
            cut_cells: result.cut_cells,
            elapsed_ms: result.elapsed_ms,
            hint,
        }
    }
}

/// Run one read-only SQL statement. Integers beyond 2^53 and decimals come as strings, bytes as base64.
#[tool(title = "Execute query", read_only, idempotent, open_world = false)]
pub(crate) async fn execute_query(
    /// One SELECT, WITH or VALUES in the database's dialect.
    #[arg(min_length = 1)]
    query: String,
    /// Values for placeholders: an array for $1 or ?, an object for :name in SQLite; {"base64": ...} for bytes.
    params: Option<Parameters>,
    /// Default if left out.
    database: Option<String>,
    /// Rows at most; 100 if left out.
    #[arg(range = 1..=100_000)]
    limit: Option<usize>,
    #[arg(default)] format: Format,
    #[arg(range = 1..=300)] timeout_seconds: Option<u64>,
    #[extract] sent: SentParams,
    State(databases): State<Databases>,
) -> Result<ToolResult, ToolError> {
    let (_, engine) = databases.get(database.as_deref()).map_err(refuse)?;
    let request = QueryRequest {
        sql: query,
        params: sent.or(params),
        row_limit: limit,
        timeout: timeout_seconds.map(Duration::from_secs),
        rows: if format == Format::Json { RowForm::Json } else { RowForm::Cells },
    };
    let result = match engine.query(request).await {
        Ok(result) => result,
        Err(error) => return Err(refuse_statement(&**engine, error).await),
    };
    let hint = hint(&result, engine.limits());
    let known = Known::of(&result, hint.as_deref());
    let text = match format {
        Format::Json => return answer(&Known { rows: Some(JsonRows(&result)), ..known }),
        Format::Csv => format::csv(&result),
        Format::Markdown => format::markdown(&result),
    };
    // Escapes can double it, and the whole answer would then be cut.
    let structured =
        Some(text.as_str()).filter(|text| json_bytes(text) <= MAX_STRUCTURED_TEXT_BYTES);
    let mut answer = ToolResult::structured(&Known { text: structured, ..known })?;
    // The text is the table itself: nobody has to read CSV through the escapes of JSON.
    answer.content = vec![Content::text(text)];
    answer.content.extend(hint.map(Content::text));
    Ok(answer)
}

/// How to get what is not here.
fn hint(result: &QueryResult, limits: &Limits) -> Option<String> {
    let parts: Vec<String> = [rest_of_rows(result, limits), rest_of_values(result, limits)]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn rest_of_rows(result: &QueryResult, limits: &Limits) -> Option<String> {
    let rest = match result.truncated_by? {
        Truncation::RowLimit if result.row_count < limits.max_rows => format!(
            "there are more rows: raise limit (at most {}), or select what comes after the last one with WHERE and ORDER BY",
            limits.max_rows
        ),
        Truncation::RowLimit => {
            "there are more rows: select what comes after the last one with WHERE and ORDER BY, or aggregate".to_owned()
        }
        Truncation::ResultBytes => format!(
            "there are more rows, which do not fit into {} bytes: select fewer columns, or what comes after the last row with WHERE and ORDER BY",
            limits.max_result_bytes
        ),
    };
    Some(rest)
}

/// Only JSON marks the values that are cut, so that the others need to be told where they are.
fn rest_of_values(result: &QueryResult, limits: &Limits) -> Option<String> {
    /// Columns that are named.
    const MAX_NAMED: usize = 3;
    if result.cut_cells == 0 {
        return None;
    }
    let cut = result.cut_columns.iter().filter_map(|index| result.columns.get(*index));
    let mut names: Vec<String> = cut.map(|column| format!("{:?}", column.name)).collect();
    if names.len() > MAX_NAMED {
        names.truncate(MAX_NAMED);
        names.push("others".into());
    }
    Some(format!(
        "values of {} are cut after {} bytes: read them in pieces with substr()",
        names.join(", "),
        limits.max_cell_bytes
    ))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
