//! `SHOW`, which no cursor takes: one setting by its name, or all of them.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::SimpleQueryMessage;

use super::lexer::{Lexer, Token};
use super::read::Reader;
use super::session::Session;
use crate::collector::Collector;
use crate::error::DatabaseError;
use crate::request::QueryRequest;
use crate::result::{Cell, Column, QueryResult};

/// What a `SHOW` asks for, written anew.
fn rewritten(sql: &str) -> Result<String, DatabaseError> {
    let mut tokens: Vec<Token<'_>> = Lexer::new(sql).collect();
    while tokens.last() == Some(&Token::Symbol(';')) {
        tokens.pop();
    }
    let words: Option<Vec<String>> = tokens.iter().skip(1).map(word).collect();
    let words = words.ok_or_else(unknown)?;
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let name = match lower.as_slice() {
        ["all"] => return Ok("SHOW ALL".into()),
        ["time", "zone"] => "timezone".to_owned(),
        ["transaction", "isolation", "level"] => "transaction_isolation".to_owned(),
        ["session", "authorization"] => "session_authorization".to_owned(),
        [_] => words.concat(),
        [_, ".", _] => words.concat(),
        _ => return Err(unknown()),
    };
    let quoted: Vec<String> =
        name.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect();
    Ok(format!("SHOW {}", quoted.join(".")))
}

fn word(token: &Token<'_>) -> Option<String> {
    match token {
        Token::Word(word) => Some((*word).to_owned()),
        Token::Quoted(name) => Some(name.clone()),
        Token::Symbol('.') => Some(".".into()),
        _ => None,
    }
}

fn unknown() -> DatabaseError {
    DatabaseError::refused(
        "this form of SHOW",
        "send SHOW with the name of one setting, or SHOW ALL",
    )
}

/// Runs a `SHOW`.
pub(super) async fn run(
    reader: &Reader,
    session: &Session,
    request: &QueryRequest,
    row_limit: usize,
    timeout: Duration,
    started: Instant,
) -> Result<QueryResult, DatabaseError> {
    let sql = &request.sql;
    let show = rewritten(sql)?;
    session.batch(&Session::begin("READ ONLY", timeout)).await?;
    let messages = session.client().simple_query(&show).await;
    let messages = messages.map_err(|error| session.error(&error, sql, 0))?;
    let mut collector = None;
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                let text = |column: &tokio_postgres::SimpleColumn| Column {
                    name: column.name().to_owned(),
                    declared_type: Some("text".into()),
                    value_types: Vec::new(),
                };
                let columns = columns.iter().map(text).collect();
                let empty = Collector::new(columns, row_limit, &reader.limits, started)?;
                collector = Some(empty.in_form(request.rows));
            }
            SimpleQueryMessage::Row(row) => {
                let Some(collector) = &mut collector else { continue };
                if !collector.start_row() {
                    break;
                }
                let mut fits = true;
                for index in 0..row.len() {
                    let text = row
                        .try_get(index)
                        .map_err(|error| DatabaseError::internal(error.to_string()))?;
                    let limit = reader.limits.max_cell_bytes;
                    let cell = text.map_or(Cell::Null, |text| Cell::text(text.as_bytes(), limit));
                    fits = fits && collector.cell(cell)?;
                }
                if !fits {
                    break;
                }
                collector.end_row()?;
            }
            _ => {}
        }
    }
    collector.ok_or_else(|| DatabaseError::internal("SHOW returned nothing"))?.finish()
}

#[cfg(test)]
mod tests {
    use super::rewritten;

    #[test]
    fn only_names_pass() {
        for (sql, expected) in [
            ("SHOW work_mem", Some("SHOW \"work_mem\"")),
            ("show /* x */ TimeZone;", Some("SHOW \"TimeZone\"")),
            ("SHOW app.tenant", Some("SHOW \"app\".\"tenant\"")),
            ("SHOW ALL", Some("SHOW ALL")),
            ("SHOW TIME ZONE", Some("SHOW \"timezone\"")),
            ("SHOW \"a\"\"b\"", Some("SHOW \"a\"\"b\"")),
            ("SHOW a; DROP TABLE b", None),
            ("SHOW", None),
            ("SHOW 'x'", None),
            ("SHOW a b", None),
        ] {
            assert_eq!(rewritten(sql).ok().as_deref(), expected, "{sql}");
        }
    }
}
