//! Whether a stored function may be called and a trigger fired: what the catalogue says, and the body by the same rules.
//!
//! A function's own word that it only reads is not checked by the server, so where the role may see the body, the body
//! decides: no statement that writes, no file, no other session's state, no function that is refused. Where the role may
//! not see it, the function must say that it reads and must run with the rights of its caller.
//!
//! A trigger is its table's owner's, and may change rows of other tables. What matters is that a rollback undoes all of it:
//! no file, no procedure, no setting of the server, and every table that it changes is judged like the first.

use std::collections::BTreeSet;

use super::lexer::{Kind, Token, body_tokens};
use super::shape::{OTHER_VERBS, shorten};
use super::statement::{Reference, judge_body, judge_trigger_body};
use crate::error::DatabaseError;

/// What the catalogue says about a stored function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredFunction {
    pub(super) data_access: String,
    pub(super) security: String,
    pub(super) deterministic: bool,
    pub(super) language: String,
    pub(super) sql_mode: String,
    /// `None` where the role may not see it.
    pub(super) body: Option<String>,
}

/// Modes under which a body reads differently.
const OTHER_READINGS: &[&str] = &["ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ORACLE"];

/// How the operator lets the role see triggers.
pub(super) const TRIGGER_ADVICE: &str =
    "the operator can let the role see it with GRANT TRIGGER on the table";

/// Words behind SET that reach beyond the function's own variables.
const WIDE_SETS: &[&str] = &["GLOBAL", "LOCAL", "PERSIST", "PERSIST_ONLY", "SESSION"];

/// Words behind SET that set no variable, unless a variable is called so.
const OTHER_SETS: &[&str] =
    &["CHARACTER", "CHARSET", "DEFAULT", "NAMES", "PASSWORD", "ROLE", "STATEMENT", "TRANSACTION"];

/// Judges a stored function; what it uses is judged by the caller.
pub(super) fn judge(
    at: &Reference,
    function: &StoredFunction,
) -> Result<(BTreeSet<Reference>, BTreeSet<Reference>), DatabaseError> {
    let refuse = |why: &str, advice: &str| {
        let what = format!("the stored function {}() ({why})", shorten(&at.name));
        Err(DatabaseError::refused(what, advice))
    };
    if !function.language.eq_ignore_ascii_case("SQL") {
        return refuse("it is not written in SQL", "leave it out");
    }
    if function.data_access == "MODIFIES SQL DATA" {
        return refuse("it is declared to change data", "leave it out");
    }
    let reads = ["READS SQL DATA", "NO SQL"].contains(&function.data_access.as_str());
    let Some(body) = &function.body else {
        if (reads || function.deterministic) && function.security == "INVOKER" {
            return Ok((BTreeSet::new(), BTreeSet::new()));
        }
        return refuse(
            "its body cannot be seen",
            "the operator can let the role see it (GRANT SELECT ON mysql.proc, or SHOW_ROUTINE), or declare it \
             READS SQL DATA SQL SECURITY INVOKER",
        );
    };
    if reads_differently(&function.sql_mode) {
        return refuse(
            "it was made under an sql_mode that changes how SQL is read",
            "leave it out",
        );
    }
    match judge_text(body, &at.schema) {
        Ok(uses) => Ok(uses),
        Err(DatabaseError::Refused { what, .. }) => {
            refuse(&format!("it uses {what}"), "leave it out")
        }
        Err(_) => refuse("its body is not understood", "leave it out"),
    }
}

fn judge_text(
    body: &str,
    schema: &str,
) -> Result<(BTreeSet<Reference>, BTreeSet<Reference>), DatabaseError> {
    let tokens = body_tokens(body)?;
    refuse_statements(&tokens, &[])?;
    judge_body(&tokens, schema)
}

/// Judges the body of a trigger: what it reads, calls and changes. `None` stands for a body that the role may not see.
pub(super) fn judge_trigger(
    schema: &str,
    name: &str,
    sql_mode: &str,
    body: Option<&str>,
) -> Result<[BTreeSet<Reference>; 3], DatabaseError> {
    let refuse = |why: &str, advice: &str| {
        let what = format!("a change that fires the trigger {} ({why})", shorten(name));
        Err(DatabaseError::refused(what, advice))
    };
    let Some(body) = body else {
        return refuse("its body cannot be seen", TRIGGER_ADVICE);
    };
    if reads_differently(sql_mode) {
        let advice = "the operator can make it anew under the default sql_mode";
        return refuse("it was made under an sql_mode that changes how SQL is read", advice);
    }
    let judged = body_tokens(body).and_then(|tokens| {
        refuse_statements(&tokens, &["DELETE", "INSERT", "REPLACE", "UPDATE"])?;
        judge_trigger_body(&tokens, schema)
    });
    match judged {
        Ok(uses) => Ok(uses),
        Err(DatabaseError::Refused { what, .. }) => refuse(
            &format!("it uses {what}"),
            "it may do what no rollback undoes; change other tables",
        ),
        Err(_) => refuse("its body is not understood", "change other tables"),
    }
}

