//! Everything about SQL that differs between the kinds of database, in one place.
//!
//! All names are quoted and all values are either bound or numbers that were made here, so that nothing that a table holds
//! can become part of a statement.

use std::fmt::Write as _;

use crate::catalog::{TableDescription, TableKind};
use crate::engine::Dialect;
use crate::result::Cell;

use super::time::calendar::Period;

/// The table under analysis in every statement.
const ALIAS: &str = "t";

/// What a column's values are, by its declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Each value says itself what it is (SQLite).
    Any,
    Number,
    Truth,
    /// A date, with or without a time of day.
    Time,
    Text,
    Bytes,
    /// Anything else; compared and shown as the database writes it.
    Other,
}

/// How one row is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// A whole number of 64 bits: SQLite's own row number, or the only column of the primary key.
    Number(String),
    /// Where PostgreSQL keeps the row: the table's part and the place in it.
    Place,
    /// The columns of the primary key, quoted.
    Columns(Vec<String>),
    /// Not at all.
    None,
}

/// The class of a declared type.
pub(crate) fn class(dialect: Dialect, declared: &str) -> Class {
    if dialect == Dialect::Sqlite {
        return Class::Any;
    }
    let declared = declared.to_ascii_lowercase();
    // An array is written as one text, whatever its elements are.
    if declared.ends_with(']') {
        return Class::Other;
    }
    let name = declared.split(['(', ' ']).next().unwrap_or_default();
    match name {
        // MySQL's word for a truth value, which it answers as 0 and 1.
        "bool" | "boolean" => Class::Truth,
        "smallint" | "integer" | "int" | "bigint" | "tinyint" | "mediumint" | "int2" | "int4"
        | "int8" | "numeric" | "decimal" | "real" | "double" | "float" | "float4" | "float8"
        | "year" | "oid" => Class::Number,
        "date" | "timestamp" | "timestamptz" | "datetime" => Class::Time,
        "text" | "varchar" | "char" | "character" | "bpchar" | "name" | "citext" | "enum"
        | "tinytext" | "mediumtext" | "longtext" => Class::Text,
        "bytea" | "blob" | "tinyblob" | "mediumblob" | "longblob" | "binary" | "varbinary" => {
            Class::Bytes
        }
        _ => Class::Other,
    }
}

/// A question about the table that only this kind of database needs, with its parameters: what [`identity`] has to know.
pub(crate) fn storage_question(
    dialect: Dialect,
    table: &TableDescription,
) -> Option<(&'static str, Vec<String>)> {
    match dialect {
        Dialect::Sqlite => Some((
            "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?",
            vec![table.name.clone()],
        )),
        Dialect::Postgres | Dialect::Mysql => None,
    }
}

/// How rows of the table are found again; `storage` is the answer to [`storage_question`].
pub(crate) fn identity(
    dialect: Dialect,
    table: &TableDescription,
    storage: Option<&Cell>,
) -> Identity {
    let stored = matches!(table.kind, TableKind::Table | TableKind::MaterializedView);
    if !stored {
        return Identity::None;
    }
    let key: Vec<String> =
        table.primary_key.iter().map(|name| format!("{ALIAS}.{}", dialect.quote(name))).collect();
    match dialect {
        Dialect::Postgres => Identity::Place,
        Dialect::Sqlite if storage == Some(&Cell::Integer(0)) => {
            // A column may have taken a name of the row number away; a name in quotes would be text where it is missing.
            let taken =
                |alias: &str| table.columns.iter().any(|c| c.name.eq_ignore_ascii_case(alias));
            let free = ["rowid", "_rowid_", "oid"].into_iter().find(|alias| !taken(alias));
            free.map_or(Identity::None, |alias| Identity::Number(format!("{ALIAS}.{alias}")))
        }
        _ if key.is_empty() => Identity::None,
        Dialect::Mysql if key.len() == 1 && has_whole_number_key(table) => {
            Identity::Number(key.into_iter().collect())
        }
        Dialect::Sqlite | Dialect::Mysql => Identity::Columns(key),
    }
}

fn has_whole_number_key(table: &TableDescription) -> bool {
    let declared = table
        .columns
        .iter()
        .find(|column| column.primary_key)
        .map(|c| c.declared_type.to_ascii_lowercase());
    declared.is_some_and(|declared| declared.contains("int") && !declared.contains("unsigned"))
}

impl Identity {
    /// The select list that gives the identity.
    pub(crate) fn select(&self) -> String {
        match self {
            Self::Number(column) => column.clone(),
            Self::Place => format!("{ALIAS}.tableoid::text, {ALIAS}.ctid::text"),
            Self::Columns(columns) => columns.join(", "),
            Self::None => String::new(),
        }
    }

