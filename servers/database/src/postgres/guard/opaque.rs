//! The words of a function body that PostgreSQL cannot analyse beforehand, as those of PL/pgSQL.
//!
//! Such a body is judged by every name in it: whatever a name can mean, in whatever schema, must be allowed. That refuses more
//! than it must and nothing less. Names are taken as the server reads them: in small letters, cut to the length that it keeps, and the
//! operators that stand behind keywords besides. What a body reaches without any name is judged by [`super::unnamed`]. SQL that the body puts together itself (`EXECUTE`) cannot be judged at all.

use std::collections::BTreeSet;

use super::super::lexer::{Lexer, Token};

/// The names of a body, or why it cannot be judged by them.
pub(super) fn names(body: &str) -> Result<BTreeSet<String>, &'static str> {
    let mut names = BTreeSet::new();
    for token in Lexer::new(body) {
        match token {
            Token::Word(word) => {
                let full = word.to_lowercase();
                let word = word.to_ascii_lowercase();
                match word.as_str() {
                    "execute" => return Err("it runs SQL that it puts together itself"),
                    "copy" | "call" | "do" | "listen" | "notify" | "prepare" | "lock" | "load" => {
                        return Err("it uses a command that is no query");
                    }
                    _ => {}
                }
                names.extend(behind(&word).iter().map(|operator| (*operator).to_owned()));
                // Servers of one-byte encodings lower all letters, the others those of ASCII.
                names.extend(kept(full));
                names.extend(kept(word));
            }
            Token::Quoted(name) => names.extend(kept(name)),
            Token::Operator(operator) => names.extend(operators(operator)),
            // Dollar quotes and strings hold no names, but for names written with U&, whose escapes are not read here.
            Token::UnicodeQuoted => return Err("it writes names with U&"),
            Token::Text(_) | Token::Number | Token::Symbol(_) => {}
            Token::Unterminated => return Err("a quote in it has no end"),
        }
    }
    Ok(names)
}

/// A name as it stands, and as the server keeps it: cut to 63 bytes of its own encoding.
fn kept(name: String) -> Vec<String> {
    const MOST: usize = 63;
    let mut all = Vec::with_capacity(1);
    if name.len() > MOST {
        all.push(name[..name.floor_char_boundary(MOST)].to_owned());
        all.push(name.chars().take(MOST).collect());
    }
    all.push(name);
    all
}

/// What these characters can be: the server takes `=-` for two operators, and `!=` for another.
fn operators(run: &str) -> Vec<String> {
    let mut all: Vec<String> = (1..=run.len().min(64)).map(|end| run[..end].to_owned()).collect();
    all.extend(["+", "-"].map(str::to_owned));
    if run.starts_with("!=") {
        all.push("<>".to_owned());
    }
    all
}

/// The operators that a keyword stands for.
fn behind(keyword: &str) -> &'static [&'static str] {
    match keyword {
        "between" => &["<=", ">=", "<", ">"],
        "case" | "distinct" | "in" | "nullif" | "using" | "natural" => &["=", "<>"],
        "like" => &["~~", "!~~"],
        "ilike" => &["~~*", "!~~*"],
        "similar" => &["~", "!~"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_those_that_the_server_reads() {
        let long = "x".repeat(70);
        let body = format!("BEGIN RETURN Évil(Été) ===- {long}() != b AND a BETWEEN b AND c; END");
        let found = names(&body).unwrap();
        for name in ["Évil", "évil", "Été", "===", "-", "<>", "<=", &long, &long[..63]] {
            assert!(found.contains(name), "{name}");
        }
    }

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
