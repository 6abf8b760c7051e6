//! A result as text: CSV for programs and spreadsheets, Markdown for people and models.
//!
//! Both are exact: values keep all their digits and characters, and NULL can be told from an empty text. Where a column holds
//! texts beside other values, as it may in SQLite, a text that could be taken for one of those (`1`, `Infinity`, `\x00`) is
//! quoted in CSV and stands between backticks in Markdown.

use std::fmt::Write as _;

use crate::result::{Cell, Column, QueryResult, ValueType};

/// What stands before the bytes of a text that is not UTF-8.
const BROKEN_TEXT: &str = "text:\\x";

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
    let mixed = mixed_columns(result);
    for row in &result.rows {
        for (index, cell) in row.iter().enumerate() {
            separate(&mut text, index);
            push_csv_cell(&mut text, cell, mixed[index]);
        }
        text.push_str("\r\n");
    }
    text
}

/// Which columns hold texts beside values that are written without quotes.
fn mixed_columns(result: &QueryResult) -> Vec<bool> {
    let is_broken =
        |cell: Option<&Cell>| matches!(cell, Some(Cell::Bytes { stored_as_text: true, .. }));
    let mixed = |(index, column): (usize, &Column)| match &*column.value_types {
        [] => false,
        // Text that is not UTF-8 is written as its bytes.
        [ValueType::Text] => result.rows.iter().any(|row| is_broken(row.get(index))),
        types => types.contains(&ValueType::Text),
    };
    result.columns.iter().enumerate().map(mixed).collect()
}

/// Whether a text is what [`push_plain`] could write for a number, a truth value or bytes.
fn looks_plain(text: &str) -> bool {
    text.starts_with("\\x")
        || text.starts_with(BROKEN_TEXT)
        || matches!(text, "true" | "false")
        || text.parse::<f64>().is_ok()
}

fn separate(text: &mut String, index: usize) {
    if index > 0 {
        text.push(',');
    }
}

fn push_csv_cell(text: &mut String, cell: &Cell, mixed: bool) {
    match cell {
        Cell::Null => {}
        Cell::Text(value) if mixed && looks_plain(value) => push_quoted(text, value),
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
    } else {
        push_quoted(text, value);
    }
}

fn push_quoted(text: &mut String, value: &str) {
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
    let mixed = mixed_columns(result);
    for row in &result.rows {
        for (cell, mixed) in row.iter().zip(&mixed) {
            text.push_str("| ");
            push_markdown_cell(&mut text, cell, *mixed);
            text.push(' ');
        }
        text.push_str("|\n");
    }
    text
}

/// One value as a cell of a Markdown table.
pub(crate) fn markdown_cell(cell: &Cell) -> String {
    let mut text = String::new();
    push_markdown_cell(&mut text, cell, false);
    text
}

fn push_markdown_cell(text: &mut String, cell: &Cell, mixed: bool) {
    match cell {
        Cell::Null => text.push_str("NULL"),
        // A backslash is escaped in texts alone, so that bytes are told from them.
        Cell::Text(value) if mixed && looks_plain(value) && !value.contains('\\') => {
            text.push('`');
            push_markdown(text, value);
            text.push('`');
        }
        Cell::Text(value) if value == "NULL" => text.push_str("`NULL`"),
        Cell::Text(value) => push_markdown(text, value),
        Cell::CutText { text: value, .. } => {
            push_markdown(text, value);
            text.push('…');
        }
        other => push_plain(text, other),
    }
}

