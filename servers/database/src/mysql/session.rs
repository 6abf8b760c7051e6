//! One session with the server: pinned when it opens, inside a transaction while it works, reset before it
//! serves somebody else.
//!
//! Pinning fixes what decides how the server reads a statement (`sql_mode`, character set) and what it answers (time zone).
//! A reset (`COM_RESET_CONNECTION`) drops transactions, locks, variables, temporary tables and prepared statements.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, DriverError, Error, Opts, OptsBuilder, SslOpts};
use secrecy::ExposeSecret as _;

use super::failure;
use super::settings::{MysqlSettings, Tls};
use crate::error::DatabaseError;

/// Seconds by which the server's own time limit lies behind ours, which answers first.
const SERVER_MARGIN: Duration = Duration::from_secs(1);
/// How long closing, resetting and stopping may take before the connection is dropped as it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// None of these changes how the text is split.
const STRICT_MODE: &str = "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
                           NO_ENGINE_SUBSTITUTION";

/// Errors with which a commit ends that was not made: a lock that was lost to somebody else (Galera), a server that takes no
/// changes any more, and a refusal of group replication.
const ROLLED_BACK: &[u16] = &[1205, 1213, 1290, 1792, 1836, 3100, 3101];

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    MariaDb,
    MySql,
}

/// What a request wants of its session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// The time for the whole request.
    pub(super) timeout: Duration,
    /// Rows after which the server need not go on, for a query whose rows are counted by us.
    pub(super) rows: Option<usize>,
    pub(super) transaction: Transaction,
}

/// The transaction that a request happens in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    /// It only reads.
    ReadOnly,
    /// Tests try the other boundary alone.
    #[cfg(test)]
    Plain,
    /// It changes rows, strictly: what does not fit is an error, and references hold.
    Change,
}

/// One session.
pub(super) struct Session {
    pub(super) conn: Conn,
    pub(super) flavor: Flavor,
    pin: String,
}

/// How the driver is to connect. Neither a local file nor the server's socket is ever used.
pub(super) fn options(settings: &MysqlSettings) -> Opts {
    let verified = || {
        let roots: Vec<_> =
            settings.root_certificates.iter().map(|file| file.clone().into()).collect();
        let own = !roots.is_empty();
        SslOpts::default().with_root_certs(roots).with_disable_built_in_roots(own)
    };
    let tls = match settings.tls {
        Tls::Automatic if settings.is_loopback() => None,
        Tls::Automatic | Tls::Verify => Some(verified()),
        Tls::DangerUnverified | Tls::DangerPreferred => {
            Some(verified().with_danger_accept_invalid_certs(true))
        }
        Tls::DangerPlain => None,
    };
    OptsBuilder::default()
        .ip_or_hostname(settings.host.as_str())
        .tcp_port(settings.port)
        .user(Some(settings.user.as_str()))
        .pass(Some(settings.password.expose_secret()))
        .db_name(settings.database.as_deref())
        .ssl_opts(tls)
        .prefer_socket(false)
        .tcp_keepalive(Some(Duration::from_secs(60)))
        .max_allowed_packet(Some(settings.max_row_bytes))
        // Known in advance, so that the driver does not ask for it.
        .wait_timeout(Some(28_800))
        // UPDATE counts the rows that it found, also those that were as it makes them: their number would tell what is in
        // columns that the role may change and not read.
        .client_found_rows(settings.writes)
        // A reset forgets prepared statements.
        .stmt_cache_size(0)
        .into()
}

impl Session {
    /// Logs in and pins the session.
    pub(super) async fn open(opts: &Opts, settings: &MysqlSettings) -> Result<Self, DatabaseError> {
        let opening = async {
            let mut conn = connect(opts, settings.tls).await?;
            let version: Option<String> = conn.query_first("SELECT @@version").await?;
            let flavor = match version {
                Some(version) if version.contains("MariaDB") => Flavor::MariaDb,
                _ => Flavor::MySql,
            };
            let pin = pin(settings);
            conn.query_drop(&pin).await?;
            Ok(Self { conn, flavor, pin })
        };
        match tokio::time::timeout(settings.connect_timeout, opening).await {
            Ok(opened) => opened.map_err(|error| failure::of_connection(&error)),
            Err(_elapsed) => Err(DatabaseError::Unavailable {
                reason:
                    "logging in took too long; the operator should check that the server answers"
                        .into(),
                detail: "connect_timeout".into(),
            }),
        }
    }

