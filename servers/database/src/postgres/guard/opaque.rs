//! The words of a function body that PostgreSQL cannot analyse beforehand, as those of PL/pgSQL.
//!
//! Such a body is judged by every name in it: whatever a name can mean, in whatever schema, must be allowed. That refuses more
//! than it must and nothing less, but for what a body reaches without naming it: casts that the database applies by itself.
//! SQL that the body puts together itself (`EXECUTE`) cannot be judged at all.

use std::collections::BTreeSet;

use super::super::lexer::{Lexer, Token};

/// The names of a body, or why it cannot be judged by them.
pub(super) fn names(body: &str) -> Result<BTreeSet<String>, &'static str> {
    let mut names = BTreeSet::new();
    for token in Lexer::new(body) {
        match token {
            Token::Word(word) => {
                let word = word.to_lowercase();
                match word.as_str() {
                    "execute" => return Err("it runs SQL that it puts together itself"),
                    "copy" | "call" | "do" | "listen" | "notify" | "prepare" | "lock" | "load" => {
                        return Err("it uses a command that is no query");
                    }
                    _ => drop(names.insert(word)),
                }
            }
            Token::Quoted(name) => drop(names.insert(name)),
            Token::Operator(operator) => drop(names.insert(operator.to_owned())),
            // Dollar quotes and strings hold no names, but for names written with U&, whose escapes are not read here.
            Token::UnicodeQuoted => return Err("it writes names with U&"),
            Token::Text | Token::Number | Token::Symbol(_) => {}
            Token::Unterminated => return Err("a quote in it has no end"),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_found_and_dynamic_sql_is_refused() {
        let found = names(
            "BEGIN RETURN (SELECT \"Evil\"(x) FROM T WHERE a === 'pg_read_file' /* no */); END",
        )
        .unwrap();
        for name in ["Evil", "t", "==="] {
            assert!(found.contains(name), "{name}");
        }
        assert!(!found.contains("pg_read_file") && !found.contains("no"));
        for body in
            ["BEGIN EXECUTE q; END", "begin execute 'x'; end", "SELECT U&\"\\0061\"()", "select 'x"]
        {
            assert!(names(body).is_err(), "{body}");
        }
    }
}
