//! SQLite: Wharf's answers against those of the shell `sqlite3` in its mode `quote`, which writes every value with its type.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use wharf_database::sqlite::{Database, SqliteSettings};
use wharf_testkit::Client;

use crate::compare::{Outcome, compare};
use crate::fixture;
use crate::sqlite_grammar::{GRAMMAR, TYPES};

#[tokio::test]
async fn sqlite_answers_as_its_own_shell_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let mut script = String::from("BEGIN;\n");
    for table in GRAMMAR.tables {
        script += &format!("CREATE TABLE {table}(id INTEGER PRIMARY KEY, {TYPES});\n");
    }
    script += &fixture::rows(&GRAMMAR);
    rusqlite::Connection::open(&path).unwrap().execute_batch(&(script + "COMMIT;")).unwrap();
    let engine = Database::open(SqliteSettings::file(path.clone())).unwrap();
    let databases = wharf_database::Databases::one("main", engine).unwrap();
    let client = Client::memory(wharf_database::server(databases)).await;
    compare(
        &GRAMMAR,
        &client,
        |queries| queries.iter().map(|query| shell(&path, &query.sql)).collect(),
        |expected, cell, column, _| answered(cell, column) == expected,
    )
    .await;
}

/// The shell's rows, each value as [`quoted`] writes it.
fn shell(path: &Path, sql: &str) -> Outcome {
    let done = Command::new("sqlite3")
        .args(["-batch", "-bail", "-readonly", "-quote", "-init", "/dev/null"])
        .arg(path)
        .arg(sql)
        .output()
        .expect("sqlite3, the shell, can be run (Debian: sqlite3)");
    if !done.status.success() {
        return Outcome::Error(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    Outcome::Rows { columns: None, rows: parse(&String::from_utf8(done.stdout).unwrap()) }
}

/// Reads rows of `NULL`, numbers, `'text'` and `X'00'`.
fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let (value, after) = token(rest);
        row.push(value);
        rest = match after.as_bytes()[0] {
            b',' => &after[1..],
            b'\n' => {
                rows.push(std::mem::take(&mut row));
                &after[1..]
            }
            other => panic!("{other} after a value: {after}"),
        };
    }
    rows
}

fn token(text: &str) -> (String, &str) {
    if let Some(quoted) = text.strip_prefix('\'') {
        let mut at = 0;
        loop {
            at += quoted[at..].find('\'').expect("a text ends");
            if !quoted[at + 1..].starts_with('\'') {
                return (format!("text {}", quoted[..at].replace("''", "'")), &quoted[at + 1..]);
            }
            at += 2;
        }
    }
    let (value, after) = text.split_at(text.find([',', '\n']).expect("a value ends"));
    let value = match value {
        "NULL" => "null".to_owned(),
        "Inf" => real(f64::INFINITY),
        "-Inf" => real(f64::NEG_INFINITY),
        hex if hex.starts_with("X'") => format!("blob {}", hex[2..hex.len() - 1].to_lowercase()),
        number if number.contains(['.', 'e']) => real(number.parse().unwrap()),
        integer => format!("integer {}", integer.parse::<i64>().unwrap()),
    };
    (value, after)
}

/// SQLite has one zero: a shell writes both alike.
fn real(value: f64) -> String {
    format!("real {:?}", value + 0.0)
}

/// A cell of Wharf's answer in the same words; the types of its column say what a string is.
fn answered(cell: &Value, column: &Value) -> String {
    let types = column["value_types"].as_array().map_or(&[][..], Vec::as_slice);
    let only = |name: &str| !types.contains(&json!("text")) && types.contains(&json!(name));
    match cell {
        Value::Null => "null".to_owned(),
        Value::Number(number) if number.is_f64() => real(number.as_f64().unwrap()),
        Value::Number(number) => format!("integer {number}"),
        Value::String(text)
            if only("integer")
                && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) =>
        {
            format!("integer {text}")
        }
        Value::String(text) if only("real") => real(text.parse().unwrap()),
        Value::String(text) => format!("text {text}"),
        Value::Object(map) if map.contains_key("integer") => {
            format!("integer {}", map["integer"].as_str().unwrap())
        }
        Value::Object(map) if map.contains_key("real") => {
            real(map["real"].as_str().unwrap().parse().unwrap())
        }
        Value::Object(map) => {
            let bytes = crate::compare::bytes(map);
            if map.get("type").is_some() {
                format!("not UTF-8: {bytes}")
            } else {
                format!("blob {bytes}")
            }
        }
        other => panic!("no cell: {other}"),
    }
}

#[test]
fn the_shells_words_are_read_with_their_types() {
    let read = parse("1,1.0,'it''s,\nso',X'00FF',NULL,-Inf,4.9406564584124654428e-324\n'',''''\n");
    let first = [
        "integer 1",
        "real 1.0",
        "text it's,\nso",
        "blob 00ff",
        "null",
        "real -inf",
        "real 5e-324",
    ];
    assert_eq!(read, [&first[..], &["text ", "text '"]]);
    assert_eq!(parse(""), Vec::<Vec<String>>::new());
}
