//! The shape that a statement must have before SQLite sees it.
//!
//! Part of the session boundary. Some statements act while SQLite compiles them (`PRAGMA
//! temp_store_directory`, also behind EXPLAIN), so asking SQLite whether the compiled statement only
//! reads comes too late for them. Here a statement must be one query, one explained query, or one
//! pragma that reads.

use super::tokens::{Token, Tokens};
use crate::error::DatabaseError;
use crate::limits::Limits;

const ADVICE: &str =
    "send one SELECT, VALUES, WITH … SELECT, EXPLAIN or read-only PRAGMA statement";

/// What a statement is, by its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Query,
    Explain,
    Pragma,
}

/// Pragmas that read, and whether they take an argument that only selects what is read.
const READING_PRAGMAS: &[(&str, bool)] = &[
    ("application_id", false),
    ("collation_list", false),
    ("compile_options", false),
    ("data_version", false),
    ("encoding", false),
    ("foreign_key_check", true),
    ("foreign_key_list", true),
    ("foreign_keys", false),
    ("freelist_count", false),
    ("function_list", false),
    ("index_info", true),
    ("index_list", true),
    ("index_xinfo", true),
    ("module_list", false),
    ("page_count", false),
    ("page_size", false),
    ("pragma_list", false),
    ("query_only", false),
    ("schema_version", false),
    ("table_info", true),
    ("table_list", true),
    ("table_xinfo", true),
    ("user_version", false),
];

/// First words of statements that do something other than read, here or in other dialects.
const OTHER_VERBS: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "ATTACH",
    "BEGIN",
    "CALL",
    "CHECKPOINT",
    "COMMENT",
    "COMMIT",
    "COPY",
    "CREATE",
    "DELETE",
    "DETACH",
    "DO",
    "DROP",
    "END",
    "EXECUTE",
    "GRANT",
    "INSERT",
    "INSTALL",
    "KILL",
    "LISTEN",
    "LOAD",
    "LOCK",
    "MERGE",
    "NOTIFY",
    "PREPARE",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "REPLACE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SET",
    "START",
    "TRUNCATE",
    "UPDATE",
    "USE",
    "VACUUM",
];

/// Whether this pragma reads when it is given this argument or none.
///
/// `database_list` is not among them: it shows where the file lies.
pub(super) fn pragma_reads(name: &str, has_argument: bool) -> bool {
    READING_PRAGMAS
        .iter()
        .any(|(known, argument)| known.eq_ignore_ascii_case(name) && (*argument || !has_argument))
}

/// Checks what holds for every statement, whichever boundary is in force: size and text.
pub(super) fn check_text(sql: &str, limits: &Limits) -> Result<(), DatabaseError> {
    if sql.len() > limits.max_sql_bytes {
        return Err(DatabaseError::TooLarge {
            what: "the SQL text".into(),
            limit: format!("{} bytes", limits.max_sql_bytes),
            advice: "send long values as parameters and split the work into several queries".into(),
        });
    }
    // SQLite would stop reading here and run only what is in front.
    if let Some(offset) = sql.find('\0') {
        let message = "the text holds a NUL character".to_owned();
        return Err(DatabaseError::Syntax { message, offset: Some(offset) });
    }
    Ok(())
}

/// Checks that the text is exactly one statement that has the shape of reading.
pub(super) fn check_shape(sql: &str) -> Result<Shape, DatabaseError> {
    let tokens = one_statement(sql)?;
    let first = tokens[0];
    if begins_query(first) {
        Ok(Shape::Query)
    } else if first.is_keyword("EXPLAIN") {
        check_explain(&tokens)
    } else if first.is_keyword("PRAGMA") {
        check_pragma(&tokens[1..])
    } else {
        Err(not_reading(&tokens))
    }
}

/// Checks that the text is exactly one statement that has the shape of changing rows.
pub(super) fn check_change(sql: &str) -> Result<(), DatabaseError> {
    let first = one_statement(sql)?[0];
    if ["INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"].iter().any(|verb| first.is_keyword(verb)) {
        return Ok(());
    }
    let advice = "send one INSERT, UPDATE or DELETE, and read with execute_query";
    Err(DatabaseError::refused("a statement that does not change rows", advice))
}

/// Refuses joins by the names of columns, for databases with hidden columns.
///
/// SQLite tells the authorizer about every column that a statement reads, but for those that `USING` and `NATURAL` compare: with
/// them, anybody could try values against a hidden column. Neither can be written without its keyword.
pub(super) fn check_joins(sql: &str) -> Result<(), DatabaseError> {
    let by_name = |token: Token<'_>| token.is_keyword("USING") || token.is_keyword("NATURAL");
    if Tokens::of(sql).any(|(_, token)| by_name(token)) {
        let advice = "this database hides columns; write the condition of the join with ON";
        return Err(DatabaseError::refused("a join with USING or NATURAL", advice));
    }
    Ok(())
}

/// The tokens of the only statement; never empty.
fn one_statement(sql: &str) -> Result<Vec<Token<'_>>, DatabaseError> {
    let begins_with_semicolon = matches!(Tokens::of(sql).next(), Some((_, Token::Symbol(';'))));
    let mut tokens = Vec::new();
    let mut ended = false;
    for (_, token) in Tokens::of(sql) {
        match token {
            Token::Symbol(';') => ended = true,
            _ if ended && !begins_with_semicolon => {
                return Err(DatabaseError::refused(
                    "a second statement",
                    "send one statement at a time",
                ));
            }
            token => tokens.push(token),
        }
    }
    if tokens.is_empty() {
        let message = "the text holds no statement".to_owned();
        return Err(DatabaseError::Syntax { message, offset: None });
    }
    if begins_with_semicolon {
        let message = "the text begins with a semicolon".to_owned();
        return Err(DatabaseError::Syntax { message, offset: Some(0) });
    }
    Ok(tokens)
}