fn reads_differently(sql_mode: &str) -> bool {
    OTHER_READINGS.iter().any(|mode| sql_mode.split(',').any(|set| set == *mode))
}

/// Refuses the statements of a body that do more than it may; those of `allowed` are judged elsewhere.
fn refuse_statements(tokens: &[Token<'_>], allowed: &[&str]) -> Result<(), DatabaseError> {
    let mut handled = None;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        let named = next.is_some_and(Token::is_name);
        if token.is_word("HANDLER") {
            handled = behind_conditions(tokens, at).or(handled);
        }
        let begins = at == 0 || handled == Some(at) || begins_statement(&tokens[at - 1]);
        // REPLACE and INSERT are functions too; `judge_body` tells them apart.
        let function = next.is_some_and(|next| next.is(b'('));
        if (begins
            && !function
            && !token.is_word("SET")
            && token.is_one_of(OTHER_VERBS)
            && !token.is_one_of(allowed)
            && !is_block(token))
            || (token.is_one_of(WIDE_SETS) && named)
            || sets_more(&tokens[at..])
            || assigns_system_variable(&tokens[at..])
        {
            let what = token.text.to_ascii_uppercase();
            return Err(DatabaseError::refused(what, "leave it out"));
        }
    }
    Ok(())
}

fn is_block(token: &Token<'_>) -> bool {
    token.is_one_of(&["BEGIN", "GET", "RESIGNAL", "SIGNAL"])
}

/// Whether a statement, or an expression, begins behind this token.
fn begins_statement(before: &Token<'_>) -> bool {
    before.is(b';')
        || before.is(b':')
        || before.is_one_of(&["ATOMIC", "BEGIN", "DO", "ELSE", "LOOP", "REPEAT", "THEN"])
}