/// Text that stays in its cell and whole: a bar, a backslash, a line break, or HTML would leave it, and readers drop spaces
/// around a cell and what no line may hold.
fn push_markdown(text: &mut String, value: &str) {
    let inner = value.trim_matches(' ');
    let (leading, trailing) = match inner.is_empty() {
        true => (value.len(), 0),
        false => {
            let start = value.len() - value.trim_start_matches(' ').len();
            (start, value.len() - start - inner.len())
        }
    };
    text.extend(std::iter::repeat_n("&#32;", leading));
    for character in inner.chars() {
        match character {
            '|' => text.push_str("\\|"),
            '\\' => text.push_str("\\\\"),
            '`' => text.push_str("\\`"),
            '<' => text.push_str("&lt;"),
            '&' => text.push_str("&amp;"),
            '\n' => text.push_str("<br>"),
            other if other.is_control() || matches!(other, '\u{2028}' | '\u{2029}') => {
                let _ = write!(text, "&#{};", u32::from(other));
            }
            other => text.push(other),
        }
    }
    text.extend(std::iter::repeat_n("&#32;", trailing));
}

/// What needs no quotes anywhere: numbers, truth values, and bytes as `\x` and hexadecimal digits, after `text:` if they are
/// a text that is not UTF-8.
fn push_plain(text: &mut String, cell: &Cell) {
    let _ = match cell {
        Cell::Null | Cell::Text(_) | Cell::CutText { .. } => Ok(()),
        Cell::Bool(truth) => write!(text, "{truth}"),
        Cell::Integer(n) => write!(text, "{n}"),
        Cell::Bytes { bytes, stored_as_text, .. } => {
            text.push_str(if *stored_as_text { BROKEN_TEXT } else { "\\x" });
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
    use crate::result::settle_columns;

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
            ..QueryResult::default()
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
    fn a_text_is_not_merged_with_the_number_or_the_bytes_that_it_spells() {
        let (integer, real) = (Cell::Integer(1), Cell::Real(f64::INFINITY));
        let (blob, broken) = (Cell::blob(b"\xff", 9), Cell::text(b"\xff", 9));
        let texts = ["1", "Infinity", "\\xff", "text:\\xff", "1.0", "+1", "one", "a\"b"];
        let cells =
            [integer, real, blob.clone(), broken.clone()].into_iter().chain(texts.map(text));
        let mut mixed = result(&["v"], cells.map(|cell| vec![cell]).collect());
        settle_columns(&mut mixed.columns, &mut mixed.rows);
        assert_eq!(
            csv(&mixed).replace("\r\n", " "),
            r#"v 1 Infinity \xff text:\xff "1" "Infinity" "\xff" "text:\xff" "1.0" "+1" one "a""b" "#
        );
        assert_eq!(
            markdown(&mixed).replace(" |\n", "").replace("|---|\n", ""),
            r"| v| 1| Infinity| \xff| text:\xff| `1`| `Infinity`| \\xff| text:\\xff| `1.0`| `+1`| one| a"
                .to_owned()
                + "\"b"
        );
        let mut texts = result(&["v"], vec![vec![text("1")], vec![broken]]);
        settle_columns(&mut texts.columns, &mut texts.rows);
        assert_eq!(csv(&texts), "v\r\n\"1\"\r\ntext:\\xff\r\n");
        // Where a column has one type, quotes would only cost.
        let mut texts = result(&["v"], vec![vec![text("1")], vec![Cell::Null]]);
        settle_columns(&mut texts.columns, &mut texts.rows);
        assert_eq!(csv(&texts), "v\r\n1\r\n\r\n");
    }

    #[test]
    fn markdown_keeps_spaces_and_control_characters() {
        #[track_caller]
        fn check(value: &str, expected: &str) {
            let written = markdown_cell(&text(value));
            assert_eq!(written, expected, "{value:?}");
            assert_eq!(written.trim(), written, "a reader drops spaces around a cell");
        }
        check(" a  b ", "&#32;a  b&#32;");
        check("  ", "&#32;&#32;");
        check("", "");
        check("a\tb\0\u{85}", "a&#9;b&#0;&#133;");
        check("\r\n", "&#13;<br>");
        check("a\u{2028}", "a&#8232;");
        check("&#32;", "&amp;#32;");
    }

    #[test]
    fn rows_without_columns_are_counted() {
        assert_eq!(markdown(&result(&[], vec![vec![], vec![]])), "(2 rows without columns)\n");
        assert_eq!(csv(&result(&[], vec![vec![], vec![]])), "\r\n\r\n\r\n");
    }
}
