//! TLS by configuration: served with a certificate, refused with files that can't be used, and never plain beside it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use wharf::transport::http::{Http, HttpSettings, ListenError, TlsSettings};

use crate::{
    wire::{Request, Site},
    world::{PATIENCE, World},
};

/// Made for these tests, for localhost and 127.0.0.1; it protects nothing.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

fn http(cert: &str, key: &str, change: impl FnOnce(&mut HttpSettings)) -> Http {
    let mut settings = HttpSettings::default();
    change(&mut settings);
    let tls = TlsSettings { cert: file(cert), key: file(key) };
    Http::new(settings).service(World::new().service).tls(tls)
}

fn connector() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("cert.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn ask(site: &Site, request: &Request) -> String {
    let stream = tokio::net::TcpStream::connect(site.addr).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector().connect(name, stream).await.unwrap();
    let length = request.body.len();
    let mut bytes = request.clone().header("Content-Length", &length.to_string()).head();
    bytes.extend_from_slice(b"Connection: close\r\n\r\n");
    bytes.extend_from_slice(&request.body);
    stream.write_all(&bytes).await.unwrap();
    let mut answer = String::new();
    // Some servers end without a closing alert; what was read until then counts.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_certificate_makes_the_listener_speak_tls_only() {
    let site = Site::start(http("cert.pem", "key.pem", |_| {})).await;
    let request = Request::tool(1, "echo", serde_json::json!({"text": "over tls"}));
    let answer = ask(&site, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("over tls"), "{answer}");
    // Plain HTTP gets nothing that looks like an answer.
    let mut plain = tokio::net::TcpStream::connect(site.addr).await.unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut said)).await.unwrap();
    assert!(!said.starts_with(b"HTTP/"), "{said:?}");
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_loses_its_place() {
    let change = |settings: &mut HttpSettings| {
        settings.max_connections = 1;
        settings.header_timeout = Duration::from_millis(50);
    };
    let site = Site::start(http("cert.pem", "key.pem", change)).await;
    let mut silent = tokio::net::TcpStream::connect(site.addr).await.unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut said)).await.unwrap();
    let request = Request::tool(1, "echo", serde_json::json!({"text": "next"}));
    assert!(ask(&site, &request).await.contains("next"));
}

#[tokio::test]
async fn files_that_can_not_be_used_stop_the_start() {
    for (cert, key, says) in [
        ("missing.pem", "key.pem", "the certificate"),
        ("cert.pem", "missing.pem", "the private key"),
        ("cert.pem", "cert.pem", "the private key"),
        ("cert.pem", "other-key.pem", "can't be used together"),
    ] {
        let error = http(cert, key, |_| {}).bind("127.0.0.1:0".parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, ListenError::Tls(_)), "{error}");
        assert!(error.to_string().contains(says), "{cert} {key}: {error}");
    }
}
