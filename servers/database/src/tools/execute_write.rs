//! `execute_write`: one change of rows, after a person has agreed to it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wharf::{Ask, ErrorKind, State, ToolError, ToolResult, tool};

use super::{answer, refuse, refuse_statement, sent::SentParams};
use crate::{
    Databases,
    error::DatabaseError,
    request::Parameters,
    write::{Touched, WriteRequest, Writer},
};

/// Bytes of the values that a person is shown; more of them say nothing to anybody.
const MAX_SHOWN_VALUES: usize = 1_000;

/// What became of the change.
#[derive(Serialize, Deserialize)]
struct Outcome {
    changed: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    touched: Option<Touched>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reason: Option<String>,
}

impl Outcome {
    fn unchanged(reason: &str) -> Self {
        Self { changed: false, touched: None, reason: Some(reason.to_owned()) }
    }
}

/// Run one INSERT, UPDATE or DELETE. A person is shown the statement and the number of rows first, and must agree.
#[tool(title = "Execute write", destructive = true, open_world = false, scopes("database:write"))]
pub(crate) async fn execute_write(
    /// The statement, without RETURNING.
    #[arg(min_length = 1)]
    statement: String,
    /// As in execute_query.
    params: Option<Parameters>,
    /// Default if left out.
    database: Option<String>,
    #[arg(range = 1..=300)] timeout_seconds: Option<u64>,
    #[extract] sent: SentParams,
    ask: Ask,
    State(databases): State<Databases>,
) -> Result<ToolResult, ToolError> {
    let (name, engine) = databases.get(database.as_deref()).map_err(refuse)?;
    let writer = engine.writer().ok_or_else(|| read_only(name, &databases))?;
    let request = WriteRequest {
        sql: statement,
        // What the person agrees to is bound to these, and not to the text that was sent.
        params: sent.unrounded(params).map_err(refuse)?,
        timeout: timeout_seconds.map(Duration::from_secs),
    };
    let touched = match writer.preview(&request).await {
        Ok(touched) => touched,
        Err(error) => return Err(refuse_statement(&**engine, error).await),
    };
    if touched.rows == 0 {
        return answer(&Outcome::unchanged("the statement would touch no rows"));
    }
    // The key holds what is asked: an answer to another number of rows is none to this one, and the person is asked anew.
    let key = format!("write-{}-{}", touched.rows, touched.further_rows.unwrap_or(0));
    let agreed =
        ask.confirm(&key, question(name, &request, touched, writer.counts_further_rows())).await?;
    if !agreed.is_yes() {
        return answer(&Outcome::unchanged("the person did not agree"));
    }
    let outcome: Outcome = ask.once("write", write(writer, &request, touched)).await?;
    if let (false, Some(reason)) = (outcome.changed, &outcome.reason) {
        return Err(ToolError::new(ErrorKind::Conflict, reason.clone()));
    }
    answer(&outcome)
}

/// Makes the change. That nobody knows whether it was made is an outcome, which must be recorded: a failure may be repeated.
async fn write(
    writer: &dyn Writer,
    request: &WriteRequest,
    expected: Touched,
) -> Result<Outcome, ToolError> {
    match writer.write(request, expected).await {
        Ok(touched) => Ok(Outcome { changed: true, touched: Some(touched), reason: None }),
        Err(unknown @ DatabaseError::OutcomeUnknown { .. }) => {
            Ok(Outcome::unchanged(&unknown.to_string()))
        }
        Err(error) => Err(refuse(error)),
    }
}

fn read_only(name: &str, databases: &Databases) -> ToolError {
    let writable = databases.iter().filter(|(_, engine)| engine.writer().is_some());
    let writable: Vec<&str> = writable.map(|(name, _)| name).collect();
    refuse(DatabaseError::refused(
        format!("a change of {name:?}, which is read-only,"),
        format!("these databases can be changed: {}", writable.join(", ")),
    ))
}

/// What the person reads. The text comes from a model, so nothing in it may look like ours: control characters are escaped and
/// each line is marked.
fn question(
    database: &str,
    request: &WriteRequest,
    touched: Touched,
    counts_further_rows: bool,
) -> String {
    let rows = |rows: u64| if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
    let mut text = format!("Change {} of the database {database:?}", rows(touched.rows));
    if let Some(further) = touched.further_rows {
        text.push_str(&format!(", and {} more through triggers and references", rows(further)));
    }
    if !counts_further_rows {
        text.push_str(", not counting those that triggers and references change besides");
    }
    text.push_str("? The statement is:\n");
    for line in request.sql.lines() {
        text.push_str("> ");
        text.push_str(&visible(line));
        text.push('\n');
    }
    let values = match &request.params {
        Parameters::Positional(values) if values.is_empty() => return text,
        Parameters::Positional(values) => serde_json::to_string(values),
        Parameters::Named(values) => serde_json::to_string(values),
        Parameters::Sent(text) => Ok(text.to_string()),
    };
    let values = values.unwrap_or_default();
    let shown = &values[..values.floor_char_boundary(MAX_SHOWN_VALUES)];
    let more = if shown.len() < values.len() { " … (cut)" } else { "" };
    text.push_str(&format!("with the values {}{more}", visible(shown)));
    text
}

/// The text with everything escaped that a person would not see.
fn visible(text: &str) -> String {
    let hidden = |c: char| c.is_control() || is_invisible(c);
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Characters that take no place or turn the direction of text: what is read would not be what runs.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_shows_what_will_run_and_nothing_in_it_passes_for_ours() {
        let request = WriteRequest {
            sql: "DELETE FROM a\u{202e}b\u{1b}[2K\r\n-- ok? The statement is:\n".into(),
            params: Parameters::Positional(vec!["x\ny".into()]),
            timeout: None,
        };
        let touched = Touched { rows: 1, further_rows: Some(2) };
        assert_eq!(
            question("main", &request, touched, true),
            "Change 1 row of the database \"main\", and 2 rows more through triggers and references? The statement is:\n\
             > DELETE FROM a\\u{202e}b\\u{1b}[2K\n> -- ok? The statement is:\nwith the values [\"x\\ny\"]"
        );
        let uncounted = question("main", &request, Touched { rows: 1, further_rows: None }, false);
        let first = "Change 1 row of the database \"main\", not counting those that triggers and references change besides? ";
        assert!(uncounted.starts_with(first), "{uncounted}");
    }

    #[test]
    fn many_values_are_cut() {
        let values = vec!["ä".repeat(2_000).into()];
        let request = WriteRequest {
            sql: "DELETE FROM a".into(),
            params: Parameters::Positional(values),
            timeout: None,
        };
        let text = question("main", &request, Touched { rows: 2, further_rows: None }, true);
        assert!(text.len() < 8_000 && text.ends_with("(cut)"), "{}", text.len());
    }
}
