//! One row by its primary key, given as text.
//!
//! The values are bound, never put into the statement, and take the types of their columns. Databases are generous about
//! what equals what (`'01'`, `1.0` and in MySQL even `'1abc'` equal 1), so a row is given only for the key as it is written
//! by the database itself: every row has exactly one, and permissions and subscriptions can rely on it.
//!
//! It refuses views, tables without a primary key, and the database's own catalogue. Hidden columns are left out.

use serde_json::{Value, json};

use crate::catalog::{TableDescription, TableKind};
use crate::engine::{Dialect, Engine};
use crate::error::DatabaseError;
use crate::request::{Parameters, QueryRequest};
use crate::result::{Cell, Column, TaggedNumber};

/// The most columns of a key that are looked up.
const MAX_KEY_PARTS: usize = 32;
/// Rows that one key may find where a column holds values of several types, and one more.
const MAX_FOUND: usize = 4;

/// What a key leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Lookup {
    /// The row.
    Found { columns: Vec<Column>, cells: Vec<Cell> },
    /// A row that the database takes for equal, whose key is written otherwise.
    Elsewhere { key: Vec<String> },
    /// No row.
    Nothing,
}

/// Looks a row up.
///
/// # Errors
/// [`DatabaseError::InvalidArgument`]: the table has no such rows, or the key has the wrong number of parts or types. Else
/// what the database says.
pub(crate) async fn by_key(
    engine: &dyn Engine,
    table: &TableDescription,
    key: &[String],
) -> Result<Lookup, DatabaseError> {
    let mut request = statement(engine.dialect(), table, key)?;
    let shown = shown(engine, table);
    if table.primary_key.iter().any(|name| !shown.names.contains(&name.as_str())) {
        let rule = "has a primary key that nobody may read, so its rows have no addresses; use execute_query";
        return Err(DatabaseError::invalid("table", rule));
    }
    request.sql = request.sql.replacen('*', &shown.sql, 1);
    request.row_limit = Some(MAX_FOUND.min(engine.limits().max_rows));
    let result = engine.query(request).await?;
    let places: Vec<Option<usize>> = table
        .primary_key
        .iter()
        .map(|name| result.columns.iter().position(|column| column.name == *name))
        .collect();
    let written = |cells: &[Cell]| -> Option<Vec<String>> {
        places.iter().map(|place| written(cells.get((*place)?)?)).collect()
    };
    let (mut exact, mut others) = (Vec::new(), Vec::new());
    for cells in result.rows {
        match written(&cells) {
            Some(found) if found == key => exact.push(cells),
            found => others.extend(found),
        }
    }
    if exact.len() > 1 {
        let rule = match engine.dialect() {
            Dialect::Postgres => {
                "fits several rows, of the table and of those that inherit from it; use execute_query with FROM ONLY"
            }
            _ => {
                "fits several rows whose keys differ only in their types; use execute_query and typeof()"
            }
        };
        return Err(DatabaseError::invalid("id", rule));
    }
    Ok(match (exact.pop(), others.into_iter().next()) {
        (Some(cells), _) => Lookup::Found { columns: result.columns, cells },
        (None, Some(key)) => Lookup::Elsewhere { key },
        (None, None) => Lookup::Nothing,
    })
}

/// The columns of a table that may be read.
pub(crate) struct Shown<'a> {
    /// Their names, in the table's order.
    pub(crate) names: Vec<&'a str>,
    /// What selects them.
    pub(crate) sql: String,
}

/// The columns that may be read. `*` would leave out MySQL's invisible ones.
pub(crate) fn shown<'a>(engine: &dyn Engine, table: &'a TableDescription) -> Shown<'a> {
    let is_hidden = |name: &str| engine.hides(table.schema.as_deref(), &table.name, name);
    let names = table.columns.iter().map(|column| column.name.as_str());
    let names: Vec<&str> = names.filter(|name| !is_hidden(name)).collect();
    let sql = if names.len() == table.columns.len() && engine.dialect() != Dialect::Mysql {
        "*".to_owned()
    } else {
        names.iter().map(|name| engine.dialect().quote(name)).collect::<Vec<_>>().join(", ")
    };
    Shown { names, sql }
}

