//! Whether the role may do more than read, and what its operator should do about it.
//!
//! Both boundaries hold whatever the role may do. A role that can only read is the third, and the only one that does not
//! depend on this program.

use std::collections::BTreeMap;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::failure;
use super::guard::statement::quoted;
use super::settings::MysqlSettings;
use crate::error::DatabaseError;

/// What a role needs to read, or what shows no rows and changes nothing.
const HARMLESS: &[&str] = &[
    "BINLOG MONITOR",
    "EXECUTE",
    "PROCESS",
    "REPLICATION CLIENT",
    "SELECT",
    "SHOW CREATE ROUTINE",
    "SHOW DATABASES",
    "SHOW VIEW",
    "SHOW_ROUTINE",
    "SLAVE MONITOR",
    "USAGE",
];
/// Privileges that a warning lists.
const LISTED: usize = 6;

/// What a role needs besides where rows are changed.
const WRITING: &[&str] = &["DELETE", "INSERT", "TRIGGER", "UPDATE"];

/// What the operator should change, in whole sentences; empty for a role that does no more than the settings say.
pub(super) async fn warnings(
    conn: &mut Conn,
    settings: &MysqlSettings,
) -> Result<Vec<String>, DatabaseError> {
    let grants = of_role(conn).await?;
    Ok(judge(&grants, settings.database.as_deref(), settings.writes).into_iter().collect())
}

/// The grants of the role, as the server shows them.
pub(super) async fn of_role(conn: &mut Conn) -> Result<Vec<String>, DatabaseError> {
    let grants = conn.query("SHOW GRANTS FOR CURRENT_USER()").await;
    grants.map_err(|error| failure::of_catalogue(&error))
}

/// Whether these grants let the role see the triggers of a table. In doubt they do not.
pub(super) fn shows_triggers(grants: &[String], schema: &str, table: &str) -> bool {
    // MySQL can take single databases out of a grant on all.
    if grants.iter().any(|grant| grant.starts_with("REVOKE")) {
        return false;
    }
    let mut by_pattern: BTreeMap<String, bool> = BTreeMap::new();
    for (privileges, place, _) in grants.iter().filter_map(|grant| parts(grant)) {
        let sees = split(privileges).into_iter().any(|name| {
            let name = name.trim().to_uppercase();
            ["TRIGGER", "ALL PRIVILEGES", "ALL"].contains(&name.as_str())
        });
        match place_of(place) {
            Some(Place::Everywhere) if sees => return true,
            Some(Place::Table(of, name)) if sees && of == schema && name == table => return true,
            Some(Place::Database(pattern)) if is_like(schema, &pattern) => {
                *by_pattern.entry(pattern).or_default() |= sees;
            }
            _ => {}
        }
    }
    // Only one of the patterns that fit is in force; which one is the server's to know.
    !by_pattern.is_empty() && by_pattern.values().all(|sees| *sees)
}

/// Where a grant is in force.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Everywhere,
    /// Databases whose name is like this.
    Database(String),
    Table(String, String),
}

fn place_of(place: &str) -> Option<Place> {
    if place == "*.*" {
        return Some(Place::Everywhere);
    }
    let (schema, rest) = quoted_name(place)?;
    let rest = rest.strip_prefix('.')?;
    if rest == "*" {
        return Some(Place::Database(schema));
    }
    match quoted_name(rest)? {
        (table, "") => Some(Place::Table(schema, table)),
        _ => None,
    }
}

/// A name in backticks, and what stands behind it.
fn quoted_name(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('`')?;
    let mut name = String::new();
    let mut rest = inside.char_indices();
    while let Some((at, c)) = rest.next() {
        if c != '`' {
            name.push(c);
        } else if inside[at + 1..].starts_with('`') {
            name.push('`');
            rest.next();
        } else {
            return Some((name, &inside[at + 1..]));
        }
    }
    None
}

