//! A result as text: CSV for programs and spreadsheets, Markdown for people and models.
//!
//! Both are exact: a value is written as the database writes it, and NULL can be told from an empty text.

use std::fmt::Write as _;

use crate::result::{Cell, Column, QueryResult};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// An array per row.
    #[default]
    Json,
    /// RFC 4180. NULL is nothing, an empty text is `""`.
    Csv,
    /// A table of GitHub's Markdown. NULL is `NULL`, the text of that name is `` `NULL` ``.
    Markdown,
}

impl schemars::JsonSchema for Format {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Format".into()
    }

    fn inline_schema() -> bool {
        true
    }

    // Without a sentence for each: a model knows the names.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"enum": ["json", "csv", "markdown"]})
    }
}

/// The rows as CSV by RFC 4180, with a header and CRLF.
#[must_use]
pub fn csv(result: &QueryResult) -> String {
    let mut text = String::with_capacity(result.rows.len() * 32);
    for (index, Column { name, .. }) in result.columns.iter().enumerate() {
        separate(&mut text, index);
        push_quoted_where_needed(&mut text, name);
    }
    text.push_str("\r\n");
    for row in &result.rows {
        for (index, cell) in row.iter().enumerate() {
            separate(&mut text, index);
            push_csv_cell(&mut text, cell);
        }
        text.push_str("\r\n");
    }
    text
}

fn separate(text: &mut String, index: usize) {
    if index > 0 {
        text.push(',');
    }
}

fn push_csv_cell(text: &mut String, cell: &Cell) {
    match cell {
        Cell::Null => {}
        Cell::Text(value) | Cell::CutText { text: value, .. } => {
            push_quoted_where_needed(text, value);
        }
        other => push_plain(text, other),
    }
}

/// Empty text is quoted, because nothing at all is NULL.
fn push_quoted_where_needed(text: &mut String, value: &str) {
    let special = |byte: u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    let spaced = value.starts_with(' ') || value.ends_with(' ');
    if !value.is_empty() && !spaced && !value.bytes().any(special) {
        text.push_str(value);
        return;
    }
    text.push('"');
    text.push_str(&value.replace('"', "\"\""));
    text.push('"');
}

/// The rows as a Markdown table.
#[must_use]
pub fn markdown(result: &QueryResult) -> String {
    if result.columns.is_empty() {
        return format!("({} rows without columns)\n", result.row_count);
    }
    let mut text = String::with_capacity(result.rows.len() * 32);
    for Column { name, .. } in &result.columns {
        text.push_str("| ");
        push_markdown(&mut text, name);
        text.push(' ');
    }
    text.push_str("|\n");
    text.push_str(&"|---".repeat(result.columns.len()));
    text.push_str("|\n");
    for row in &result.rows {
        for cell in row {
            text.push_str("| ");
            push_markdown_cell(&mut text, cell);
            text.push(' ');
        }
        text.push_str("|\n");
    }
    text
}

/// One value as a cell of a Markdown table.
pub(crate) fn markdown_cell(cell: &Cell) -> String {
    let mut text = String::new();
    push_markdown_cell(&mut text, cell);
    text
}

fn push_markdown_cell(text: &mut String, cell: &Cell) {
    match cell {
        Cell::Null => text.push_str("NULL"),
        Cell::Text(value) if value == "NULL" => text.push_str("`NULL`"),
        Cell::Text(value) => push_markdown(text, value),
        Cell::CutText { text: value, .. } => {
            push_markdown(text, value);
            text.push('…');
        }
        other => push_plain(text, other),
    }
}

/// Text that stays in its cell: a bar, a backslash, a line break, or HTML would leave it.
fn push_markdown(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '|' => text.push_str("\\|"),
            '\\' => text.push_str("\\\\"),
            '`' => text.push_str("\\`"),
            '<' => text.push_str("&lt;"),
            '&' => text.push_str("&amp;"),
            '\r' => text.push_str("&#13;"),
            '\n' => text.push_str("<br>"),
            other => text.push(other),
        }
    }
}

/// What needs no quotes anywhere: numbers, truth values, and bytes as `\x` and hexadecimal digits.
fn push_plain(text: &mut String, cell: &Cell) {
    let _ = match cell {
        Cell::Null | Cell::Text(_) | Cell::CutText { .. } => Ok(()),
        Cell::Bool(truth) => write!(text, "{truth}"),
        Cell::Integer(n) => write!(text, "{n}"),
        Cell::Bytes { bytes, .. } => {
            text.push_str("\\x");
            bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}"))
        }
        Cell::Real(x) => {
            text.push_str(&real(*x));
            Ok(())
        }
        Cell::Tagged(number) => {
            text.push_str(&number.to_string());
            Ok(())
        }
    };
}

/// The shortest digits that read back as the same number.
fn real(x: f64) -> String {
    if x.is_nan() {
        "NaN".to_owned()
    } else if x.is_infinite() {
        if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        serde_json::to_string(&x).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(names: &[&str], rows: Vec<Vec<Cell>>) -> QueryResult {
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            declared_type: None,
            value_types: Vec::new(),
        };
        QueryResult {
            columns: names.iter().map(column).collect(),
            row_count: rows.len(),
            rows,
            truncated: false,
            truncated_by: None,
            cut_cells: 0,
            elapsed_ms: 0,
        }
    }

    fn text(value: &str) -> Cell {
        Cell::Text(value.to_owned())
    }

    #[test]
    fn csv_tells_null_from_empty_and_keeps_every_digit() {
        let rows = vec![
            vec![Cell::Null, text(""), text("a,\"b\"\n"), Cell::Integer(i64::MIN)],
            vec![Cell::Bool(true), text(" x"), Cell::Real(0.1), Cell::blob(b"\x00\xff", 9)],
            vec![Cell::Real(f64::NEG_INFINITY), Cell::Real(f64::NAN), Cell::Real(1e300), text("é")],
        ];
        let csv = csv(&result(&["a", "a", "", "d"], rows));
        assert_eq!(
            csv,
            "a,a,\"\",d\r\n,\"\",\"a,\"\"b\"\"\n\",-9223372036854775808\r\n\
             true,\" x\",0.1,\\x00ff\r\n-Infinity,NaN,1e+300,é\r\n"
        );
    }

    #[test]
    fn nothing_leaves_its_cell_in_markdown() {
        let rows = vec![
            vec![text("a|b\\`c`"), text("<b>\n&")],
            vec![Cell::Null, text("NULL")],
            vec![Cell::text(b"long", 2), Cell::Integer(1)],
        ];
        assert_eq!(
            markdown(&result(&["x|y", "z"], rows)),
            "| x\\|y | z |\n|---|---|\n| a\\|b\\\\\\`c\\` | &lt;b><br>&amp; |\n| NULL | `NULL` |\n| lo… | 1 |\n"
        );
    }

    #[test]
    fn rows_without_columns_are_counted() {
        assert_eq!(markdown(&result(&[], vec![vec![], vec![]])), "(2 rows without columns)\n");
        assert_eq!(csv(&result(&[], vec![vec![], vec![]])), "\r\n\r\n\r\n");
    }
}
