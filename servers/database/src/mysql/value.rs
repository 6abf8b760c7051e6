//! What a value of the binary protocol is in a result: exact, and in the words that the `mariadb` client uses.
//!
//! | type | cell |
//! |---|---|
//! | integers, YEAR | number; digits in a string beyond 2^53 |
//! | FLOAT, DOUBLE | number, the shortest that reads back as the same 32 or 64 bits |
//! | DECIMAL | string, with its declared digits |
//! | DATE, DATETIME, TIMESTAMP, TIME | string, with the declared digits of the second; zero dates and times beyond a day stay |
//! | BIT | string of its bits, the highest first |
//! | CHAR, TEXT, ENUM, SET, JSON | string |
//! | BINARY, BLOB, GEOMETRY and other strings without a character set | bytes |

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column as Metadata, Value};

use crate::result::{Cell, Column};

/// The collation of what is no text.
const BINARY: u16 = 63;
/// Bytes of a character at most, in the character set of the session.
const CHARACTER_BYTES: u32 = 4;

/// How the cells of one column are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoder {
    kind: Kind,
    limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
    Bits(usize),
    Date,
    /// Digits of the second.
    Datetime(usize),
    Time(usize),
    Number,
}

impl Decoder {
    pub(super) fn new(metadata: &Metadata, limit: usize) -> Self {
        let digits = usize::from(metadata.decimals());
        let kind = match metadata.column_type() {
            ColumnType::MYSQL_TYPE_BIT => Kind::Bits(metadata.column_length() as usize),
            ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => Kind::Date,
            ColumnType::MYSQL_TYPE_DATETIME
            | ColumnType::MYSQL_TYPE_DATETIME2
            | ColumnType::MYSQL_TYPE_TIMESTAMP
            | ColumnType::MYSQL_TYPE_TIMESTAMP2 => Kind::Datetime(digits),
            ColumnType::MYSQL_TYPE_TIME | ColumnType::MYSQL_TYPE_TIME2 => Kind::Time(digits),
            ColumnType::MYSQL_TYPE_DECIMAL
            | ColumnType::MYSQL_TYPE_NEWDECIMAL
            | ColumnType::MYSQL_TYPE_JSON => Kind::Text,
            ColumnType::MYSQL_TYPE_GEOMETRY | ColumnType::MYSQL_TYPE_VECTOR => Kind::Binary,
            kind if is_string(kind) && metadata.character_set() == BINARY => Kind::Binary,
            kind if is_string(kind) => Kind::Text,
            _ => Kind::Number,
        };
        Self { kind, limit }
    }

    pub(super) fn cell(&self, value: Value) -> Cell {
        match (self.kind, value) {
            (_, Value::NULL) => Cell::Null,
            (Kind::Binary, Value::Bytes(bytes)) => Cell::blob(&bytes, self.limit),
            (Kind::Bits(width), Value::Bytes(bytes)) => Cell::Text(bits(&bytes, width)),
            (_, Value::Bytes(bytes)) => Cell::text(&bytes, self.limit),
            (_, Value::Int(integer)) => Cell::Integer(integer),
            (_, Value::UInt(integer)) => i64::try_from(integer)
                .map_or_else(|_| Cell::Text(integer.to_string()), Cell::Integer),
            // The shortest digits that mean this FLOAT mean another DOUBLE than its own bits do.
            (_, Value::Float(real)) => {
                Cell::Real(real.to_string().parse().unwrap_or_else(|_| f64::from(real)))
            }
            (_, Value::Double(real)) => Cell::Real(real),
            (kind, Value::Date(year, month, day, hour, minute, second, micros)) => {
                let mut text = format!("{year:04}-{month:02}-{day:02}");
                if let Kind::Datetime(digits) = kind {
                    text.push_str(&format!(" {hour:02}:{minute:02}:{second:02}"));
                    text.push_str(&fraction(micros, digits));
                }
                Cell::Text(text)
            }
            (kind, Value::Time(negative, days, hours, minutes, seconds, micros)) => {
                let sign = if negative { "-" } else { "" };
                let hours = u64::from(days) * 24 + u64::from(hours);
                let digits = if let Kind::Time(digits) = kind { digits } else { 0 };
                let fraction = fraction(micros, digits);
                Cell::Text(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}"))
            }
        }
    }
}

