//! SQLite's own text functions again, at a cost that is linear in their input.
//!
//! `instr`, `replace` and `trim` of the library compare at every place, so two values of a few megabytes keep one step of
//! the virtual machine busy for hours, and no watch can reach into a step. These search in linear time and give the same
//! answers (<https://www.sqlite.org/lang_corefunc.html>); a test compares them with the library's own.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use memchr::memmem;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::limits::Limit;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ffi};

/// What a function gives back. Text may be no UTF-8, as in SQLite.
enum Output {
    Null,
    Integer(i64),
    Text(Vec<u8>),
}

impl ToSql for Output {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(n) => ValueRef::Integer(*n),
            Self::Text(bytes) => ValueRef::Text(bytes),
        }))
    }
}

/// Puts the functions in place of the library's.
pub(super) fn replace_slow_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    let longest = usize::try_from(connection.limit(Limit::SQLITE_LIMIT_LENGTH)?).unwrap_or(0);
    connection.create_scalar_function("instr", 2, flags, |context: &mut Context<'_>| {
        Ok(instr(context.get_raw(0), context.get_raw(1)))
    })?;
    connection.create_scalar_function("replace", 3, flags, move |context: &mut Context<'_>| {
        replace(context.get_raw(0), context.get_raw(1), context.get_raw(2), longest)
    })?;
    for (name, left, right) in
        [("trim", true, true), ("ltrim", true, false), ("rtrim", false, true)]
    {
        connection.create_scalar_function(name, 2, flags, move |context: &mut Context<'_>| {
            Ok(trim(context.get_raw(0), context.get_raw(1), left, right))
        })?;
    }
    Ok(())
}

/// The bytes that SQLite takes for a value's text; `None` for NULL.
fn text(value: ValueRef<'_>) -> Option<Cow<'_, [u8]>> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(n) => Cow::Owned(n.to_string().into_bytes()),
        ValueRef::Real(x) => Cow::Owned(real_text(x)),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cow::Borrowed(bytes),
    })
}

/// A real number as the library writes it, asked of the library itself: its rounding is its own, and such calls are rare.
fn real_text(x: f64) -> Vec<u8> {
    static LIBRARY: Mutex<Option<Connection>> = Mutex::new(None);
    let ask = || -> rusqlite::Result<String> {
        let mut library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match library.take() {
            Some(connection) => connection,
            None => Connection::open_in_memory()?,
        };
        let text = connection
            .prepare_cached("SELECT CAST(?1 AS TEXT)")?
            .query_row([x], |row| row.get::<_, String>(0))?;
        *library = Some(connection);
        Ok(text)
    };
    // Fails only without memory; then the statement fails at its next step.
    ask().unwrap_or_default().into_bytes()
}

fn is_blob(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Blob(_))
}

/// Where the second value begins in the first, from 1, in characters or, for two blobs, in bytes; 0 if nowhere.
fn instr(haystack: ValueRef<'_>, needle: ValueRef<'_>) -> Output {
    let in_bytes = is_blob(haystack) && is_blob(needle);
    let (Some(haystack), Some(needle)) = (text(haystack), text(needle)) else {
        return Output::Null;
    };
    let position = match memmem::find(&haystack, &needle) {
        None => 0,
        Some(at) if in_bytes => at + 1,
        Some(at) => haystack[..at].iter().filter(|byte| !is_continuation(**byte)).count() + 1,
    };
    Output::Integer(i64::try_from(position).unwrap_or(i64::MAX))
}

/// The first value with every occurrence of the second replaced by the third.
fn replace(
    value: ValueRef<'_>,
    pattern: ValueRef<'_>,
    by: ValueRef<'_>,
    longest: usize,
) -> rusqlite::Result<Output> {
    let (Some(all), Some(pattern)) = (text(value), text(pattern)) else { return Ok(Output::Null) };
    if pattern.is_empty() {
        return Ok(Output::Text(all.into_owned()));
    }
    let Some(by) = text(by) else { return Ok(Output::Null) };
    let finder = memmem::Finder::new(&pattern);
    // The size is known before anything is built: a small call could otherwise ask for all memory.
    let found = finder.find_iter(&all).count();
    let kept = all.len() - found * pattern.len();
    let size = found.checked_mul(by.len()).and_then(|added| added.checked_add(kept));
    let Some(size) = size.filter(|size| *size <= longest) else {
        return Err(Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_TOOBIG),
            Some("string or blob too big".to_owned()),
        ));
    };
    let mut result = Vec::with_capacity(size);
    let mut from = 0;
    for at in finder.find_iter(&all) {
        result.extend_from_slice(&all[from..at]);
        result.extend_from_slice(&by);
        from = at + pattern.len();
    }
    result.extend_from_slice(&all[from..]);
    Ok(Output::Text(result))
}