fn begins_query(token: Token<'_>) -> bool {
    ["SELECT", "VALUES", "WITH"].iter().any(|keyword| token.is_keyword(keyword))
}

fn check_explain(tokens: &[Token<'_>]) -> Result<Shape, DatabaseError> {
    let plan = tokens.get(1).is_some_and(|token| token.is_keyword("QUERY"))
        && tokens.get(2).is_some_and(|token| token.is_keyword("PLAN"));
    let explained = &tokens[if plan { 3 } else { 1 }..];
    match explained.first() {
        Some(&token) if begins_query(token) => Ok(Shape::Explain),
        Some(token) if token.is_keyword("PRAGMA") => {
            // SQLite runs some pragmas while it compiles them, also for EXPLAIN.
            Err(DatabaseError::refused("EXPLAIN PRAGMA", ADVICE))
        }
        Some(_) => Err(not_reading(explained)),
        None => Err(DatabaseError::Syntax {
            message: "EXPLAIN needs a query behind it".into(),
            offset: None,
        }),
    }
}

fn check_pragma(tokens: &[Token<'_>]) -> Result<Shape, DatabaseError> {
    let tokens = match tokens {
        [_, Token::Symbol('.'), rest @ ..] => rest,
        all => all,
    };
    let (name, argument) = match tokens {
        [Token::Word(name), argument @ ..] => (*name, argument),
        _ => ("", tokens),
    };
    let reads = match argument {
        [] => pragma_reads(name, false),
        [Token::Symbol('('), .., Token::Symbol(')')] => pragma_reads(name, true),
        _ => false,
    };
    if reads {
        return Ok(Shape::Pragma);
    }
    let what = format!("PRAGMA {}", shorten(name));
    let advice = "these pragmas can be read: table_list, table_xinfo(table), index_list(table), \
                  index_xinfo(index), foreign_key_list(table), function_list";
    Err(DatabaseError::refused(what, advice))
}

/// Names the statement by its verb and object, never by its values.
fn not_reading(tokens: &[Token<'_>]) -> DatabaseError {
    let verb = match tokens.first() {
        Some(Token::Word(word)) => word.to_ascii_uppercase(),
        _ => String::new(),
    };
    if !OTHER_VERBS.contains(&verb.as_str()) {
        let message = "a statement begins with SELECT, VALUES, WITH, EXPLAIN or PRAGMA".to_owned();
        return DatabaseError::Syntax { message, offset: None };
    }
    let mut what = verb;
    for token in tokens.iter().skip(1).take(3) {
        match token {
            Token::Word(word) if ["SET", "VALUES"].iter().any(|k| word.eq_ignore_ascii_case(k)) => {
                break;
            }
            Token::Word(word) | Token::QuotedName(word) => {
                what.push(' ');
                what.push_str(shorten(word));
            }
            _ => break,
        }
    }
    DatabaseError::refused(what, ADVICE)
}

fn shorten(word: &str) -> &str {
    &word[..word.floor_char_boundary(64)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_told_apart() {
        #[track_caller]
        fn check(sql: &str, expected: Result<Shape, &str>) {
            let found = check_shape(sql).map_err(|error| match error {
                DatabaseError::Refused { what, .. } => what,
                other => format!("{:?}", other.kind()),
            });
            assert_eq!(found, expected.map_err(str::to_owned), "{sql:?}");
        }
        check("select 1", Ok(Shape::Query));
        check("/* x */ WITH a AS (SELECT 1) SELECT * FROM a;;  -- end", Ok(Shape::Query));
        check("VALUES (1)", Ok(Shape::Query));
        check("EXPLAIN QUERY PLAN SELECT 1", Ok(Shape::Explain));
        check("EXPLAIN WITH a AS (SELECT 1) SELECT 1", Ok(Shape::Explain));
        check("PRAGMA main.table_info('users')", Ok(Shape::Pragma));
        check("PRAGMA user_version", Ok(Shape::Pragma));
        check("PRAGMA user_version(5)", Err("PRAGMA user_version"));
        check("PRAGMA table_info = users", Err("PRAGMA table_info"));
        check("PRAGMA \"query_only\" = 0", Err("PRAGMA "));
        check("EXPLAIN PRAGMA temp_store_directory='/'", Err("EXPLAIN PRAGMA"));
        check("EXPLAIN QUERY PLAN DELETE FROM users", Err("DELETE FROM users"));
        check("SELECT 1; DELETE FROM users", Err("a second statement"));
        check("UPDATE users SET name = 'secret'", Err("UPDATE users"));
        check("INSERT INTO users VALUES ('secret')", Err("INSERT INTO users"));
        check("CREATE TEMP TABLE t(x)", Err("CREATE TEMP TABLE t"));
        check("-- nothing", Err("InvalidInput"));
        check("", Err("InvalidInput"));
        check(";", Err("InvalidInput"));
        check("; SELECT 1", Err("InvalidInput"));
        check("SELCT 1", Err("InvalidInput"));
        check("EXPLAIN", Err("InvalidInput"));
    }

    #[test]
    fn text_is_bounded_and_holds_no_nul() {
        let limits = Limits { max_sql_bytes: 16, ..Limits::default() };
        assert_eq!(check_text("SELECT 123456789", &limits), Ok(()));
        assert!(matches!(
            check_text("SELECT 1234567890", &limits),
            Err(DatabaseError::TooLarge { .. })
        ));
        assert!(matches!(
            check_text("SELECT 1\0; x", &limits),
            Err(DatabaseError::Syntax { offset: Some(8), .. })
        ));
    }
}
