//! Opens sessions and sends cancellations to the server.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::{CancelToken, Client, Config, Connection};
use tokio_util::task::TaskTracker;

use super::failure;
use super::session::Session;
use super::settings::{PostgresSettings, Server};
use super::statements::{Counters, Statements};
use super::stream::{BoundedStream, Carrier, Ready};
use super::tls::{Encrypted, Encryption, TlsFailure};
use super::wire::Wire;
use crate::error::DatabaseError;

/// How long the server may take to take note of a cancellation.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);
/// Sessions that this program lost end on the server this much later than any statement may last.
const ORPHAN_MARGIN: Duration = Duration::from_secs(30);

pub(super) type RawConnection = Connection<BoundedStream, BoundedStream>;

/// Knows where the server is and how to log in.
pub(super) struct Connector {
    settings: PostgresSettings,
    encryption: Encryption,
    options: String,
}

impl Connector {
    pub(super) fn new(settings: PostgresSettings) -> Result<Self, DatabaseError> {
        settings.check()?;
        let encryption = Encryption::new(&settings.tls)?;
        let options = startup_options(&settings);
        Ok(Self { settings, encryption, options })
    }

    pub(super) fn settings(&self) -> &PostgresSettings {
        &self.settings
    }

    /// Opens a session; `tasks` owns the task that will say goodbye.
    pub(super) async fn open(
        &self,
        tasks: &TaskTracker,
        counters: &Arc<Counters>,
    ) -> Result<Session, DatabaseError> {
        let opened = self.log_in(tasks, counters);
        match tokio::time::timeout(self.settings.connect_timeout, opened).await {
            Ok(opened) => opened,
            Err(_elapsed) => Err(DatabaseError::Unavailable {
                reason: "the server did not complete the login in time".into(),
                detail: format!("no login within {:?}", self.settings.connect_timeout),
            }),
        }
    }

    async fn log_in(
        &self,
        tasks: &TaskTracker,
        counters: &Arc<Counters>,
    ) -> Result<Session, DatabaseError> {
        let (client, connection) = self.connect().await?;
        let version = connection.parameter("server_version").and_then(major_version).unwrap_or(0);
        let superuser = connection.parameter("is_superuser") == Some("on");
        let statements = Statements::new(self.settings.pool.statement_cache, Arc::clone(counters));
        let wire = Wire::new(connection, tasks.clone());
        Ok(Session::new(client, wire, statements, version, superuser))
    }

    /// A connection whose bytes the caller moves.
    pub(super) async fn connect(&self) -> Result<(Client, RawConnection), DatabaseError> {
        let stream = self.dial().await.map_err(|error| unreachable(&error))?;
        let mut config = Config::new();
        config.user(&self.settings.user).dbname(&self.settings.database).options(&self.options);
        if !self.settings.session.contains_key("application_name") {
            config.application_name("wharf");
        }
        if let Some(password) = &self.settings.password {
            config.password(password.expose_secret());
        }
        // The stream is already as encrypted as it will be; see `Ready`.
        config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        let opened = config.connect_raw(stream, Ready).await;
        opened.map_err(|error| failure::login(&error))
    }

    /// Asks the server to stop what a session runs, and returns when the server has taken note.
    pub(super) async fn cancel(&self, token: &CancelToken) -> io::Result<()> {
        let cancelling = async {
            let mut stream =
                self.dial().await.map_err(|error| io::Error::other(error.to_string()))?;
            token.cancel_query_raw(&mut stream, Ready).await.map_err(io::Error::other)?;
            // The server closes the stream behind the signal, so that it cannot hit the next statement.
            let mut end = [0; 1];
            let _ = stream.read(&mut end).await;
            Ok(())
        };
        match tokio::time::timeout(CANCEL_PATIENCE, cancelling).await {
            Ok(done) => done,
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    async fn dial(&self) -> Result<BoundedStream, TlsFailure> {
        let carrier = match &self.settings.server {
            Server::Unix(path) => Carrier::Unix(UnixStream::connect(path).await?),
            Server::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                // Without it small messages wait for each other's acknowledgement.
                stream.set_nodelay(true)?;
                match self.encryption.begin(stream, host).await? {
                    Encrypted::No(stream) => Carrier::Tcp(stream),
                    Encrypted::Yes(stream) => Carrier::Tls(stream),
                }
            }
        };
        Ok(BoundedStream::new(carrier, self.settings.max_message_bytes))
    }
}

fn unreachable(error: &TlsFailure) -> DatabaseError {
    let reason = match error {
        TlsFailure::NotOffered => "the server offers no encryption, which the settings require",
        TlsFailure::Name => {
            "the host's name cannot be verified against a certificate; use a DNS name or an address"
        }
        TlsFailure::Handshake(_) => {
            "the encrypted connection could not be verified; check root_certificates and the host's name"
        }
        TlsFailure::Io(_) => "the server cannot be reached",
    };
    DatabaseError::Unavailable { reason: reason.into(), detail: error.to_string() }
}

fn major_version(text: &str) -> Option<u32> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok()
}

/// The settings of every session, as the server reads them from `options`: words, with a backslash before what would end one.
/// Given here, they are what `RESET ALL` goes back to.
fn startup_options(settings: &PostgresSettings) -> String {
    let longest = settings.limits.max_timeout + ORPHAN_MARGIN;
    let fixed = [
        ("standard_conforming_strings", "on".to_owned()),
        ("bytea_output", "hex".to_owned()),
        ("DateStyle", "ISO,MDY".to_owned()),
        ("IntervalStyle", "postgres".to_owned()),
        ("extra_float_digits", "1".to_owned()),
        ("TimeZone", settings.time_zone.clone()),
        ("xmlbinary", "base64".to_owned()),
        ("xmloption", "content".to_owned()),
        ("array_nulls", "on".to_owned()),
        ("quote_all_identifiers", "off".to_owned()),
        ("row_security", "on".to_owned()),
        ("default_transaction_read_only", "on".to_owned()),
        // Every row is wanted, so that a plan for the first few would be the wrong one.
        ("cursor_tuple_fraction", "1".to_owned()),
        ("client_min_messages", "warning".to_owned()),
        ("statement_timeout", longest.as_millis().to_string()),
        ("idle_in_transaction_session_timeout", longest.as_millis().to_string()),
        ("lock_timeout", settings.lock_timeout.as_millis().to_string()),
    ];
    let given = settings.session.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let mut options = String::new();
    for (name, value) in given.chain(fixed) {
        let _ = write!(options, "-c {name}=");
        for character in value.chars() {
            if character == '\\' || character.is_ascii_whitespace() {
                options.push('\\');
            }
            options.push(character);
        }
        options.push(' ');
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_settings_cannot_smuggle_others_in() {
        let server = Server::Tcp { host: "localhost".into(), port: 5432 };
        let mut settings = PostgresSettings::new(server, "d", "u");
        settings.session.insert("search_path".into(), "a -c x=\\y".into());
        assert!(startup_options(&settings).starts_with("-c search_path=a\\ -c\\ x=\\\\y -c "));
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(major_version("15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_version("17beta1"), Some(17));
        assert_eq!(major_version("x"), None);
    }
}
