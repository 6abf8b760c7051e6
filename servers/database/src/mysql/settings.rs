//! What an operator decides about one MySQL or MariaDB database.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::pool::PoolSettings;

/// Whether the connection is encrypted, and what the server has to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tls {
    /// As [`Tls::Verify`] where the server is elsewhere, plain on the loopback interface. The default.
    #[default]
    Automatic,
    /// Encrypted; the certificate must be valid and name the host.
    Verify,
    /// Encrypted, whoever answers: somebody on the way can read everything by pretending to be the server.
    DangerUnverified,
    /// As [`Tls::DangerUnverified`] where the server can, plain where it cannot.
    DangerPreferred,
    /// Plain: whoever is on the way reads everything.
    DangerPlain,
}

/// What an operator decides about one MySQL or MariaDB database.
#[derive(Clone)]
#[non_exhaustive]
pub struct MysqlSettings {
    /// The host's name or address.
    pub host: String,
    /// The port. Default 3306.
    pub port: u16,
    /// The role to log in as. It should be allowed to SELECT and nothing else, unless rows are to be changed.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// The database (schema) that bare names are looked up in.
    pub database: Option<String>,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// Certificates (PEM) of the authorities that may vouch for the server, in place of the public ones.
    pub root_certificates: Option<PathBuf>,
    /// The time zone of sessions, such as `+00:00` (the default) or `Europe/Berlin`.
    pub time_zone: String,
    /// Variables of each session with their values, such as `sort_buffer_size` and `1048576`.
    pub session: Vec<(String, String)>,
    /// Stored functions, as `schema.name`, that queries may call whatever they do.
    pub allow_functions: Vec<String>,
    /// The bounds on one request.
    pub limits: Limits,
    /// Bytes of one row as the server sends it, whatever is kept of it. Default 16 MiB.
    pub max_row_bytes: usize,
    /// How many connections there are, and how long they are kept and waited for.
    pub pool: PoolSettings,
    /// How long it may take to log in. Default 5 s.
    pub connect_timeout: Duration,
    /// Whether tables of engines that read from other servers (FEDERATED, CONNECT, SPIDER, S3) can be read.
    pub allow_remote_engines: bool,
    /// Whether rows can be changed. The role then needs INSERT, UPDATE or DELETE, and TRIGGER, on the tables.
    pub writes: bool,
}

impl MysqlSettings {
    /// Settings for a server, with the default bounds.
    pub fn new(host: impl Into<String>, user: impl Into<String>, password: SecretString) -> Self {
        Self {
            host: host.into(),
            port: 3306,
            user: user.into(),
            password,
            database: None,
            tls: Tls::default(),
            root_certificates: None,
            time_zone: "+00:00".to_owned(),
            session: Vec::new(),
            allow_functions: Vec::new(),
            limits: Limits::default(),
            max_row_bytes: 16 << 20,
            pool: PoolSettings::default(),
            connect_timeout: Duration::from_secs(5),
            allow_remote_engines: false,
            writes: false,
        }
    }

    /// Checks everything that can be checked without the server.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the setting.
    pub fn check(&self) -> Result<(), DatabaseError> {
        self.limits.check()?;
        if self.host.is_empty()
            || self.host.len() > 255
            || self.host.contains(['/', '@', ' ', '\0'])
        {
            return Err(DatabaseError::invalid("host", "must be a host name or an address"));
        }
        if self.user.is_empty() {
            return Err(DatabaseError::invalid("user", "must name a role"));
        }
        if self.database.as_deref().is_some_and(|name| name.is_empty() || name.len() > 256) {
            return Err(DatabaseError::invalid("database", "must name a schema, or be left out"));
        }
        let known = |c: char| c.is_ascii_alphanumeric() || "+-_:/".contains(c);
        if self.time_zone.is_empty()
            || self.time_zone.len() > 64
            || !self.time_zone.chars().all(known)
        {
            let rule = "must be an offset such as +00:00 or a name such as Europe/Berlin";
            return Err(DatabaseError::invalid("time_zone", rule));
        }
        self.check_session()?;
        if let Some(wrong) = self.allow_functions.iter().find(|name| !name.contains('.')) {
            let rule = format!("must be written as schema.name, unlike {wrong:?}");
            return Err(DatabaseError::invalid("allow_functions", rule));
        }
        if !(64 << 10..=1 << 30).contains(&self.max_row_bytes) {
            return Err(DatabaseError::invalid("max_row_bytes", "must be from 64 KiB to 1 GiB"));
        }
        if self.connect_timeout.is_zero() {
            return Err(DatabaseError::invalid("connect_timeout", "must be at least 1 ms"));
        }
        self.pool.check()
    }