/// The first value without characters of the second at its ends.
fn trim(value: ValueRef<'_>, set: ValueRef<'_>, left: bool, right: bool) -> Output {
    let (Some(value), Some(set)) = (text(value), text(set)) else { return Output::Null };
    let set: HashSet<&[u8]> = Characters(&set).collect();
    let mut kept: &[u8] = &value;
    if left {
        let mut rest = Characters(kept);
        while rest.next().is_some_and(|character| set.contains(character)) {
            kept = rest.0;
        }
    }
    if right {
        while let Some(character) = last_character(kept).filter(|last| set.contains(last)) {
            kept = &kept[..kept.len() - character.len()];
        }
    }
    Output::Text(kept.to_vec())
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// The characters of a text as SQLite sees them: whatever follows a leading byte belongs to it.
struct Characters<'a>(&'a [u8]);

impl<'a> Iterator for Characters<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_first()?;
        let more = if *first >= 0xc0 {
            rest.iter().take_while(|byte| is_continuation(**byte)).count()
        } else {
            0
        };
        let (character, rest) = self.0.split_at(1 + more);
        self.0 = rest;
        Some(character)
    }
}

fn last_character(bytes: &[u8]) -> Option<&[u8]> {
    let start = bytes.iter().rposition(|byte| !is_continuation(*byte));
    let start = start.or(bytes.len().checked_sub(1))?;
    bytes.get(start..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rusqlite::types::Value;

    /// Every function on the library's own connection and on one with ours.
    fn both(sql: &str, arguments: &[Value]) -> (Value, Value) {
        let library = Connection::open_in_memory().unwrap();
        let ours = Connection::open_in_memory().unwrap();
        replace_slow_functions(&ours).unwrap();
        let ask = |connection: &Connection| {
            connection
                .query_row(sql, rusqlite::params_from_iter(arguments.iter()), |row| row.get(0))
                .unwrap()
        };
        (ask(&library), ask(&ours))
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Integer),
            any::<f64>().prop_filter("SQLite has no NaN", |x| !x.is_nan()).prop_map(Value::Real),
            (-1000i32..1000).prop_map(|n| Value::Real(f64::from(n) / 8.0)),
            "[ab0-9.é€😀 ]{0,6}".prop_map(Value::Text),
            prop::collection::vec(prop::sample::select(b"ab1".as_slice()), 0..6)
                .prop_map(Value::Blob),
        ]
    }

    proptest! {
        #[test]
        fn answers_are_the_library_s(x in value(), y in value(), z in value()) {
            for sql in [
                "SELECT instr(?1, ?2)",
                "SELECT trim(?1, ?2)",
                "SELECT ltrim(?1, ?2)",
                "SELECT rtrim(?1, ?2)",
            ] {
                let (library, ours) = both(sql, &[x.clone(), y.clone()]);
                prop_assert_eq!(library, ours, "{}", sql);
            }
            let (library, ours) = both("SELECT replace(?1, ?2, ?3)", &[x, y, z]);
            prop_assert_eq!(library, ours);
        }
    }

    #[test]
    fn a_result_beyond_the_limit_is_refused_before_it_is_built() {
        let connection = Connection::open_in_memory().unwrap();
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, 1_000).unwrap();
        replace_slow_functions(&connection).unwrap();
        let size = |by: usize| {
            let sql = "SELECT length(replace('aaaaaaaaaa', 'a', ?1))";
            connection.query_row(sql, ["x".repeat(by)], |row| row.get::<_, i64>(0))
        };
        assert_eq!(size(100).unwrap(), 1_000);
        assert!(size(101).is_err());
    }
}
