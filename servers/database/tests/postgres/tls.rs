//! A server is believed only with a certificate of a known authority.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use wharf_database::engine::Engine as _;
use wharf_database::error::DatabaseError;
use wharf_database::postgres::{Postgres, PostgresSettings, SecretUrl, Server, TlsMode};
use wharf_database::request::QueryRequest;

use super::support::services::{address, postgres_url, variable};

const RIGHT: Option<&str> = Some("WHARF_TEST_POSTGRES_CA");

/// The server under an address that its certificate does not name.
async fn elsewhere() -> SocketAddr {
    let server = address(&postgres_url());
    let listener = TcpListener::bind("127.0.0.9:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    here
}

async fn is_encrypted(
    mode: TlsMode,
    authority: Option<&str>,
    at: SocketAddr,
) -> Result<bool, DatabaseError> {
    let mut settings = PostgresSettings::from_url(&SecretUrl(&postgres_url())).unwrap();
    settings.server = Server::Tcp { host: at.ip().to_string(), port: at.port() };
    settings.tls.mode = mode;
    settings.tls.root_certificates = authority.map(|name| variable(name).into());
    let database = Postgres::open(settings)?;
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let result = database.query(QueryRequest::new(sql)).await?;
    database.close().await;
    Ok(serde_json::to_string(&result.rows).unwrap() == "[[true]]")
}

#[tokio::test]
async fn encryption_follows_the_mode() {
    let here = address(&postgres_url());
    assert_eq!(is_encrypted(TlsMode::Disable, None, here).await, Ok(false));
    assert_eq!(is_encrypted(TlsMode::Prefer, None, here).await, Ok(true));
    assert_eq!(is_encrypted(TlsMode::VerifyCa, RIGHT, here).await, Ok(true));
    assert_eq!(is_encrypted(TlsMode::VerifyFull, RIGHT, here).await, Ok(true));
    assert_eq!(is_encrypted(TlsMode::DangerUnverified, None, here).await, Ok(true));
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_before_the_login() {
    let here = address(&postgres_url());
    for mode in [TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let error = is_encrypted(mode, Some("WHARF_TEST_OTHER_CA"), here).await.unwrap_err();
        assert!(error.to_string().contains("could not be verified"), "{error:?}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_unless_only_the_authority_counts() {
    let there = elsewhere().await;
    assert!(is_encrypted(TlsMode::VerifyFull, RIGHT, there).await.is_err());
    assert_eq!(is_encrypted(TlsMode::VerifyCa, RIGHT, there).await, Ok(true));
}
