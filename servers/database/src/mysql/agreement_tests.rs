//! Whether the guard and the server agree: about the names of functions, and about where a statement ends.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, TestRunner};

use super::guard::functions::{Builtin, builtin, is_grammar};
use super::guard::statement::Placeholders;
use super::guard::{judge, judge_change};
use super::testing::TestDatabase;

/// Statements that are tried. Each is prepared, never run.
const STATEMENTS: u32 = 3_000;

/// Pieces whose neighbourhood decides how they are read.
const PIECES: &[&str] = &[
    "SELECT",
    " ",
    " ",
    "\n",
    ",",
    "(",
    ")",
    "1",
    "1e5",
    "1.",
    ".5",
    "0x41",
    "x'41'",
    "b'1'",
    "id",
    "name",
    "`id`",
    "users",
    "`users`",
    " FROM users",
    "FROM",
    "WHERE",
    "users.",
    ".id",
    "'a'",
    "'it''s'",
    "'\\''",
    "\"q\"",
    "'--'",
    "'/*'",
    "`a``b`",
    "--",
    "-- x\n",
    "#",
    "# y\n",
    "/*",
    "*/",
    "/* z */",
    "/**/",
    "/*!",
    "+",
    "-",
    "*",
    "/",
    "=",
    "<",
    ">",
    ";",
    ":",
    ":a",
    "?",
    "@a",
    "@@version",
    "_utf8mb4'u'",
    "N'n'",
    "count(*)",
    "abs(",
    "sleep(",
    "sleep",
    "UNION SELECT 1",
    "AS",
    "AND",
    "OR",
    " ORDER BY 1",
    " LIMIT 1",
    "\\",
    "\\N",
    "$",
    "é",
    "\t",
    "{",
    "}",
    "!",
    "|",
    "||",
    "&&",
    "~",
    "%",
    "e",
    "E5",
    "INTO",
    "1sleep",
];

#[tokio::test]
async fn every_function_of_the_server_has_been_looked_at() {
    let server = TestDatabase::empty().await;
    let mut admin = server.admin().await;
    let names: Vec<String> =
        admin.query("SELECT lower(function) FROM information_schema.sql_functions").await.unwrap();
    assert!(names.len() > 200, "the list must be the server's");
    for name in &names {
        assert!(builtin(name) != Builtin::Unknown, "{name} must be on one of the lists");
    }
    let words: Vec<String> =
        admin.query("SELECT lower(word) FROM information_schema.keywords").await.unwrap();
    for name in names.iter().filter(|name| is_grammar(name)) {
        assert!(words.contains(name), "{name} can be called, and is taken for grammar");
    }
}

/// Whether a text can be prepared: the number of its placeholders and columns, or the code of the error.
async fn prepared(conn: &mut Conn, sql: &str) -> Result<(u16, u16), u16> {
    match conn.prep(sql).await {
        Ok(statement) => {
            let shape = (statement.num_params(), statement.num_columns());
            conn.close(statement).await.unwrap();
            Ok(shape)
        }
        Err(mysql_async::Error::Server(error)) => Err(error.code),
        Err(other) => panic!("{sql:?}: {other}"),
    }
}

/// A database with one table, and a session in it with the modes that ours have.
async fn users() -> (TestDatabase, Conn) {
    let server = TestDatabase::empty().await;
    server.run("CREATE TABLE users(id INT, name TEXT, `a``b` INT)").await;
    let mut conn = server.admin().await;
    conn.query_drop(format!(
        "USE {}; SET NAMES utf8mb4, sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
        server.name
    ))
    .await
    .unwrap();
    (server, conn)
}

/// What was asked without what ends a statement. Two dashes at the end would begin a comment then, and are not one before it.
fn without_semicolon(asked: &str) -> &str {
    let trimmed = asked.trim_end_matches(';');
    if trimmed.ends_with("--") { asked } else { trimmed }
}

#[tokio::test]
async fn what_is_sent_means_to_the_server_what_was_asked() {
    let (server, mut conn) = users().await;
    let mut runner = TestRunner::new(Config::default());
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 1..14);
    let (mut let_through, mut understood) = (0, 0);
    for _ in 0..STATEMENTS {
        let text = pieces.new_tree(&mut runner).unwrap().current().concat();
        let asked = format!("SELECT {text}");
        let Ok(statement) = judge(&asked, Some(&server.name)) else { continue };
        let_through += 1;
        let sent = prepared(&mut conn, &statement.text).await;
        let count = match &statement.placeholders {
            Placeholders::Positional(count) => *count,
            Placeholders::Named(names) => names.len(),
        };
        if let Ok((params, _)) = sent {
            understood += 1;
            assert_eq!(usize::from(params), count, "{asked:?} is sent as {:?}", statement.text);
        }
        // The driver looks for placeholders in what was asked, so only texts without a colon can be compared.
        if !asked.contains(':')
            && let Ok(shape) = prepared(&mut conn, without_semicolon(&asked)).await
        {
            assert_eq!(sent, Ok(shape), "{asked:?} is sent as {:?}", statement.text);
        }
    }
    assert!(let_through > 100 && understood > 30, "{let_through} and {understood} of {STATEMENTS}");
}

#[tokio::test]
async fn a_change_that_is_sent_means_to_the_server_what_was_asked() {
    const BEGINNINGS: &[&str] = &[
        "INSERT INTO users ",
        "INSERT users(id) SELECT ",
        "INSERT INTO users(id) VALUES (",
        "REPLACE users SET id = ",
        "INSERT INTO users(id) VALUES (1) ON DUPLICATE KEY UPDATE id = ",
        "UPDATE users SET id = ",
        "UPDATE users,",
        "UPDATE users JOIN ",
        "DELETE FROM users ",
        "DELETE users FROM ",
        "DELETE FROM users USING users ",
    ];
    let (server, mut conn) = users().await;
    let mut runner = TestRunner::new(Config::default());
    let beginning = proptest::sample::select(BEGINNINGS);
    let pieces = (beginning, proptest::collection::vec(proptest::sample::select(PIECES), 1..10));
    let (mut let_through, mut understood) = (0, 0);
    for _ in 0..STATEMENTS {
        let (beginning, pieces) = pieces.new_tree(&mut runner).unwrap().current();
        let asked = format!("{beginning}{}", pieces.concat());
        let Ok(change) = judge_change(&asked, Some(&server.name)) else { continue };
        let_through += 1;
        let text = &change.statement.text;
        let sent = prepared(&mut conn, text).await;
        if sent.is_ok() {
            understood += 1;
            // There is no other table that the server could change.
            assert!(change.written.iter().any(|table| table.name == "users"), "{asked:?}");
        }
        if !asked.contains(':')
            && let Ok(shape) = prepared(&mut conn, without_semicolon(&asked)).await
        {
            assert_eq!(sent, Ok(shape), "{asked:?} is sent as {text:?}");
        }
    }
    assert!(let_through > 100 && understood > 30, "{let_through} and {understood} of {STATEMENTS}");
}
