//! How text is split, by the rules of the servers' own lexer.

use super::lexer::tokens;
use proptest::prelude::*;

#[track_caller]
fn check(sql: &str, expected: &[&str]) {
    let found: Vec<&str> = match tokens(sql) {
        Ok(tokens) => tokens.iter().map(|token| token.text).collect(),
        Err(error) => panic!("{sql:?}: {error}"),
    };
    assert_eq!(found, expected, "{sql:?}");
}

#[track_caller]
fn refused(sql: &str, part: &str) {
    let error = tokens(sql).expect_err(sql).to_string();
    assert!(error.contains(part), "{sql:?}: {error}");
}

#[test]
fn quotes_and_comments_hide_what_is_inside() {
    check("SELECT ';' -- ; x\n, 1", &["SELECT", "';'", ",", "1"]);
    check(r"'it\';' ;", &[r"'it\';'", ";"]);
    check(r"'a\\' ;", &[r"'a\\'", ";"]);
    check(r#""it''s;" 'it''s;' "a""b""#, &[r#""it''s;""#, "'it''s;'", r#""a""b""#]);
    check("`a``;b`.`c`", &["`a``;b`", ".", "`c`"]);
    check("1 # x ; y\n+ 2", &["1", "+", "2"]);
    check("a /* ; ' */ b/**/c", &["a", "b", "c"]);
    check("/* /* */ x", &["x"]);
    check(
        "N'a;' n'b' _utf8mb4'c' x'0aF' B'01'",
        &["N'a;'", "n'b'", "_utf8mb4", "'c'", "x'0aF'", "B'01'"],
    );
    check("", &[]);
}

#[test]
fn dashes_are_a_comment_only_before_a_blank() {
    check("SELECT 1--1", &["SELECT", "1", "-", "-", "1"]);
    check("1--1;DROP", &["1", "-", "-", "1", ";", "DROP"]);
    check("1-- 1;DROP", &["1"]);
    check("1--\u{1};DROP", &["1"]);
    check("1--", &["1"]);
    check("1--'a'", &["1", "-", "-", "'a'"]);
}

#[test]
fn numbers_end_where_the_server_ends_them() {
    check("1e5sleep", &["1e5", "sleep"]);
    check("1.5sleep", &["1.5", "sleep"]);
    check("1.sleep", &["1.", "sleep"]);
    check("1sleep", &["1sleep"]);
    check("1e5", &["1e5"]);
    check("1e+5x", &["1e+5", "x"]);
    check("1e", &["1e"]);
    check("1e+", &["1e", "+"]);
    check("0x1F 0x1G 0X1F 0b01 0b02", &["0x1F", "0x1G", "0X1F", "0b01", "0b02"]);
    check(".5 a.b `a`.5", &[".5", "a", ".", "b", "`a`", ".5"]);
    check("t.1st t.1e5.2x t .5", &["t", ".", "1st", "t", ".", "1e5", ".", "2x", "t", ".5"]);
    refused("sleep 1.e(9)", "exponent");
    refused("sleep .1e(9)", "exponent");
    refused("1.0e+(9)", "exponent");
}

#[test]
fn variables_are_told_apart() {
    check(
        "@a.b @'x;' @`y` @@sql_mode @@`a` @@global.b",
        &["@a.b", "@'x;'", "@`y`", "@@sql_mode", "@@`a`", "@@global", ".", "b"],
    );
    check("? :name a:=1 x::y", &["?", ":name", "a", ":", "=", "1", "x", ":", ":y"]);
}

#[test]
fn what_is_ambiguous_or_unfinished_is_refused() {
    refused("SELECT /*!50000 1 */", "executable comment");
    refused("SELECT /*M!100100 1 */", "executable comment");
    refused("SELECT 1 /* x", "never closed");
    refused("'a", "never closed");
    refused(r"'a\'", "never closed");
    refused("\"a'", "never closed");
    refused("`a", "never closed");
    refused("a\0b", "NUL");
    refused("$tag$ x $tag$", "backticks");
    refused(r"\! x", "backslash");
    refused("x'0g'", "literal");
    refused("?1", "placeholder");
}

proptest! {
    #[test]
    fn any_text_is_split_without_panic_and_in_order(sql in "\\PC{0,80}") {
        if let Ok(tokens) = tokens(&sql) {
            for pair in tokens.windows(2) {
                prop_assert!(pair[0].at + pair[0].text.len() <= pair[1].at);
            }
            prop_assert!(tokens.iter().all(|token| !token.text.is_empty()));
        }
    }
}
