//! Connections that break on the way, slow log-ins, and certificates.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use wharf_database::error::ErrorKind;
use wharf_database::mysql::{Database, MysqlSettings, Tls};

use super::fixture::{Fixture, query, rows, until_idle, within};
use super::support::proxy::{End, Moment, Proxy};
use super::support::services::{address, variable};

async fn through(proxy: &Proxy, fixture: &Fixture) -> MysqlSettings {
    let mut settings = fixture.reader().await;
    settings.host = proxy.address().ip().to_string();
    settings.port = proxy.address().port();
    settings
}

#[tokio::test]
async fn a_connection_that_is_reset_fails_its_call_and_no_other() {
    let fixture = Fixture::new().await;
    let proxy = Proxy::to(address(&fixture.url)).await;
    let database = Database::open(through(&proxy, &fixture).await).unwrap();
    for end in [End::Reset, End::Cut] {
        rows(&database, "SELECT 1").await;
        until_idle(&database).await;
        // Idle connections that broke are replaced without anybody seeing it.
        proxy.end_all(end);
        assert_eq!(rows(&database, "SELECT 2").await, json!([[2]]));
        until_idle(&database).await;
        // In the middle of a statement the caller must be told.
        let running = fixture.keep_busy(&database).await;
        proxy.end_all(end);
        let error = within(Duration::from_secs(10), running).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        until_idle(&database).await;
        fixture.until_busy(0).await;
        assert_eq!(rows(&database, "SELECT 3").await, json!([[3]]));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_at_the_rollback_costs_nobody_an_answer() {
    let fixture = Fixture::new().await;
    let proxy = Proxy::to(address(&fixture.url)).await;
    let database = Database::open(through(&proxy, &fixture).await).unwrap();
    proxy.end_at(b"ROLLBACK", Moment::Before, End::Reset);
    assert_eq!(rows(&database, "SELECT 1").await, json!([[1]]));
    until_idle(&database).await;
    assert!(!proxy.is_armed(), "the connection broke where it should");
    assert_eq!(rows(&database, "SELECT 2").await, json!([[2]]));
}

#[tokio::test]
async fn a_slow_log_in_is_a_typed_error() {
    let fixture = Fixture::new().await;
    let proxy = Proxy::to(address(&fixture.url)).await;
    proxy.delay_greetings(Duration::from_secs(600));
    let database = Database::open(through(&proxy, &fixture).await).unwrap();
    // Nothing but the clock is waited for.
    tokio::time::pause();
    let error = query(&database, "SELECT 1").await.unwrap_err();
    tokio::time::resume();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("logging in"), "{error}");
    proxy.delay_greetings(Duration::ZERO);
    assert_eq!(rows(&database, "SELECT 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_wrong_password_is_told_without_naming_it() {
    let fixture = Fixture::new().await;
    let mut settings = fixture.reader().await;
    settings.password = SecretString::from("hunter2");
    let database = Database::open(settings).unwrap();
    let error = query(&database, "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = format!("{error} {error:?}");
    assert!(text.contains("password"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains(&fixture.name), "{text}");
}

#[tokio::test]
async fn a_certificate_must_be_valid_and_name_the_host_unless_both_are_waived() {
    let fixture = Fixture::new().await;
    let reader = fixture.reader().await;
    let (ours, other) = (variable("WHARF_TEST_MYSQL_CA"), variable("WHARF_TEST_OTHER_CA"));
    // The certificate names this machine, but not by its second address.
    let cases = [
        (Tls::Verify, "127.0.0.1", Some(&ours), true),
        (Tls::Verify, "127.0.0.1", Some(&other), false),
        (Tls::Verify, "127.0.0.1", None, false),
        (Tls::Verify, "127.0.0.2", Some(&ours), false),
        (Tls::DangerUnverified, "127.0.0.2", Some(&other), true),
        (Tls::DangerUnverified, "127.0.0.1", None, true),
        (Tls::DangerPreferred, "127.0.0.1", None, true),
    ];
    for (tls, host, authority, expected) in cases {
        let mut settings = reader.clone();
        settings.tls = tls;
        settings.host = host.into();
        settings.root_certificates = authority.map(PathBuf::from);
        let database = Database::open(settings).unwrap();
        let answer = query(&database, "SHOW STATUS LIKE 'Ssl_version'").await;
        match (answer, expected) {
            (Ok(result), true) => {
                let json = serde_json::to_value(&result.rows).unwrap();
                assert!(
                    json[0][1].as_str().unwrap().starts_with("TLSv1."),
                    "{tls:?} {host}: {json}"
                );
            }
            (Err(error), false) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                assert!(error.to_string().contains("certificate"), "{error}");
            }
            (found, _) => panic!("{tls:?} {host} {authority:?}: {found:?}"),
        }
    }
    let plain = Database::open(reader).unwrap();
    assert_eq!(rows(&plain, "SHOW STATUS LIKE 'Ssl_version'").await, json!([["Ssl_version", ""]]));
}