/// The digits of a second that the column declares. More than six means that it declares none.
fn fraction(micros: u32, digits: usize) -> String {
    match digits {
        0 => String::new(),
        1..=6 => format!(".{micros:06}")[..=digits].to_owned(),
        _ if micros == 0 => String::new(),
        _ => format!(".{micros:06}"),
    }
}

fn bits(bytes: &[u8], width: usize) -> String {
    let all: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let from = all.len().saturating_sub(width);
    all[from..].to_owned()
}

fn is_string(kind: ColumnType) -> bool {
    matches!(
        kind,
        ColumnType::MYSQL_TYPE_STRING
            | ColumnType::MYSQL_TYPE_VAR_STRING
            | ColumnType::MYSQL_TYPE_VARCHAR
            | ColumnType::MYSQL_TYPE_BLOB
            | ColumnType::MYSQL_TYPE_TINY_BLOB
            | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
            | ColumnType::MYSQL_TYPE_LONG_BLOB
            | ColumnType::MYSQL_TYPE_SET
            | ColumnType::MYSQL_TYPE_ENUM
    )
}

/// The column of a result that this metadata describes.
pub(super) fn column(metadata: &Metadata) -> Column {
    Column {
        name: metadata.name_str().into_owned(),
        declared_type: Some(declared_type(metadata)),
        value_types: Vec::new(),
    }
}

/// The type as a declaration would write it.
fn declared_type(metadata: &Metadata) -> String {
    let (flags, length) = (metadata.flags(), metadata.column_length());
    let digits = metadata.decimals();
    let integer = |name: &str| {
        let unsigned = if flags.contains(ColumnFlags::UNSIGNED_FLAG) { " unsigned" } else { "" };
        let zerofill = if flags.contains(ColumnFlags::ZEROFILL_FLAG) { " zerofill" } else { "" };
        format!("{name}{unsigned}{zerofill}")
    };
    let timed = |name: &str| match digits {
        1..=6 => format!("{name}({digits})"),
        _ => name.to_owned(),
    };
    match metadata.column_type() {
        ColumnType::MYSQL_TYPE_TINY if length == 1 => integer("tinyint(1)"),
        ColumnType::MYSQL_TYPE_TINY => integer("tinyint"),
        ColumnType::MYSQL_TYPE_SHORT => integer("smallint"),
        ColumnType::MYSQL_TYPE_INT24 => integer("mediumint"),
        ColumnType::MYSQL_TYPE_LONG => integer("int"),
        ColumnType::MYSQL_TYPE_LONGLONG => integer("bigint"),
        ColumnType::MYSQL_TYPE_FLOAT => integer("float"),
        ColumnType::MYSQL_TYPE_DOUBLE => integer("double"),
        ColumnType::MYSQL_TYPE_YEAR => "year".into(),
        ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL => {
            // The length counts a sign and a point too.
            let sign = u32::from(!flags.contains(ColumnFlags::UNSIGNED_FLAG));
            let precision = length.saturating_sub(sign + u32::from(digits > 0));
            integer(&format!("decimal({precision},{digits})"))
        }
        ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => "date".into(),
        ColumnType::MYSQL_TYPE_DATETIME | ColumnType::MYSQL_TYPE_DATETIME2 => timed("datetime"),
        ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => timed("timestamp"),
        ColumnType::MYSQL_TYPE_TIME | ColumnType::MYSQL_TYPE_TIME2 => timed("time"),
        ColumnType::MYSQL_TYPE_BIT => format!("bit({length})"),
        ColumnType::MYSQL_TYPE_JSON => "json".into(),
        ColumnType::MYSQL_TYPE_GEOMETRY => "geometry".into(),
        ColumnType::MYSQL_TYPE_VECTOR => "vector".into(),
        ColumnType::MYSQL_TYPE_NULL => "null".into(),
        _ if flags.contains(ColumnFlags::ENUM_FLAG) => "enum".into(),
        _ if flags.contains(ColumnFlags::SET_FLAG) => "set".into(),
        kind => string_type(kind, metadata.character_set() == BINARY, length),
    }
}