/// The statement that finds the row.
fn statement(
    dialect: Dialect,
    table: &TableDescription,
    key: &[String],
) -> Result<QueryRequest, DatabaseError> {
    check(dialect, table, key)?;
    let mut conditions = Vec::with_capacity(key.len());
    let mut values = Vec::new();
    for (name, text) in table.primary_key.iter().zip(key) {
        let declared = table.columns.iter().find(|column| column.name == *name);
        let declared = declared.map_or("", |column| &column.declared_type);
        let Some(operands) = operands(dialect, declared, text) else {
            let rule = format!(
                "{name:?} is of type {declared}: write {}",
                shape(dialect, declared).unwrap_or("a value of it")
            );
            return Err(DatabaseError::invalid("id", rule));
        };
        let mut either = Vec::with_capacity(operands.len());
        for Operand { before, value, after } in operands {
            values.push(value);
            let placeholder = dialect.placeholder(values.len());
            either.push(format!("{} = {before}{placeholder}{after}", dialect.quote(name)));
        }
        conditions.push(format!("({})", either.join(" OR ")));
    }
    let mut request = QueryRequest::new(format!(
        "SELECT * FROM {} WHERE {} LIMIT {MAX_FOUND}",
        dialect.quote_table(table.schema.as_deref(), &table.name),
        conditions.join(" AND ")
    ));
    request.params = Parameters::Positional(values);
    Ok(request)
}

/// Whether the table has rows with keys of so many parts.
fn check(dialect: Dialect, table: &TableDescription, key: &[String]) -> Result<(), DatabaseError> {
    if table.schema.as_deref().is_some_and(|schema| dialect.is_system_schema(schema)) {
        let rule = "belongs to the database's own catalogue, whose rows have no addresses; use execute_query";
        return Err(DatabaseError::invalid("table", rule));
    }
    if matches!(table.kind, TableKind::View | TableKind::MaterializedView) {
        let rule = "is a view, whose rows have no key; read the rows of the tables behind it, or use execute_query with WHERE";
        return Err(DatabaseError::invalid("table", rule));
    }
    let parts = table.primary_key.len();
    if !(1..=MAX_KEY_PARTS).contains(&parts) {
        let rule =
            "has no primary key, so its rows have no addresses; use execute_query with WHERE";
        return Err(DatabaseError::invalid("table", rule));
    }
    if key.len() != parts {
        let names: Vec<String> = table.primary_key.iter().map(|name| format!("{name:?}")).collect();
        let rule = format!(
            "the primary key has {parts} {}, {}, and {} given; write one value for each, with commas between them and %2C for a comma inside",
            if parts == 1 { "column" } else { "columns" },
            names.join(", "),
            if key.len() == 1 { "1 was".to_owned() } else { format!("{} were", key.len()) },
        );
        return Err(DatabaseError::invalid("id", rule));
    }
    Ok(())
}

/// One side of a comparison: a value, and what stands around its placeholder.
struct Operand {
    before: &'static str,
    value: Value,
    after: String,
}

fn plain(value: impl Into<Value>) -> Operand {
    Operand { before: "", value: value.into(), after: String::new() }
}

/// What kind of values a column holds, as far as it matters for comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Integer,
    Decimal,
    Bytes,
    /// SQLite's columns without an affinity: a value of any type equals only one of the same type.
    Any,
    Other,
}

fn family(dialect: Dialect, declared: &str) -> Family {
    let declared = declared.to_ascii_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| declared.starts_with(word));
    match dialect {
        // The affinity of a column turns a text into the number that it is (sqlite.org/datatype3.html, section 3.1).
        Dialect::Sqlite => {
            let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
            let typeless = declared.is_empty() || declared == "any" || has(&["blob"]);
            let other = has(&["int", "char", "clob", "text"]);
            if typeless && !other { Family::Any } else { Family::Other }
        }
        Dialect::Postgres => match declared.as_str() {
            "smallint" | "integer" | "bigint" => Family::Integer,
            "bytea" => Family::Bytes,
            _ => Family::Other,
        },
        Dialect::Mysql => {
            if starts(&["tinyint", "smallint", "mediumint", "int", "bigint", "year"]) {
                Family::Integer
            } else if starts(&["decimal", "numeric"]) {
                Family::Decimal
            } else if starts(&["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"])
            {
                Family::Bytes
            } else {
                Family::Other
            }
        }
    }
}