/// Whether a name is like a pattern, in which `%` stands for any text, `_` for a character and a backslash for none.
fn is_like(name: &str, pattern: &str) -> bool {
    let mut parts: Vec<(char, bool)> = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '\\' => (chars.next().unwrap_or('\\'), false),
            c => (c, c == '%' || c == '_'),
        });
    }
    // Where the match may stand after each character of the name, so that no pattern costs more than its length.
    let skip = |mut at: Vec<bool>| {
        for index in 0..parts.len() {
            at[index + 1] |= at[index] && parts[index] == ('%', true);
        }
        at
    };
    let mut reached = vec![false; parts.len() + 1];
    reached[0] = true;
    reached = skip(reached);
    for c in name.chars() {
        let mut next = vec![false; parts.len() + 1];
        for (index, part) in parts.iter().enumerate().filter(|(index, _)| reached[*index]) {
            match part {
                ('%', true) => next[index] = true,
                ('_', true) => next[index + 1] = true,
                (letter, _) => next[index + 1] |= *letter == c,
            }
        }
        reached = skip(next);
    }
    reached[parts.len()]
}

/// The warning for these grants, as the server shows them.
fn judge(grants: &[String], database: Option<&str>, writes: bool) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    for (privileges, place, may_grant) in grants.iter().filter_map(|grant| parts(grant)) {
        // A privilege on single columns has them in parentheses.
        let named = |text: &str| text.split('(').next().unwrap_or_default().trim().to_uppercase();
        let names = split(privileges).into_iter().map(named);
        for name in names.chain(may_grant.then(|| "GRANT OPTION".to_owned())) {
            let text = format!("{name} ON {place}");
            let needed =
                HARMLESS.contains(&name.as_str()) || (writes && WRITING.contains(&name.as_str()));
            if !needed && !found.contains(&text) {
                found.push(text);
            }
        }
    }
    if found.is_empty() {
        return None;
    }
    let more = found.len().saturating_sub(LISTED);
    found.truncate(LISTED);
    let mut list = found.join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    let place = database.map_or_else(|| "*".to_owned(), quoted);
    if writes {
        return Some(format!(
            "The database role may do more than read and change rows ({list}). Wharf refuses all else, but nothing else would \
             hold it back: make a role for it and use that one. CREATE USER 'wharf_writer'@'%' IDENTIFIED BY '<a long password>'; \
             GRANT SELECT, SHOW VIEW, INSERT, UPDATE, DELETE, TRIGGER ON {place}.* TO 'wharf_writer'@'%'"
        ));
    }
    Some(format!(
        "The database role may do more than read ({list}). Queries stay read-only, but nothing else would hold it back: \
         make a role for reading and use that one. CREATE USER 'wharf_reader'@'%' IDENTIFIED BY '<a long password>'; \
         GRANT SELECT, SHOW VIEW ON {place}.* TO 'wharf_reader'@'%'"
    ))
}

/// The privileges and the place of one grant, and whether it can be passed on. A grant of a role has no place.
fn parts(grant: &str) -> Option<(&str, &str, bool)> {
    let rest = grant.strip_prefix("GRANT ")?;
    let (privileges, rest) = rest.split_once(" ON ")?;
    // What follows names the account and may hold its password's hash.
    let (place, account) = rest.split_once(" TO ")?;
    Some((privileges, place, account.ends_with("WITH GRANT OPTION")))
}

