//! What an operator decides about one PostgreSQL database.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use super::tls::{TlsMode, TlsSettings};
use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::pool::PoolSettings;

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Server {
    /// A host and a port.
    Tcp {
        /// Name or address.
        host: String,
        /// Port; PostgreSQL's own is 5432.
        port: u16,
    },
    /// The path of a Unix socket, such as `/run/postgresql/.s.PGSQL.5432`.
    Unix(PathBuf),
}

/// What an operator decides about one PostgreSQL database. `Debug` shows no password.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// Where the server listens.
    pub server: Server,
    /// The database's name on the server.
    pub database: String,
    /// The role to log in as; one that may only SELECT is best.
    pub user: String,
    /// The role's password, if it has one.
    pub password: Option<SecretString>,
    /// Encryption of the connections.
    pub tls: TlsSettings,
    /// The bounds on one request.
    pub limits: Limits,
    /// The connections.
    pub pool: PoolSettings,
    /// How long opening a connection may take, the login included. Default 5 s.
    pub connect_timeout: Duration,
    /// How long a statement waits for a lock of somebody else. Default 2 s.
    pub lock_timeout: Duration,
    /// Settings of each session, such as `work_mem` or `search_path`, beyond those that this program fixes.
    pub session: BTreeMap<String, String>,
    /// The time zone in which `timestamptz` is shown. Default UTC.
    pub time_zone: String,
    /// Bytes of one message from the server, which bounds the size of a row in memory. Default 16 MiB.
    pub max_message_bytes: usize,
    /// Functions that the guard would refuse and the operator vouches for, as `schema.name`.
    pub allow_functions: BTreeSet<String>,
    /// Whether foreign tables may be read, which reaches other servers. Default no.
    pub allow_foreign_tables: bool,
    /// Whether to read without the guard where the server cannot analyse a statement (before PostgreSQL 14, on a standby,
    /// without the TEMP privilege), provided the role may only read. Default yes; each check then warns.
    pub allow_unguarded_read_only_role: bool,
    /// Whether rows may be changed, by [`Writer`](crate::write::Writer). Default no.
    pub writes: bool,
    /// Whether to hear of changed rows, on one more connection. Default no.
    pub notify: bool,
}

/// Settings that other parts of this program rely on.
const FIXED: &[&str] = &[
    "standard_conforming_strings",
    "bytea_output",
    "datestyle",
    "intervalstyle",
    "extra_float_digits",
    "client_encoding",
    "timezone",
    "xmlbinary",
    "xmloption",
    "lc_messages",
    "default_transaction_read_only",
    "transaction_read_only",
    "session_replication_role",
    "session_authorization",
    "role",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "cursor_tuple_fraction",
    "row_security",
    "array_nulls",
    "quote_all_identifiers",
];

