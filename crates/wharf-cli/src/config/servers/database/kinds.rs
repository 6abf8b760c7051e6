//! How the values of a database's keys are written: what the databases themselves accept, so that a mistake is told at its line.

use std::time::Duration;

use secrecy::SecretString;
use wharf_database::{
    databases::is_name,
    limits::{MAX_ROW_LIMIT, MAX_TIMEOUT},
    pool::{MAX_CONNECTIONS, MAX_STATEMENTS, MAX_WAITING},
    promises::ColumnName,
};

use super::{DatabaseSource, DatabaseUrl};
use crate::config::kind::{COUNT, COUNT_OR_ZERO, DURATION, Facts, Kind, PLAIN, SIZE};

pub(super) const ROWS: Kind<usize> = Kind {
    facts: Facts { range: Some((1, MAX_ROW_LIMIT as u64)), ..COUNT.facts },
    parse: COUNT.parse,
};
pub(super) const CONNECTIONS: Kind<usize> = Kind {
    facts: Facts { range: Some((1, MAX_CONNECTIONS as u64)), ..COUNT.facts },
    parse: COUNT.parse,
};
pub(super) const STATEMENTS: Kind<usize> = Kind {
    facts: Facts { range: Some((0, MAX_STATEMENTS as u64)), ..COUNT.facts },
    parse: COUNT.parse,
};
pub(super) const QUERY_TIME: Kind<Duration> = Kind {
    facts: DURATION.facts,
    parse: |facts, text, folder| match (DURATION.parse)(facts, text, folder)? {
        time if time > MAX_TIMEOUT => {
            Err(format!("expected at most {} seconds", MAX_TIMEOUT.as_secs()))
        }
        time => Ok(time),
    },
};
pub(super) const RESULT_SIZE: Kind<usize> = Kind {
    facts: SIZE.facts,
    parse: |facts, text, folder| match (SIZE.parse)(facts, text, folder)? {
        bytes if !(1_024..=64 << 20).contains(&bytes) => {
            Err("expected a size from 1KiB to 64MiB".into())
        }
        bytes => Ok(bytes),
    },
};
pub(super) const CELL_SIZE: Kind<usize> = Kind {
    facts: SIZE.facts,
    parse: |facts, text, folder| match (SIZE.parse)(facts, text, folder)? {
        bytes if !(16..=64 << 20).contains(&bytes) => {
            Err("expected a size from 16B to 64MiB".into())
        }
        bytes => Ok(bytes),
    },
};
pub(super) const WAITING: Kind<usize> = Kind {
    facts: Facts { range: Some((0, MAX_WAITING as u64)), ..COUNT_OR_ZERO.facts },
    parse: COUNT_OR_ZERO.parse,
};
pub(super) const DATABASE_NAME: Kind<String> = Kind {
    facts: Facts { name: "name", pattern: Some("^[a-z0-9_-]{1,64}$"), example: "sales", ..PLAIN },
    parse: |_, text, _| named(text).map(|()| text.to_owned()),
};
pub(super) const DATABASE_URL: Kind<DatabaseSource> = Kind {
    facts: Facts { name: "URL of a database", secret: true, ..PLAIN },
    parse: |_, text, _| {
        let url = || DatabaseUrl(SecretString::from(text.to_owned()));
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
        match scheme {
            "postgres" | "postgresql" => Ok(DatabaseSource::Postgres(url())),
            "mysql" | "mariadb" => Ok(DatabaseSource::Mysql(url())),
            _ => Err("expected an address that begins with \"postgres://\" or \"mysql://\"; for a file of SQLite use `path`".into()),
        }
    },
};
pub(super) const SESSION_SETTING: Kind<(String, String)> = Kind {
    facts: Facts {
        name: "name=value",
        pattern: Some("^[A-Za-z_][A-Za-z0-9_.]{0,62}=.*$"),
        example: "work_mem=64MB",
        ..PLAIN
    },
    parse: |_, text, _| {
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.len() <= 63
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c))
        };
        text.split_once('=')
            .filter(|(name, value)| is_name(name) && !value.contains('\0'))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .ok_or_else(|| "expected a setting and its value, such as \"work_mem=64MB\"".into())
    },
};
pub(super) const FUNCTION: Kind<String> = Kind {
    facts: Facts {
        name: "schema.function",
        pattern: Some(r"^[^.\s]+\.[^.\s]+$"),
        example: "reports.refresh_cache",
        ..PLAIN
    },
    parse: |_, text, _| {
        let parts = text.split_once('.');
        parts
            .filter(|(schema, name)| !schema.is_empty() && !name.is_empty() && !name.contains('.'))
            .filter(|_| !text.contains(char::is_whitespace))
            .map(|_| text.to_owned())
            .ok_or_else(|| {
                "expected a schema and a function, such as \"reports.refresh_cache\"".into()
            })
    },
};

pub(super) const COLUMN: Kind<ColumnName> = Kind {
    facts: Facts {
        name: "table.column",
        pattern: Some(r"^[^.]+\.[^.]+(\.[^.]+)?$"),
        example: "people.ssn",
        ..PLAIN
    },
    parse: |_, text, _| {
        ColumnName::parse(text)
            .ok_or_else(|| "expected a column with its table, such as \"people.ssn\"".into())
    },
};
pub(super) const TABLE: Kind<String> = Kind {
    facts: Facts { name: "table", example: "sales.orders", ..PLAIN },
    parse: |_, text, _| match text {
        "" => Err("expected a table, such as \"sales.orders\"".into()),
        table => Ok(table.to_owned()),
    },
};

/// Environment variables have no upper case, so names have none either.
pub(super) fn named(name: &str) -> Result<(), String> {
    if is_name(name) && !name.contains(|c: char| c.is_ascii_uppercase()) {
        return Ok(());
    }
    Err("expected 1 to 64 of a-z, 0-9, '_' and '-'".into())
}