/// Privileges between commas that are not inside parentheses.
fn split(privileges: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_i32, 0, Vec::new());
    for (at, byte) in privileges.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b',' if depth == 0 => {
                found.push(&privileges[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&privileges[start..]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(grants: &[&str], expected: Option<&str>) {
        let grants: Vec<String> = grants.iter().map(|grant| (*grant).to_owned()).collect();
        let found = judge(&grants, Some("my`shop"), false);
        match (&found, expected) {
            (Some(text), Some(part)) => {
                assert!(text.contains(part), "{text}");
                assert!(text.contains("GRANT SELECT, SHOW VIEW ON `my``shop`.* TO"), "{text}");
                assert!(!text.contains("*6BB4"), "{text}");
            }
            (None, None) => {}
            _ => panic!("{grants:?}: {found:?}"),
        }
    }

    #[test]
    fn a_role_that_may_write_is_told_from_one_that_reads() {
        let all = "GRANT ALL PRIVILEGES ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*6BB4' WITH GRANT OPTION";
        check(&["GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*6BB4'"], None);
        check(&["GRANT SELECT, SHOW VIEW ON `shop`.* TO `r`@`%`"], None);
        check(&["GRANT SELECT (a, b) ON `shop`.`t` TO `r`@`%`", "GRANT `x` TO `r`@`%`"], None);
        check(&[all], Some("(ALL PRIVILEGES ON *.*, GRANT OPTION ON *.*)"));
        let writes = "GRANT SELECT, INSERT, DELETE ON `shop`.* TO `r`@`%`";
        check(&[writes], Some("(INSERT ON `shop`.*, DELETE ON `shop`.*)"));
        check(&["GRANT FILE, SUPER ON *.* TO `r`@`%`"], Some("(FILE ON *.*, SUPER ON *.*)"));
        check(&["GRANT SELECT, UPDATE (a, b) ON `shop`.`t` TO `r`@`%`"], Some("(UPDATE ON"));
        check(&["GRANT SELECT ON *.* TO `r`@`%` WITH GRANT OPTION"], Some("(GRANT OPTION ON"));
    }
    #[test]
    fn a_role_that_changes_rows_needs_no_warning_for_that() {
        let grants = |text: &str| vec![text.to_owned()];
        let writer = grants("GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON `shop`.* TO `w`@`%`");
        assert_eq!(judge(&writer, Some("shop"), true), None);
        assert!(judge(&writer, Some("shop"), false).is_some());
        let more = judge(&grants("GRANT INSERT, DROP ON `shop`.* TO `w`@`%`"), Some("shop"), true);
        assert!(more.is_some_and(|text| text.contains("(DROP ON `shop`.*)")));
    }

    #[test]
    fn triggers_are_seen_only_where_a_grant_is_sure_to_be_in_force() {
        #[track_caller]
        fn sees(grants: &[&str], expected: bool) {
            let grants: Vec<String> = grants.iter().map(|grant| (*grant).to_owned()).collect();
            assert_eq!(shows_triggers(&grants, "my_shop", "users"), expected, "{grants:?}");
        }
        sees(&["GRANT ALL PRIVILEGES ON *.* TO `w`@`%`"], true);
        sees(
            &[
                "GRANT ALL PRIVILEGES ON *.* TO `w`@`%`",
                "REVOKE TRIGGER ON `my_shop`.* FROM `w`@`%`",
            ],
            false,
        );
        sees(&["GRANT SELECT, TRIGGER ON `my\\_shop`.* TO `w`@`%`"], true);
        sees(&["GRANT TRIGGER ON `%`.* TO `w`@`%`"], true);
        sees(&["GRANT TRIGGER ON `m%\\_s_op`.* TO `w`@`%`"], true);
        sees(&["GRANT TRIGGER ON `my_shop`.`users` TO `w`@`%`"], true);
        sees(&["GRANT TRIGGER ON `my_shop`.`orders` TO `w`@`%`"], false);
        sees(&["GRANT TRIGGER ON `my\\%`.* TO `w`@`%`"], false);
        sees(&["GRANT SELECT ON `my_shop`.* TO `w`@`%`"], false);
        // The first of two patterns that fit is in force.
        sees(
            &["GRANT SELECT ON `my_shop`.* TO `w`@`%`", "GRANT TRIGGER ON `my%`.* TO `w`@`%`"],
            false,
        );
        sees(
            &["GRANT SELECT ON `my_shop`.* TO `w`@`%`", "GRANT TRIGGER ON `my_shop`.* TO `r`"],
            true,
        );
        sees(&["GRANT SELECT (`a, TRIGGER ON *.* TO `) ON `my_shop`.`users` TO `w`@`%`"], false);
        sees(&["GRANT TRIGGER ON `*.* TO x`.* TO `w`@`%`"], false);
        sees(&[], false);
    }
}