    /// How many columns that select list has.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Number(_) => 1,
            Self::Place => 2,
            Self::Columns(columns) => columns.len(),
            Self::None => 0,
        }
    }

    /// A condition that only these rows meet, and the values to bind; `None` for an identity that cannot be written.
    pub(crate) fn condition(
        &self,
        dialect: Dialect,
        keys: &[&[Cell]],
    ) -> Option<(String, Vec<serde_json::Value>)> {
        match self {
            Self::Number(column) => {
                let numbers: Option<Vec<String>> = keys
                    .iter()
                    .map(|key| match key {
                        [Cell::Integer(n)] => Some(n.to_string()),
                        _ => None,
                    })
                    .collect();
                Some((format!("{column} IN ({})", numbers?.join(", ")), Vec::new()))
            }
            Self::Place => {
                let pairs: Option<Vec<(&str, &str)>> = keys
                    .iter()
                    .map(|key| match key {
                        [Cell::Text(part), Cell::Text(place)] if is_place(part, place) => {
                            Some((part.as_str(), place.as_str()))
                        }
                        _ => None,
                    })
                    .collect();
                let pairs = pairs?;
                let places: Vec<String> =
                    pairs.iter().map(|(_, place)| format!("'{place}'")).collect();
                let whole: Vec<String> =
                    pairs.iter().map(|(part, place)| format!("'{part}{place}'")).collect();
                // The first condition finds the rows by their place; the second tells the parts of a partitioned table apart.
                Some((
                    format!(
                        "{ALIAS}.ctid = ANY (ARRAY[{}]::tid[]) AND ({ALIAS}.tableoid::text || {ALIAS}.ctid::text) = ANY (ARRAY[{}])",
                        places.join(", "),
                        whole.join(", ")
                    ),
                    Vec::new(),
                ))
            }
            Self::Columns(columns) => {
                let values: Option<Vec<serde_json::Value>> =
                    keys.iter().flat_map(|key| key.iter()).map(parameter).collect();
                let row = format!("({})", vec!["?"; columns.len()].join(", "));
                let rows = vec![row.as_str(); keys.len()].join(", ");
                let list = if columns.len() == 1 {
                    format!("{} IN ({})", columns[0], vec!["?"; keys.len()].join(", "))
                } else if dialect == Dialect::Sqlite {
                    format!("({}) IN (VALUES {rows})", columns.join(", "))
                } else {
                    format!("({}) IN ({rows})", columns.join(", "))
                };
                Some((list, values?))
            }
            Self::None => None,
        }
    }
}

/// Whether these are an OID and a `(page,row)`, which may stand in a statement.
fn is_place(part: &str, place: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let inner = place.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    digits(part)
        && inner
            .and_then(|inner| inner.split_once(','))
            .is_some_and(|(page, row)| digits(page) && digits(row))
}

/// A value as a parameter that the database reads back as the same value.
fn parameter(cell: &Cell) -> Option<serde_json::Value> {
    match cell {
        // NULL equals nothing, and a cut value is not the value.
        Cell::Null => None,
        cell if cell.is_cut() => None,
        Cell::Integer(n) if n.unsigned_abs() > 1 << 53 => {
            Some(serde_json::json!({"integer": n.to_string()}))
        }
        Cell::Real(x) if !x.is_finite() => None,
        Cell::Tagged(_) => None,
        other => serde_json::to_value(other).ok(),
    }
}

/// The table, quoted, under its alias.
pub(crate) fn from(dialect: Dialect, table: &TableDescription) -> String {
    format!("{} AS {ALIAS}", dialect.quote_table(table.schema.as_deref(), &table.name))
}

/// A column of the table, which can't be taken for text where the table has lost it.
pub(crate) fn column(dialect: Dialect, name: &str) -> String {
    format!("{ALIAS}.{}", dialect.quote(name))
}

/// A column whose values are cut behind `characters`, so that a page of rows has a bounded size. One character more comes,
/// which tells that there are more.
pub(crate) fn shortened(dialect: Dialect, name: &str, class: Class, characters: usize) -> String {
    let value = column(dialect, name);
    let most = characters + 1;
    match (dialect, class) {
        (_, Class::Number | Class::Truth | Class::Time) => value,
        (Dialect::Sqlite, _) => {
            format!("iif(length({value}) > {most}, substr({value}, 1, {most}), {value})")
        }
        (Dialect::Postgres, Class::Bytes) => format!("substring({value} FROM 1 FOR {most})"),
        (Dialect::Postgres, _) => format!("left({value}::text, {most})"),
        (Dialect::Mysql, Class::Text | Class::Bytes) => format!("LEFT({value}, {most})"),
        (Dialect::Mysql, _) => value,
    }
}