fn string_type(kind: ColumnType, binary: bool, length: u32) -> String {
    let characters = if binary { length } else { length / CHARACTER_BYTES };
    match (kind, binary) {
        (ColumnType::MYSQL_TYPE_STRING, true) => format!("binary({length})"),
        (ColumnType::MYSQL_TYPE_STRING, false) => format!("char({characters})"),
        (ColumnType::MYSQL_TYPE_VAR_STRING | ColumnType::MYSQL_TYPE_VARCHAR, true) => {
            format!("varbinary({length})")
        }
        (ColumnType::MYSQL_TYPE_VAR_STRING | ColumnType::MYSQL_TYPE_VARCHAR, false) => {
            format!("varchar({characters})")
        }
        (_, binary) => {
            let size = match characters {
                0..=255 => "tiny",
                256..=65_535 => "",
                65_536..=16_777_215 => "medium",
                _ => "long",
            };
            format!("{size}{}", if binary { "blob" } else { "text" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: ColumnType, decimals: u8, value: Value, expected: &str) {
        let metadata = Metadata::new(kind).with_decimals(decimals).with_character_set(45);
        let cell = Decoder::new(&metadata, 100).cell(value);
        assert_eq!(serde_json::to_string(&cell).unwrap(), expected);
    }

    #[test]
    fn values_are_exact() {
        use ColumnType::*;
        check(MYSQL_TYPE_LONGLONG, 0, Value::UInt(u64::MAX), "\"18446744073709551615\"");
        check(MYSQL_TYPE_LONGLONG, 0, Value::Int(-1), "-1");
        check(MYSQL_TYPE_FLOAT, 31, Value::Float(0.1), "0.1");
        check(MYSQL_TYPE_FLOAT, 31, Value::Float(16_777_216.0), "16777216.0");
        check(MYSQL_TYPE_FLOAT, 31, Value::Float(f32::MAX), "3.4028235e+38");
        check(MYSQL_TYPE_DOUBLE, 31, Value::Double(0.1 + 0.2), "0.30000000000000004");
        check(MYSQL_TYPE_NEWDECIMAL, 2, Value::Bytes(b"-0.10".to_vec()), "\"-0.10\"");
    }

    #[test]
    fn times_keep_their_digits_and_their_range() {
        use ColumnType::*;
        let zero = Value::Date(0, 0, 0, 0, 0, 0, 0);
        check(MYSQL_TYPE_DATE, 0, zero.clone(), "\"0000-00-00\"");
        check(MYSQL_TYPE_DATETIME, 0, zero.clone(), "\"0000-00-00 00:00:00\"");
        check(MYSQL_TYPE_DATETIME, 3, zero, "\"0000-00-00 00:00:00.000\"");
        let at = Value::Date(2024, 2, 30, 1, 2, 3, 120_000);
        check(MYSQL_TYPE_TIMESTAMP, 6, at.clone(), "\"2024-02-30 01:02:03.120000\"");
        check(MYSQL_TYPE_TIMESTAMP, 1, at.clone(), "\"2024-02-30 01:02:03.1\"");
        check(MYSQL_TYPE_DATETIME, 39, at, "\"2024-02-30 01:02:03.120000\"");
        check(MYSQL_TYPE_TIME, 0, Value::Time(true, 34, 22, 59, 59, 0), "\"-838:59:59\"");
        check(MYSQL_TYPE_TIME, 2, Value::Time(true, 0, 0, 0, 0, 500_000), "\"-00:00:00.50\"");
        check(MYSQL_TYPE_TIME, 0, Value::Time(false, 0, 1, 2, 3, 0), "\"01:02:03\"");
    }

    #[test]
    fn bits_and_bytes_are_not_text() {
        let bit = Metadata::new(ColumnType::MYSQL_TYPE_BIT).with_column_length(10);
        let cell = Decoder::new(&bit, 100).cell(Value::Bytes(vec![0b10, 0b101]));
        assert_eq!(cell, Cell::Text("1000000101".into()));
        let blob = Metadata::new(ColumnType::MYSQL_TYPE_BLOB).with_character_set(63);
        let cell = Decoder::new(&blob, 100).cell(Value::Bytes(b"a".to_vec()));
        assert!(matches!(cell, Cell::Bytes { stored_as_text: false, .. }));
    }
}
