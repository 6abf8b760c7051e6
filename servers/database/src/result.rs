//! What a query returns, so that nothing is rounded, lost or merged on the way to a client.
//!
//! Rows are arrays beside a list of columns, so two columns may share a name. A cell is JSON that
//! a JavaScript client reads without loss:
//!
//! | value | JSON |
//! |---|---|
//! | NULL | `null` |
//! | boolean | `true`, `false` |
//! | integer up to ±(2^53 - 1) | number |
//! | larger integer | string of digits; the column's type says that it is one |
//! | finite real | number, the shortest that reads back as the same bits |
//! | other real | `"NaN"`, `"Infinity"`, `"-Infinity"`; the column's type says that it is one |
//! | text | string |
//! | text cut at the cell limit | `{"text": "…", "full_bytes": n}` |
//! | blob | `{"base64": "…", "full_bytes": n}`; cut when the decoded bytes are fewer than `full_bytes` |
//! | text that is not UTF-8 | `{"base64": "…", "full_bytes": n, "type": "text"}` |
//! | anything else (decimals, dates, arrays, JSON, …) | string, as the database itself writes it |
//!
//! PostgreSQL and MySQL give each column one type, which `type` names. In SQLite each value has its own, so that `value_types`
//! lists those that occur. Where such a column holds both text and numbers that would be written as strings, those numbers become
//! `{"integer": "…"}` or `{"real": "…"}`, so that the two stay apart.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

/// Integers beyond this lose digits in a client that has only 64-bit floats.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The rows of one query and what is known about them.
#[derive(Debug, Clone, Default)]
pub struct QueryResult {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows, if they were wanted as [cells](crate::request::RowForm::Cells); each has one cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// The rows, if they were wanted as [JSON](crate::request::RowForm::Json): an array each.
    pub json_rows: Vec<Box<RawValue>>,
    /// How many rows are here.
    pub row_count: usize,
    /// Whether the query has more rows than are here. It is exact: no row is missing when it is false.
    pub truncated: bool,
    /// Which limit ended the rows.
    pub truncated_by: Option<Truncation>,
    /// How many cells are cut.
    pub cut_cells: usize,
    /// The columns of those cells, by their places.
    pub cut_columns: BTreeSet<usize>,
    /// Time from the start of the statement to its last row, in milliseconds.
    pub elapsed_ms: u64,
}

/// The rows of a result as a JSON array, in whichever form they are.
pub(crate) struct JsonRows<'a>(pub(crate) &'a QueryResult);

impl Serialize for JsonRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // An engine that knows no other form gives cells.
        match self.0.rows.as_slice() {
            [] => serializer.collect_seq(&self.0.json_rows),
            rows => serializer.collect_seq(rows),
        }
    }
}

/// The limit that ended the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Truncation {
    /// The row limit of the request.
    RowLimit,
    /// The size limit of a result.
    ResultBytes,
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Column {
    /// The name, which another column may share.
    pub name: String,
    /// The type in the words of the database; absent for an expression in SQLite.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub declared_type: Option<String>,
    /// The types of the values that occur in these rows, NULL apart, where values of one column can differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub value_types: Vec<ValueType>,
}

/// The type of a value, as the database stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ValueType {
    /// A whole number of 64 bits.
    Integer,
    /// A floating-point number of 64 bits.
    Real,
    /// Text.
    Text,
    /// Bytes.
    Blob,
}

/// One value of a result.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number; never NaN in SQLite.
    Real(f64),
    /// Text, whole.
    Text(String),
    /// The beginning of a longer text.
    CutText {
        /// The beginning, cut between characters.
        text: String,
        /// Bytes of the whole text.
        full_bytes: usize,
    },
    /// Bytes, or the beginning of them.
    Bytes {
        /// The bytes that are here.
        bytes: Vec<u8>,
        /// How many there are in the database.
        full_bytes: usize,
        /// Whether the database holds them as text that is not UTF-8.
        stored_as_text: bool,
    },
    /// A number in a column that also holds text; see the module's table.
    Tagged(TaggedNumber),
}

/// A number whose JSON says that it is one, where a bare string could be taken for text.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum TaggedNumber {
    /// A whole number beyond ±(2^53 - 1).
    Integer(i64),
    /// An infinite floating-point number.
    Real(f64),
}

impl std::fmt::Display for TaggedNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(n) => write!(f, "{n}"),
            Self::Real(x) => f.write_str(infinity(*x)),
        }
    }
}

impl Cell {
    /// A text cell of at most `limit` bytes.
    pub(crate) fn text(value: &[u8], limit: usize) -> Self {
        match std::str::from_utf8(value) {
            Ok(text) => Self::str(text, limit),
            Err(_) => Self::bytes(value, limit, true),
        }
    }