/// Where the statement of a handler begins: behind `HANDLER FOR` and the conditions that it handles.
fn behind_conditions(tokens: &[Token<'_>], handler: usize) -> Option<usize> {
    if !tokens.get(handler + 1)?.is_word("FOR") {
        return None;
    }
    let mut at = handler + 2;
    loop {
        let condition = tokens.get(at)?;
        at += match () {
            () if condition.is_word("SQLSTATE") && tokens.get(at + 1)?.is_word("VALUE") => 3,
            () if condition.is_one_of(&["NOT", "SQLSTATE"]) => 2,
            () => 1,
        };
        if !tokens.get(at)?.is(b',') {
            return Some(at);
        }
        at += 1;
    }
}

/// Whether SET sets something other than a variable here: a role, a character set, variables for one statement.
fn sets_more(tokens: &[Token<'_>]) -> bool {
    let [set, what, rest @ ..] = tokens else { return false };
    let assigns = rest.first().is_some_and(|next| next.is(b'=') || next.is(b':'));
    set.is_word("SET") && what.is_one_of(OTHER_SETS) && !assigns
}

fn assigns_system_variable(tokens: &[Token<'_>]) -> bool {
    let [variable, rest @ ..] = tokens else { return false };
    if variable.kind != Kind::SystemVariable {
        return false;
    }
    let behind = rest.iter().find(|token| !token.is(b'.') && !token.is_name());
    behind.is_some_and(|token| token.is(b'=') || token.is(b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(body: &str) -> StoredFunction {
        StoredFunction {
            data_access: "READS SQL DATA".into(),
            security: "DEFINER".into(),
            deterministic: false,
            language: "SQL".into(),
            sql_mode: "STRICT_TRANS_TABLES".into(),
            body: Some(body.into()),
        }
    }

    fn at() -> Reference {
        Reference { schema: "shop".into(), name: "f".into() }
    }

    #[track_caller]
    fn check(body: &str, allowed: bool) {
        let found = judge(&at(), &reading(body));
        assert_eq!(found.is_ok(), allowed, "{body:?}: {found:?}");
    }

    #[test]
    fn bodies_that_read_are_told_from_those_that_do_more() {
        check("RETURN (SELECT sum(total) FROM orders WHERE user_id = uid)", true);
        check("BEGIN DECLARE n INT DEFAULT 0; SELECT count(*) INTO n FROM t; RETURN n; END", true);
        check(
            "BEGIN DECLARE done INT; DECLARE c CURSOR FOR SELECT id FROM t; \
             DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1; OPEN c; r: LOOP FETCH c INTO n; \
             IF done THEN LEAVE r; END IF; SET s = s + n; END LOOP; CLOSE c; RETURN s; END",
            true,
        );
        check(
            "RETURN CASE WHEN x > 1 THEN replace(y, 'a', 'b') ELSE insert(y, 1, 1, 'c') END",
            true,
        );
        check("BEGIN IF (x > 1) THEN RETURN 1; ELSEIF (x > 2) THEN RETURN 2; END IF; END", true);
        check("BEGIN DELETE FROM orders; RETURN 1; END", false);
        check("BEGIN INSERT INTO t VALUES (1); RETURN 1; END", false);
        check("BEGIN IF 1 THEN REPLACE INTO t VALUES (1); END IF; RETURN 1; END", false);
        check("BEGIN DO sleep(5); RETURN 1; END", false);
        check("BEGIN SET GLOBAL max_connections = 1; RETURN 1; END", false);
        check("BEGIN SET @@global.max_connections = 1; RETURN 1; END", false);
        check("BEGIN SELECT 1 INTO OUTFILE 'x'; RETURN 1; END", false);
        check("BEGIN l:TRUNCATE t; RETURN 1; END", false);
        check("BEGIN CALL wipe(); RETURN 1; END", false);
        for handler in [
            "SQLSTATE '45000'",
            "SQLSTATE VALUE '45000', 1051",
            "NOT FOUND, SQLEXCEPTION",
            "named",
            "`quoted`",
        ] {
            let body = |statement: &str| {
                format!("BEGIN DECLARE EXIT HANDLER FOR {handler} {statement}; RETURN 1; END")
            };
            check(&body("SET n = 1"), true);
            check(&body("BEGIN SET n = 1; END"), true);
            for statement in ["SHUTDOWN", "STOP SLAVE", "BEGIN STOP SLAVE; END", "TRUNCATE t"] {
                check(&body(statement), false);
            }
        }
        check(
            "BEGIN SET STATEMENT max_statement_time = 1 FOR SET GLOBAL x = 1; RETURN 1; END",
            false,
        );
        check("BEGIN SET ROLE root; RETURN 1; END", false);
        check("BEGIN SET NAMES latin1; RETURN 1; END", false);
        check("BEGIN DECLARE role INT; SET role = 1; RETURN role; END", true);
        check("BEGIN DECLARE t TEXT CHARACTER SET utf8mb4; SET t := 'a'; RETURN t; END", true);
        check("RETURN load_file('x')", false);
        check("RETURN get_lock('x', 1)", false);
        check("BEGIN /*!50000 DELETE FROM orders */; RETURN 1; END", false);
        check("BEGIN SELECT id INTO n FROM t FOR UPDATE; RETURN n; END", false);
    }

    #[test]
    fn a_hidden_body_needs_the_word_of_the_catalogue() {
        let hidden = StoredFunction { body: None, ..reading("") };
        assert!(judge(&at(), &hidden).is_err());
        let invoker = StoredFunction { security: "INVOKER".into(), ..hidden };
        assert!(judge(&at(), &invoker).is_ok());
        let contains = StoredFunction { data_access: "CONTAINS SQL".into(), ..invoker.clone() };
        assert!(judge(&at(), &contains).is_err());
        let modifies =
            StoredFunction { data_access: "MODIFIES SQL DATA".into(), ..invoker.clone() };
        assert!(judge(&at(), &modifies).is_err());
        let quotes = StoredFunction { sql_mode: "ANSI_QUOTES".into(), ..reading("RETURN 1") };
        assert!(judge(&at(), &quotes).is_err());
        let script = StoredFunction { language: "JAVASCRIPT".into(), ..reading("RETURN 1") };
        assert!(judge(&at(), &script).is_err());
    }

    #[test]
    fn what_a_body_uses_is_handed_on() {
        let (relations, functions) = judge(&at(), &reading("RETURN (SELECT g(a) FROM v)")).unwrap();
        assert!(relations.iter().any(|relation| relation.name == "v"));
        assert!(functions.iter().any(|function| function.name == "g"));
    }
}