impl PostgresSettings {
    /// A database on a server, with the default bounds and without a password.
    pub fn new(server: Server, database: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            server,
            database: database.into(),
            user: user.into(),
            password: None,
            tls: TlsSettings::default(),
            limits: Limits::default(),
            pool: PoolSettings::default(),
            connect_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(2),
            session: BTreeMap::new(),
            time_zone: "UTC".into(),
            max_message_bytes: 16 << 20,
            allow_functions: BTreeSet::new(),
            allow_foreign_tables: false,
            allow_unguarded_read_only_role: true,
            writes: false,
            notify: false,
        }
    }

    /// The settings that a URL holds: `postgres://user:password@host:port/database?sslmode=require&sslrootcert=…`. Without
    /// `sslmode` it is `verify-full`, and `prefer` where the server is on this machine.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] says what is wrong, without repeating the URL.
    pub fn from_url(url: &SecretUrl<'_>) -> Result<Self, DatabaseError> {
        let invalid = |rule: &str| DatabaseError::invalid("url", rule);
        let rest = url
            .0
            .strip_prefix("postgres://")
            .or_else(|| url.0.strip_prefix("postgresql://"))
            .ok_or_else(|| invalid("must begin with postgres:// or postgresql://"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(decode(password)?)),
            None => (login, None),
        };
        let (host, port) = split_port(address)
            .ok_or_else(|| invalid("must name a host, and a port from 1 to 65535"))?;
        let user = decode(user)?;
        if user.is_empty() {
            return Err(invalid("must name a user: postgres://user@host/database"));
        }
        let database = decode(database)?;
        let host = decode(host)?;
        let mut settings = Self::new(
            Server::Tcp { host, port },
            if database.is_empty() { user.clone() } else { database },
            user,
        );
        settings.password = password.map(SecretString::from);
        // A password does not go over a network to whoever answers, unless somebody asks for that.
        if !settings.is_on_this_machine() {
            settings.tls.mode = TlsMode::VerifyFull;
        }
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            settings.apply(&decode(key)?, decode(value)?, port)?;
        }
        match &settings.server {
            Server::Tcp { host, .. } if host.is_empty() => Err(invalid("must name a host")),
            _ => Ok(settings),
        }
    }

    fn is_on_this_machine(&self) -> bool {
        match &self.server {
            Server::Unix(_) => true,
            Server::Tcp { host, .. } => {
                host.eq_ignore_ascii_case("localhost")
                    || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }

    fn apply(&mut self, key: &str, value: String, port: u16) -> Result<(), DatabaseError> {
        match key {
            "sslmode" => self.tls.mode = TlsMode::from_sslmode(&value)?,
            "sslrootcert" => self.tls.root_certificates = Some(PathBuf::from(value)),
            "host" if value.starts_with('/') => {
                let socket = PathBuf::from(value).join(format!(".s.PGSQL.{port}"));
                self.server = Server::Unix(socket);
                self.tls.mode = TlsMode::Disable;
            }
            "application_name" => drop(self.session.insert(key.to_owned(), value)),
            _ => {
                let rule = "only sslmode, sslrootcert, application_name and host=/directory may follow the '?'";
                return Err(DatabaseError::invalid("url", rule));
            }
        }
        Ok(())
    }

    /// Checks everything that can be checked without the server.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the setting.
    pub fn check(&self) -> Result<(), DatabaseError> {
        self.limits.check()?;
        self.pool.check()?;
        let name = |what: &str, name: &str| match name.len() {
            1..=63 if !name.contains('\0') => Ok(()),
            _ => Err(DatabaseError::invalid(what, "must have 1 to 63 bytes and no NUL")),
        };
        name("database", &self.database)?;
        name("user", &self.user)?;
        if self.connect_timeout.is_zero() || self.connect_timeout > Duration::from_secs(300) {
            return Err(DatabaseError::invalid("connect_timeout", "must be from 1 ms to 300 s"));
        }
        if self.lock_timeout < Duration::from_millis(1) {
            return Err(DatabaseError::invalid("lock_timeout", "must be at least 1 ms"));
        }
        if !(1 << 20..=1 << 30).contains(&self.max_message_bytes) {
            let rule = "must be from 1 MiB to 1 GiB";
            return Err(DatabaseError::invalid("max_message_bytes", rule));
        }
        self.session.iter().try_for_each(|(name, value)| check_session(name, value))?;
        check_session("time_zone", &self.time_zone)?;
        if self.allow_functions.iter().any(|name| !name.contains('.')) {
            let rule = "each must be written as schema.name";
            return Err(DatabaseError::invalid("allow_functions", rule));
        }
        Ok(())
    }
}

/// A URL that may hold a password, so that it is never printed.
#[derive(Clone, Copy)]
pub struct SecretUrl<'a>(pub &'a str);

impl std::fmt::Debug for SecretUrl<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretUrl")
    }
}