    /// A text cell of at most `limit` bytes, of what is known to be text.
    pub(crate) fn str(value: &str, limit: usize) -> Self {
        if value.len() <= limit {
            return Self::Text(value.to_owned());
        }
        let text = value[..value.floor_char_boundary(limit)].to_owned();
        Self::CutText { text, full_bytes: value.len() }
    }

    /// A blob cell of at most `limit` bytes.
    pub(crate) fn blob(value: &[u8], limit: usize) -> Self {
        Self::bytes(value, limit, false)
    }

    fn bytes(value: &[u8], limit: usize, stored_as_text: bool) -> Self {
        let kept = value.len().min(limit);
        Self::Bytes { bytes: value[..kept].to_vec(), full_bytes: value.len(), stored_as_text }
    }

    /// Whether the database holds more of this value than is here.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        match self {
            Self::CutText { .. } => true,
            Self::Bytes { bytes, full_bytes, .. } => bytes.len() < *full_bytes,
            _ => false,
        }
    }

    /// The type of the value, or `None` for NULL.
    #[must_use]
    pub fn value_type(&self) -> Option<ValueType> {
        Some(match self {
            Self::Null | Self::Bool(_) => return None,
            Self::Integer(_) | Self::Tagged(TaggedNumber::Integer(_)) => ValueType::Integer,
            Self::Real(_) | Self::Tagged(TaggedNumber::Real(_)) => ValueType::Real,
            Self::Text(_) | Self::CutText { .. } => ValueType::Text,
            Self::Bytes { stored_as_text: true, .. } => ValueType::Text,
            Self::Bytes { .. } => ValueType::Blob,
        })
    }

    /// Bytes that the value takes as JSON. Most values are short texts and numbers, which need not be written to be counted.
    pub(crate) fn json_bytes(&self) -> usize {
        match self {
            Self::Null => "null".len(),
            Self::Bool(truth) => "false".len() - usize::from(*truth),
            Self::Integer(n) => {
                let digits = n.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1);
                let quotes = if n.unsigned_abs() > MAX_SAFE_INTEGER { 2 } else { 0 };
                usize::from(*n < 0) + digits + quotes
            }
            Self::Text(text) => text_json_bytes(text),
            other => json_bytes(other),
        }
    }

    /// Whether a tag may have to be put on this number.
    pub(crate) fn may_be_tagged(&self) -> bool {
        self.tagged().is_some()
    }

    /// This number with a tag, if its JSON would otherwise be a bare string.
    pub(crate) fn tagged(&self) -> Option<TaggedNumber> {
        match *self {
            Self::Integer(n) if n.unsigned_abs() > MAX_SAFE_INTEGER => {
                Some(TaggedNumber::Integer(n))
            }
            Self::Real(x) if !x.is_finite() => Some(TaggedNumber::Real(x)),
            _ => None,
        }
    }
}

/// Names each column's value types and tags the numbers that text in their column could be mistaken for.
pub(crate) fn settle_columns(columns: &mut [Column], rows: &mut [Vec<Cell>]) {
    for (index, column) in columns.iter_mut().enumerate() {
        let cells = || rows.iter().filter_map(|row| row.get(index));
        for value_type in cells().filter_map(Cell::value_type) {
            if !column.value_types.contains(&value_type) {
                column.value_types.push(value_type);
            }
        }
        if !column.value_types.contains(&ValueType::Text) {
            continue;
        }
        for cell in rows.iter_mut().filter_map(|row| row.get_mut(index)) {
            if let Some(number) = cell.tagged() {
                *cell = Cell::Tagged(number);
            }
        }
    }
}

/// Bytes that a text takes as a JSON string.
fn text_json_bytes(text: &str) -> usize {
    let is_special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Without a branch for each byte, which compilers turn into wide instructions.
    if !text.bytes().fold(false, |found, byte| found | is_special(byte)) {
        return text.len() + 2;
    }
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        control if control < b' ' => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

/// Bytes that the value takes as JSON, counted without building it.
pub(crate) fn json_bytes(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        // What cannot be written is larger than every limit.
        Err(_) => usize::MAX,
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Integer(n) if n.unsigned_abs() > MAX_SAFE_INTEGER => serializer.collect_str(n),
            Self::Integer(n) => serializer.serialize_i64(*n),
            Self::Real(x) if x.is_finite() => serializer.serialize_f64(*x),
            Self::Real(x) => serializer.serialize_str(infinity(*x)),
            Self::Text(text) => serializer.serialize_str(text),
            Self::CutText { text, full_bytes } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("text", text)?;
                map.serialize_entry("full_bytes", full_bytes)?;
                map.end()
            }
            Self::Bytes { bytes, full_bytes, stored_as_text } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("base64", &BASE64.encode(bytes))?;
                map.serialize_entry("full_bytes", full_bytes)?;
                if *stored_as_text {
                    map.serialize_entry("type", "text")?;
                }
                map.end()
            }
            Self::Tagged(number) => {
                let mut map = serializer.serialize_map(Some(1))?;
                match number {
                    TaggedNumber::Integer(n) => map.serialize_entry("integer", &n.to_string())?,
                    TaggedNumber::Real(x) => map.serialize_entry("real", infinity(*x))?,
                }
                map.end()
            }
        }
    }
}