    /// What decides how a statement is read, bounded and kept from writing is not the operator's to change.
    fn check_session(&self) -> Result<(), DatabaseError> {
        const PINNED: &[&str] = &[
            "autocommit",
            "lock_wait_timeout",
            "max_execution_time",
            "max_statement_time",
            "old_mode",
            "sql_mode",
            "sql_select_limit",
            "time_zone",
        ];
        const PINNED_STARTS: &[&str] = &["character_set", "collation", "transaction", "tx_"];
        for (name, value) in &self.session {
            let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let lower = name.to_ascii_lowercase();
            let pinned = PINNED.contains(&lower.as_str())
                || PINNED_STARTS.iter().any(|start| lower.starts_with(start));
            if name.is_empty() || name.len() > 64 || !name.chars().all(letters) || pinned {
                let rule = format!("{name:?} is no variable that can be set here");
                return Err(DatabaseError::invalid("session", rule));
            }
            if value.len() > 1_000 || value.contains('\0') {
                let rule = format!("the value of {name:?} must be at most 1000 bytes of text");
                return Err(DatabaseError::invalid("session", rule));
            }
        }
        Ok(())
    }

    /// Whether the server is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Debug for MysqlSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither who logs in nor where belongs into a log by accident.
        f.debug_struct("MysqlSettings")
            .field("tls", &self.tls)
            .field("limits", &self.limits)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> MysqlSettings {
        MysqlSettings::new("db.example", "reader", SecretString::from("hunter2"))
    }

    #[test]
    fn every_setting_is_checked() {
        #[track_caller]
        fn check(change: impl FnOnce(&mut MysqlSettings), expected: Option<&str>) {
            let mut changed = settings();
            change(&mut changed);
            let refused = changed.check().err().map(|error| error.to_string());
            assert_eq!(refused.as_deref().and_then(|text| text.split(':').next()), expected);
        }
        check(|_| {}, None);
        check(|s| s.host.clear(), Some("host"));
        check(|s| s.host = "user:pw@host".into(), Some("host"));
        check(|s| s.user.clear(), Some("user"));
        check(|s| s.database = Some(String::new()), Some("database"));
        check(|s| s.time_zone = "x'; DROP TABLE t; --".into(), Some("time_zone"));
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        check(|s| s.session = pair("sort_buffer_size", "1"), None);
        check(|s| s.session = pair("SQL_MODE", "x"), Some("session"));
        check(|s| s.session = pair("tx_read_only", "0"), Some("session"));
        check(|s| s.session = pair("character_set_client", "gbk"), Some("session"));
        check(|s| s.session = pair("a = 1, b", "x"), Some("session"));
        check(|s| s.allow_functions = vec!["f".into()], Some("allow_functions"));
        check(|s| s.max_row_bytes = 1, Some("max_row_bytes"));
        check(|s| s.pool.max = 0, Some("max_connections"));
        check(|s| s.connect_timeout = Duration::ZERO, Some("connect_timeout"));
    }

    #[test]
    fn credentials_have_no_text() {
        let text = format!("{:?}", settings());
        for secret in ["hunter2", "reader", "db.example"] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (host, loopback) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("LOCALHOST", true),
            ("10.0.0.1", false),
            ("127.evil.example", false),
        ] {
            let settings = MysqlSettings { host: host.into(), ..settings() };
            assert_eq!(settings.is_loopback(), loopback, "{host}");
        }
    }
}