    /// Begins the transaction that everything of a request happens in.
    pub(super) async fn begin(&mut self, terms: &Terms) -> mysql_async::Result<()> {
        let text = begin(self.flavor, terms);
        self.conn.query_drop(text).await
    }

    /// Commits the transaction. What the server does not say is [`DatabaseError::OutcomeUnknown`].
    pub(super) async fn commit(&mut self) -> Result<(), DatabaseError> {
        let reason = match self.conn.query_drop("COMMIT").await {
            Ok(()) => return Ok(()),
            Err(Error::Server(error)) if ROLLED_BACK.contains(&error.code) => {
                return Err(failure::of_change(&Error::Server(error)));
            }
            Err(Error::Server(error)) => {
                format!("the server answered the commit with error {}", error.code)
            }
            Err(_) => "the connection was lost while it was being committed".to_owned(),
        };
        Err(DatabaseError::OutcomeUnknown { reason })
    }

    /// Makes the session as good as new, or closes it.
    pub(super) async fn recycle(mut self) -> Option<Self> {
        let cleaning = async {
            self.conn.query_drop("ROLLBACK").await?;
            if !self.conn.reset().await? {
                self.conn.change_user(mysql_async::ChangeUserOpts::default()).await?;
            }
            self.conn.query_drop(&self.pin).await
        };
        match tokio::time::timeout(PATIENCE, cleaning).await {
            Ok(Ok(())) => Some(self),
            Ok(Err(_)) | Err(_) => {
                self.drop_now();
                None
            }
        }
    }

    /// Says good-bye to the server.
    pub(super) async fn close(self) {
        let _ = tokio::time::timeout(PATIENCE, self.conn.disconnect()).await;
    }

    /// Stops whatever the session does, from a session of its own, and closes it.
    pub(super) async fn stop(self, opts: &Opts, tls: Tls) {
        let id = self.conn.id();
        let killing = async {
            let mut control = connect(opts, tls).await?;
            let killed = control.query_drop(format!("KILL {id}")).await;
            control.disconnect().await?;
            killed
        };
        // If the server cannot be reached, it will notice the closed connection by itself.
        let _ = tokio::time::timeout(PATIENCE, killing).await;
        self.drop_now();
    }

    /// Drops a connection that the server has closed already.
    pub(super) fn stop_quietly(self) {
        self.drop_now();
    }

    /// Reads rows that nobody wants, for a while; false when there are too many of them.
    pub(super) async fn read_leftovers(&mut self, patience: Duration) -> bool {
        matches!(tokio::time::timeout(patience, self.conn.ping()).await, Ok(Ok(())))
    }

    /// Closes the connection as it stands, without reading what the server still sends.
    fn drop_now(mut self) {
        // The driver would read a pending result to its end in a task of nobody's. A command that is given up at once
        // makes it regard the connection as broken.
        let mut ping = self.conn.ping();
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        let _ = ping.as_mut().poll(&mut context);
    }
}

/// Logs in, encrypted where that is wanted.
async fn connect(opts: &Opts, tls: Tls) -> mysql_async::Result<Conn> {
    match Conn::new(opts.clone()).await {
        Err(Error::Driver(DriverError::NoClientSslFlagFromServer))
            if tls == Tls::DangerPreferred =>
        {
            Conn::new(OptsBuilder::from_opts(opts.clone()).ssl_opts(None)).await
        }
        connected => connected,
    }
}

/// The statement that pins a session. A driver's handshake is not enough: a reset takes its character set back.
fn pin(settings: &MysqlSettings) -> String {
    let mut text = format!(
        "SET NAMES utf8mb4, SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', \
         SESSION time_zone = '{}', SESSION autocommit = 1",
        settings.time_zone
    );
    for (name, value) in &settings.session {
        let number = value.parse::<f64>().is_ok_and(f64::is_finite);
        let value = match number {
            true => value.clone(),
            // Before the mode is set a backslash may escape or not; hexadecimal digits mean the same in both.
            false => format!("CONVERT(0x{} USING utf8mb4)", hexadecimal(value)),
        };
        text.push_str(&format!(", SESSION {name} = {value}"));
    }
    text
}