fn infinity(x: f64) -> &'static str {
    if x.is_nan() {
        "NaN"
    } else if x > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(cell: &Cell, expected: &str) {
        let json = serde_json::to_string(cell).unwrap();
        assert_eq!(json, expected);
        assert_eq!(json_bytes(cell), json.len());
        assert_eq!(cell.json_bytes(), json.len());
    }

    #[track_caller]
    fn check_bytes(cell: &Cell) {
        assert_eq!(cell.json_bytes(), serde_json::to_string(cell).unwrap().len(), "{cell:?}");
    }

    #[test]
    fn cells_are_exact_json() {
        check(&Cell::Bool(true), "true");
        check(&Cell::Bool(false), "false");
        check(&Cell::Integer(0), "0");
        check(&Cell::Integer(-10), "-10");
        check(&Cell::Null, "null");
        check(&Cell::Integer(9_007_199_254_740_991), "9007199254740991");
        check(&Cell::Integer(9_007_199_254_740_992), "\"9007199254740992\"");
        check(&Cell::Integer(-9_007_199_254_740_991), "-9007199254740991");
        check(&Cell::Integer(i64::MIN), "\"-9223372036854775808\"");
        check(&Cell::Real(1.0), "1.0");
        check(&Cell::Real(0.1 + 0.2), "0.30000000000000004");
        check(&Cell::Real(f64::INFINITY), "\"Infinity\"");
        check(&Cell::Real(f64::NEG_INFINITY), "\"-Infinity\"");
        check(&Cell::text(b"a\"b\0", 9), r#""a\"b\u0000""#);
        check(&Cell::text("aé".as_bytes(), 2), r#"{"text":"a","full_bytes":3}"#);
        check(&Cell::text(b"\xff", 9), r#"{"base64":"/w==","full_bytes":1,"type":"text"}"#);
        check(&Cell::blob(b"\x00\xff", 9), r#"{"base64":"AP8=","full_bytes":2}"#);
        check(&Cell::blob(b"\x00\xff", 1), r#"{"base64":"AA==","full_bytes":2}"#);
        check(&Cell::blob(b"", 9), r#"{"base64":"","full_bytes":0}"#);
    }

    #[test]
    fn a_large_integer_is_not_merged_with_the_same_text() {
        let mut columns =
            vec![Column { name: "x".into(), declared_type: None, value_types: Vec::new() }];
        let digits = i64::MAX.to_string();
        let mut rows = vec![
            vec![Cell::Integer(i64::MAX)],
            vec![Cell::Text(digits)],
            vec![Cell::Real(f64::INFINITY)],
            vec![Cell::Integer(1)],
        ];
        settle_columns(&mut columns, &mut rows);
        assert_eq!(
            serde_json::to_string(&rows).unwrap(),
            r#"[[{"integer":"9223372036854775807"}],["9223372036854775807"],[{"real":"Infinity"}],[1]]"#
        );
        assert_eq!(columns[0].value_types, [ValueType::Integer, ValueType::Text, ValueType::Real]);
    }

    proptest! {
        #[test]
        fn every_finite_real_reads_back_as_the_same_bits(bits: u64) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite());
            let json = serde_json::to_string(&Cell::Real(x)).unwrap();
            prop_assert_eq!(json.parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn texts_are_counted_as_they_are_written(text: String, control in "[\\x00-\\x7f]{0,40}") {
            for text in [text, control] {
                check_bytes(&Cell::Text(text));
            }
        }

        #[test]
        fn every_integer_reads_back(n: i64, shift in 0_u32..64) {
            check_bytes(&Cell::Integer(n >> shift));
            let json = serde_json::to_string(&Cell::Integer(n)).unwrap();
            prop_assert_eq!(json.trim_matches('"').parse::<i64>().unwrap(), n);
        }
    }
}
