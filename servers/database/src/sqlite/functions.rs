//! Functions that are added to SQLite.
//!
//! SQLite's mathematical functions are left out of the bundled build, and people expect them. They
//! follow <https://www.sqlite.org/lang_mathfunc.html>: what is no number gives NULL, and so does a
//! result that is none.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};

/// The names of all added functions, for the authorizer.
pub(super) const ADDED: &[&str] = &[
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "ceiling", "cos", "cosh",
    "degrees", "exp", "floor", "ln", "log", "log10", "log2", "mod", "pi", "pow", "power",
    "radians", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
];

type Unary = fn(f64) -> f64;
type Binary = fn(f64, f64) -> f64;

const UNARY: &[(&str, Unary)] = &[
    ("acos", f64::acos),
    ("acosh", f64::acosh),
    ("asin", f64::asin),
    ("asinh", f64::asinh),
    ("atan", f64::atan),
    ("atanh", f64::atanh),
    ("cos", f64::cos),
    ("cosh", f64::cosh),
    ("degrees", f64::to_degrees),
    ("exp", f64::exp),
    ("ln", |x| positive(x).ln()),
    ("log", |x| positive(x).log10()),
    ("log10", |x| positive(x).log10()),
    ("log2", |x| positive(x).log2()),
    ("radians", f64::to_radians),
    ("sin", f64::sin),
    ("sinh", f64::sinh),
    ("sqrt", f64::sqrt),
    ("tan", f64::tan),
    ("tanh", f64::tanh),
];

/// These keep integers as they are.
const ROUNDING: &[(&str, Unary)] =
    &[("ceil", f64::ceil), ("ceiling", f64::ceil), ("floor", f64::floor), ("trunc", f64::trunc)];

const BINARY: &[(&str, Binary)] = &[
    ("atan2", f64::atan2),
    ("log", |base, x| positive(x).ln() / positive(base).ln()),
    ("mod", |x, y| x % y),
    ("pow", f64::powf),
    ("power", f64::powf),
];

/// Adds the functions to a connection.
pub(super) fn add(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    for &(name, function) in UNARY {
        connection.create_scalar_function(name, 1, flags, move |context: &mut Context<'_>| {
            Ok(number(context.get_raw(0)).map_or(Value::Null, |x| real(function(x))))
        })?;
    }
    for &(name, function) in ROUNDING {
        connection.create_scalar_function(name, 1, flags, move |context: &mut Context<'_>| {
            Ok(match context.get_raw(0) {
                ValueRef::Integer(n) => Value::Integer(n),
                other => number(other).map_or(Value::Null, |x| real(function(x))),
            })
        })?;
    }
    for &(name, function) in BINARY {
        connection.create_scalar_function(name, 2, flags, move |context: &mut Context<'_>| {
            let arguments = number(context.get_raw(0)).zip(number(context.get_raw(1)));
            Ok(arguments.map_or(Value::Null, |(x, y)| real(function(x, y))))
        })?;
    }
    connection.create_scalar_function("pi", 0, flags, |_| Ok(std::f64::consts::PI))
}

fn number(value: ValueRef<'_>) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "the functions compute in 64-bit floats")]
        ValueRef::Integer(n) => Some(n as f64),
        ValueRef::Real(x) => Some(x),
        // Words such as "inf" parse in Rust and are no numbers in SQLite.
        ValueRef::Text(text) => std::str::from_utf8(text)
            .ok()
            .map(str::trim)
            .filter(|text| text.len() < 64 && !text.contains(['n', 'N', 'y', 'Y']))
            .and_then(|text| text.parse().ok()),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// The logarithm of what is not positive is no number, also of zero.
fn positive(x: f64) -> f64 {
    if x > 0.0 { x } else { f64::NAN }
}

/// SQLite has no NaN; it stores NULL.
fn real(x: f64) -> Value {
    if x.is_nan() { Value::Null } else { Value::Real(x) }
}
