//! A server is believed only with a certificate of a known authority.

use wharf_database::engine::Engine as _;
use wharf_database::error::DatabaseError;
use wharf_database::postgres::{Postgres, PostgresSettings, SecretUrl, Server, TlsMode};
use wharf_database::request::QueryRequest;

use super::support::services::{postgres_url, variable};

async fn is_encrypted(
    mode: TlsMode,
    authority: Option<&str>,
    host: &str,
) -> Result<bool, DatabaseError> {
    let mut settings = PostgresSettings::from_url(&SecretUrl(&postgres_url())).unwrap();
    let Server::Tcp { port, .. } = settings.server else { panic!("a TCP server is expected") };
    settings.server = Server::Tcp { host: host.into(), port };
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
    const RIGHT: Option<&str> = Some("WHARF_TEST_POSTGRES_CA");
    assert_eq!(is_encrypted(TlsMode::Disable, None, "127.0.0.1").await, Ok(false));
    assert_eq!(is_encrypted(TlsMode::Prefer, None, "127.0.0.1").await, Ok(true));
    assert_eq!(is_encrypted(TlsMode::VerifyCa, RIGHT, "127.0.0.1").await, Ok(true));
    assert_eq!(is_encrypted(TlsMode::VerifyFull, RIGHT, "127.0.0.1").await, Ok(true));
    assert_eq!(is_encrypted(TlsMode::DangerUnverified, None, "127.0.0.1").await, Ok(true));
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_before_the_login() {
    for mode in [TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let error = is_encrypted(mode, Some("WHARF_TEST_OTHER_CA"), "127.0.0.1").await.unwrap_err();
        assert!(error.to_string().contains("could not be verified"), "{error:?}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_unless_only_the_authority_counts() {
    const RIGHT: Option<&str> = Some("WHARF_TEST_POSTGRES_CA");
    // The loopback network has more addresses than the certificate names.
    assert!(is_encrypted(TlsMode::VerifyFull, RIGHT, "127.0.0.9").await.is_err());
    assert_eq!(is_encrypted(TlsMode::VerifyCa, RIGHT, "127.0.0.9").await, Ok(true));
}