/// What a value of a column looks like, for refusals.
fn shape(dialect: Dialect, declared: &str) -> Option<&'static str> {
    match family(dialect, declared) {
        Family::Integer => Some("an integer such as 42"),
        Family::Decimal => Some("a number such as 1.50"),
        Family::Bytes => Some("0x and hexadecimal digits, such as 0x00ff"),
        Family::Any | Family::Other => None,
    }
}

/// What the column is compared with; `None` when the text is no value of its type.
fn operands(dialect: Dialect, declared: &str, text: &str) -> Option<Vec<Operand>> {
    Some(match (family(dialect, declared), dialect) {
        // PostgreSQL takes the type from the column. A number sent as one could be of another type, which uses no index.
        (Family::Integer, Dialect::Postgres) => vec![plain(integer(text)?.to_string())],
        (Family::Integer, _) => vec![plain(integer(text)?)],
        // MySQL compares a decimal with a text as floating-point numbers, which merges neighbours.
        (Family::Decimal, _) => {
            let decimal = is_decimal(text).then(|| text.to_owned())?;
            vec![Operand {
                before: "CAST(",
                value: decimal.into(),
                after: " AS DECIMAL(65, 30))".into(),
            }]
        }
        (Family::Bytes, Dialect::Postgres) => {
            bytes(text)?;
            vec![plain(format!("\\x{}", &text[2..]))]
        }
        (Family::Bytes, _) => vec![plain(blob(text)?)],
        (Family::Any, _) => {
            let number = integer(text).map(Value::from).or_else(|| real(text).map(Value::from));
            let typed = number.or_else(|| blob(text));
            [Some(Value::from(text)), typed].into_iter().flatten().map(plain).collect()
        }
        (Family::Other, _) => vec![plain(text)],
    })
}

/// An integer of 64 bits, written as every database writes it.
fn integer(text: &str) -> Option<serde_json::Number> {
    let number = match text.parse::<i64>() {
        Ok(number) => serde_json::Number::from(number),
        Err(_) => serde_json::Number::from(text.parse::<u64>().ok()?),
    };
    (number.to_string() == text).then_some(number)
}

fn real(text: &str) -> Option<f64> {
    text.parse().ok().filter(|real: &f64| real.is_finite() && written_real(*real) == text)
}

/// Digits with one point among them at most. 65 digits are the most that MySQL has.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.len() <= 66 && all_digits(whole) && all_digits(part)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?;
    let is_written = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if digits.len() % 2 != 0 || !digits.bytes().all(is_written) {
        return None;
    }
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    (0..digits.len()).step_by(2).map(pair).collect()
}

fn blob(text: &str) -> Option<Value> {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes(text)?);
    Some(json!({"base64": encoded}))
}

/// The one way in which a value of a key is written; `None` for what is no key, or is not here whole.
fn written(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Bool(truth) => Some(truth.to_string()),
        Cell::Integer(number) | Cell::Tagged(TaggedNumber::Integer(number)) => {
            Some(number.to_string())
        }
        Cell::Real(real) => Some(written_real(*real)),
        Cell::Tagged(number @ TaggedNumber::Real(_)) => Some(number.to_string()),
        Cell::Text(text) => Some(text.clone()),
        Cell::Bytes { bytes, stored_as_text: false, .. } if !cell.is_cut() => {
            use std::fmt::Write as _;
            let mut text = String::from("0x");
            for byte in bytes {
                let _ = write!(text, "{byte:02x}");
            }
            Some(text)
        }
        Cell::Null | Cell::CutText { .. } | Cell::Bytes { .. } => None,
    }
}

/// As JSON has it, except that whole numbers have no fraction.
fn written_real(real: f64) -> String {
    let text = serde_json::to_string(&Cell::Real(real)).unwrap_or_default();
    let text = text.trim_matches('"');
    text.strip_suffix(".0").unwrap_or(text).to_owned()
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