/// A clause that takes a share of all rows at random, and what it is called. It reads the whole table, but PostgreSQL's
/// blocks, which are read alone.
pub(crate) fn random_rows(dialect: Dialect, from: &str, share: f64, rows: u64) -> (String, Method) {
    /// From here on reading every page takes longer than the evenness of single rows is worth.
    const MANY: u64 = 2_000_000;
    const SEED: u32 = 1;
    let percent = (share * 100.0).clamp(0.000_001, 100.0);
    match dialect {
        Dialect::Postgres if rows > MANY => (
            format!("{from} TABLESAMPLE SYSTEM ({percent:.6}) REPEATABLE ({SEED})"),
            Method::TablesampleSystem,
        ),
        Dialect::Postgres => (
            format!("{from} TABLESAMPLE BERNOULLI ({percent:.6}) REPEATABLE ({SEED})"),
            Method::TablesampleBernoulli,
        ),
        Dialect::Sqlite => (
            format!("{from} WHERE abs(random() % 1000000) < {:.0}", (share * 1e6).max(1.0)),
            Method::RandomRows,
        ),
        Dialect::Mysql => (format!("{from} WHERE RAND({SEED}) < {share:.9}"), Method::RandomRows),
    }
}

/// How the rows of a sample were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// All there are.
    AllRows,
    /// One row at a random place in each of many equal ranges of the key.
    KeyRanges,
    /// Each row with the same chance.
    RandomRows,
    TablesampleSystem,
    TablesampleBernoulli,
    /// Those that came first: nothing random.
    FirstRows,
}

/// The first key in each range from one number to before another, NULL where there is none.
pub(crate) fn first_in_ranges(from: &str, key: &str, ranges: &[(i64, i64)]) -> String {
    let mut sql = String::new();
    for (index, (low, high)) in ranges.iter().enumerate() {
        let union = if index == 0 { "" } else { " UNION ALL " };
        let _ = write!(
            sql,
            "{union}SELECT (SELECT {key} FROM {from} WHERE {key} >= {} AND {key} <= {high} ORDER BY {key} LIMIT 1)",
            literal(*low)
        );
    }
    sql
}

/// The least 64-bit number has no literal: its digits are read before the sign.
fn literal(n: i64) -> String {
    if n == i64::MIN { format!("({} - 1)", n + 1) } else { n.to_string() }
}

/// How all rows of a large table are counted by period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counting {
    /// By one statement that groups them.
    Grouped,
    /// By an index, period after period: SQLite would sort all rows in memory to group them.
    ByRange,
    /// Not at all; the sample is counted.
    No,
}

/// How to count by a column, which may lead an index and whose texts may name offsets from UTC.
pub(crate) fn counting(
    dialect: Dialect,
    period: Period,
    leads_an_index: bool,
    has_offsets: bool,
) -> Counting {
    let whole_days = !matches!(period, Period::Minute | Period::Hour);
    match dialect {
        Dialect::Postgres | Dialect::Mysql => Counting::Grouped,
        // Dates are text there, which is in order as long as it is in one form.
        Dialect::Sqlite if leads_an_index && whole_days && !has_offsets => Counting::ByRange,
        Dialect::Sqlite => Counting::No,
    }
}

/// The rows in each of `ranges` ranges of a column; two values are to be bound for each, its ends.
pub(crate) fn counts_in_ranges(from: &str, value: &str, ranges: usize) -> String {
    let one = format!("SELECT (SELECT count(*) FROM {from} WHERE {value} >= ? AND {value} < ?)");
    vec![one; ranges].join(" UNION ALL ")
}

/// The first moment of the period that a value of the column lies in, as text that [`super::time::calendar::parse`] reads.
/// Weeks are added up from days; a time with an offset lies in the period that it is in at UTC.
pub(crate) fn period_start(
    dialect: Dialect,
    name: &str,
    period: Period,
    has_offsets: bool,
) -> String {
    let value = column(dialect, name);
    match dialect {
        Dialect::Sqlite => value,
        Dialect::Postgres => {
            let unit = if period == Period::Week { "day" } else { period.name() };
            let value = if has_offsets { format!("{value} AT TIME ZONE 'UTC'") } else { value };
            format!("to_char(date_trunc('{unit}', {value}), 'YYYY-MM-DD HH24:MI')")
        }
        Dialect::Mysql => {
            let form = match period {
                Period::Year => "%Y-01-01",
                Period::Month => "%Y-%m-01",
                Period::Week | Period::Day => "%Y-%m-%d",
                Period::Hour => "%Y-%m-%d %H:00",
                Period::Minute => "%Y-%m-%d %H:%i",
            };
            format!("DATE_FORMAT({value}, '{form}')")
        }
    }
}
