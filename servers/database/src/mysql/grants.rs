//! Whether the role may do more than read, and what its operator should do about it.
//!
//! Both boundaries hold whatever the role may do. A role that can only read is the third, and the only one that does not
//! depend on this program.

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

/// What the operator should change, in whole sentences; empty for a role that only reads.
pub(super) async fn warnings(
    conn: &mut Conn,
    settings: &MysqlSettings,
) -> Result<Vec<String>, DatabaseError> {
    let grants: Vec<String> = conn
        .query("SHOW GRANTS FOR CURRENT_USER()")
        .await
        .map_err(|error| failure::of_catalogue(&error))?;
    Ok(judge(&grants, settings.database.as_deref()).into_iter().collect())
}

/// The warning for these grants, as the server shows them.
fn judge(grants: &[String], database: Option<&str>) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    for (privileges, place, may_grant) in grants.iter().filter_map(|grant| parts(grant)) {
        // A privilege on single columns has them in parentheses.
        let named = |text: &str| text.split('(').next().unwrap_or_default().trim().to_uppercase();
        let names = split(privileges).into_iter().map(named);
        for name in names.chain(may_grant.then(|| "GRANT OPTION".to_owned())) {
            let text = format!("{name} ON {place}");
            if !HARMLESS.contains(&name.as_str()) && !found.contains(&text) {
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
        let found = judge(&grants, Some("my`shop"));
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
}