fn hexadecimal(text: &str) -> String {
    // The digits of nothing would be no number.
    if text.is_empty() {
        "20".into()
    } else {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The statements that begin a request, in one round trip.
fn begin(flavor: Flavor, terms: &Terms) -> String {
    let limit = terms.timeout + SERVER_MARGIN;
    let time = match flavor {
        Flavor::MariaDb => {
            format!("max_statement_time = {}.{:03}", limit.as_secs(), limit.subsec_millis())
        }
        Flavor::MySql => format!("max_execution_time = {}", limit.as_millis()),
    };
    // Shorter than the whole, so that a lock in the way is told from a statement that is slow.
    let lock = (terms.timeout.as_secs() / 2).clamp(1, 10);
    let rows = terms.rows.map_or_else(|| "DEFAULT".to_owned(), |rows| rows.to_string());
    let transaction = match terms.transaction {
        // The session's own mode too: a procedure that commits is then in another read-only transaction.
        Transaction::ReadOnly => {
            "SET SESSION TRANSACTION READ ONLY; START TRANSACTION READ ONLY".to_owned()
        }
        #[cfg(test)]
        Transaction::Plain => "START TRANSACTION".to_owned(),
        Transaction::Change => begin_change(flavor, lock),
    };
    format!(
        "SET SESSION {time}, SESSION lock_wait_timeout = {lock}, SESSION sql_select_limit = {rows}; {transaction}"
    )
}

/// Behind the operator's own settings: values that do not fit are errors and no warnings, references and checks hold, and a
/// commit neither begins another transaction nor ends the session.
fn begin_change(flavor: Flavor, lock: u64) -> String {
    let checks = match flavor {
        Flavor::MariaDb => ", SESSION check_constraint_checks = 1",
        Flavor::MySql => "",
    };
    format!(
        "SET SESSION sql_mode = '{STRICT_MODE}', SESSION innodb_lock_wait_timeout = {lock}, SESSION foreign_key_checks = 1, \
         SESSION unique_checks = 1, SESSION completion_type = 0, SESSION max_error_count = 64{checks}; \
         SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION READ WRITE"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_session_variables_stay_values() {
        let mut settings = MysqlSettings::new("h", "u", secrecy::SecretString::from("p"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        settings.session = vec![pair("a", "64"), pair("b", "o'n"), pair("c", "1, x")];
        let text = pin(&settings);
        let values = ", SESSION a = 64, SESSION b = CONVERT(0x6f276e USING utf8mb4), \
                      SESSION c = CONVERT(0x312c2078 USING utf8mb4)";
        assert!(text.ends_with(values), "{text}");
    }

    #[test]
    fn each_server_gets_its_own_time_limit() {
        let terms = Terms {
            timeout: Duration::from_millis(1_500),
            rows: Some(101),
            transaction: Transaction::ReadOnly,
        };
        assert_eq!(
            begin(Flavor::MariaDb, &terms),
            "SET SESSION max_statement_time = 2.500, SESSION lock_wait_timeout = 1, SESSION sql_select_limit = 101; \
             SET SESSION TRANSACTION READ ONLY; START TRANSACTION READ ONLY"
        );
        let rest = Terms { rows: None, ..terms };
        assert!(begin(Flavor::MySql, &rest).starts_with("SET SESSION max_execution_time = 2500,"));
        assert!(begin(Flavor::MySql, &rest).contains("sql_select_limit = DEFAULT"));
        let change = Terms { transaction: Transaction::Change, ..rest };
        assert!(begin(Flavor::MariaDb, &change).contains("check_constraint_checks = 1"));
        assert!(!begin(Flavor::MySql, &change).contains("check_constraint_checks"));
        assert!(begin(Flavor::MySql, &change).ends_with("; START TRANSACTION READ WRITE"));
    }
}