fn check_session(name: &str, value: &str) -> Result<(), DatabaseError> {
    let lower = name.to_ascii_lowercase();
    let plain =
        lower.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.".contains(&b));
    if name.is_empty() || !plain {
        return Err(DatabaseError::invalid("session", "a name has letters, digits, '_' and '.'"));
    }
    if FIXED.contains(&lower.as_str()) {
        let rule = format!("{lower} is fixed by this program; results and safety rest on it");
        return Err(DatabaseError::invalid("session", rule));
    }
    if value.len() > 1_000 || value.chars().any(|c| c.is_control()) {
        let rule = "a value has at most 1000 bytes and no control characters";
        return Err(DatabaseError::invalid("session", rule));
    }
    if lower == "search_path" {
        let listed = value.split(',').map(|schema| schema.trim().trim_matches('"'));
        if listed.skip(1).any(|schema| schema.eq_ignore_ascii_case("pg_catalog")) {
            let rule = "search_path must not put a schema before pg_catalog, whose names would then mean something else";
            return Err(DatabaseError::invalid("session", rule));
        }
    }
    Ok(())
}

fn decode(text: &str) -> Result<String, DatabaseError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| DatabaseError::invalid("url", "must be UTF-8 behind its percent signs"))
}

/// Host and port of `host`, `host:port`, `[address]` and `[address]:port`.
fn split_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => match address.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = port.map_or(Some(5432), |port| port.parse().ok().filter(|&port| port != 0))?;
    Some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn urls_are_read_with_all_their_parts() {
        let url =
            "postgres://me%40x:p%3A%2F@[::1]:6000/my%20db?sslmode=verify-full&sslrootcert=/ca.pem";
        let settings = PostgresSettings::from_url(&SecretUrl(url)).unwrap();
        assert_eq!(settings.server, Server::Tcp { host: "::1".into(), port: 6000 });
        assert_eq!((settings.user.as_str(), settings.database.as_str()), ("me@x", "my db"));
        assert_eq!(settings.password.as_ref().unwrap().expose_secret(), "p:/");
        assert_eq!(settings.tls.mode, TlsMode::VerifyFull);
        assert!(!format!("{settings:?}").contains("p:/"));
    }

    #[test]
    fn a_server_elsewhere_is_verified_unless_the_url_says_otherwise() {
        for (address, mode) in [
            ("db.example", TlsMode::VerifyFull),
            ("10.0.0.1", TlsMode::VerifyFull),
            ("127.evil.example", TlsMode::VerifyFull),
            ("localhost", TlsMode::Prefer),
            ("127.0.0.2:6000", TlsMode::Prefer),
            ("[::1]", TlsMode::Prefer),
        ] {
            let url = format!("postgres://me@{address}/db");
            assert_eq!(
                PostgresSettings::from_url(&SecretUrl(&url)).unwrap().tls.mode,
                mode,
                "{url}"
            );
        }
        let url = "postgres://me@db.example/db?sslmode=disable";
        assert_eq!(PostgresSettings::from_url(&SecretUrl(url)).unwrap().tls.mode, TlsMode::Disable);
    }

    #[test]
    fn bad_urls_are_refused_without_being_repeated() {
        for url in [
            "mysql://me:secret@host/db",
            "postgres://:secret@host/db",
            "postgres://me:secret@host:0/db",
            "postgres://me:secret@host:x/db",
            "postgres://me:secret@/db",
            "postgres://me:secret@host/db?sslmode=maybe",
            "postgres://me:secret@host/db?options=-csecret",
        ] {
            let error = PostgresSettings::from_url(&SecretUrl(url)).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn session_settings_that_results_rest_on_are_fixed() {
        for (name, value, accepted) in [
            ("work_mem", "64MB", true),
            ("search_path", "sales, public", true),
            ("search_path", "pg_catalog, public", true),
            ("search_path", "public, pg_catalog", false),
            ("DateStyle", "SQL", false),
            ("default_transaction_read_only", "off", false),
            ("work mem", "1", false),
            ("work_mem", "1\n-c x=y", false),
        ] {
            assert_eq!(check_session(name, value).is_ok(), accepted, "{name}={value}");
        }
    }
}
