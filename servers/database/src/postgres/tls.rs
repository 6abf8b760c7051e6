//! Encryption of the connections to a server.
//!
//! The certificate is verified wherever encryption is required. libpq's `require` does not verify; here a connection that
//! does not verify must be asked for by its dangerous name, because a password goes over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
};

use crate::error::DatabaseError;

/// How far a connection is encrypted and its server verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TlsMode {
    /// No encryption: for Unix sockets and loopback.
    Disable,
    /// Encryption when the server offers it. Nothing is verified, so that this protects from no active attacker.
    #[default]
    Prefer,
    /// Encryption, and a certificate from a known authority whatever name it carries.
    VerifyCa,
    /// Encryption, and a certificate from a known authority for the host's name. `require` means this too.
    VerifyFull,
    /// Encryption without verification: whoever answers gets the password exchange and every row.
    DangerUnverified,
}

impl TlsMode {
    /// The mode for libpq's word. `require` verifies here.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] lists the words.
    pub fn from_sslmode(word: &str) -> Result<Self, DatabaseError> {
        Ok(match word {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "verify-ca" => Self::VerifyCa,
            "require" | "verify-full" => Self::VerifyFull,
            "danger-unverified" => Self::DangerUnverified,
            _ => {
                let rule =
                    "must be disable, prefer, require, verify-ca, verify-full or danger-unverified";
                return Err(DatabaseError::invalid("sslmode", rule));
            }
        })
    }
}

/// Encryption of the connections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsSettings {
    /// How far.
    pub mode: TlsMode,
    /// The authorities to trust, as a PEM file; otherwise those of the operating system.
    pub root_certificates: Option<PathBuf>,
}

/// What a connection needs to be encrypted, read once.
pub(super) struct Encryption {
    mode: TlsMode,
    connector: Option<TlsConnector>,
}

impl Encryption {
    pub(super) fn new(settings: &TlsSettings) -> Result<Self, DatabaseError> {
        let connector = match settings.mode {
            TlsMode::Disable => None,
            mode => Some(TlsConnector::from(Arc::new(client_config(mode, settings)?))),
        };
        Ok(Self { mode: settings.mode, connector })
    }

    /// Encrypts a fresh connection if the settings and the server want it.
    pub(super) async fn begin(
        &self,
        mut stream: TcpStream,
        host: &str,
    ) -> Result<Encrypted, TlsFailure> {
        /// `SSLRequest` of the protocol: a length and a number that no version has.
        const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
        let Some(connector) = &self.connector else { return Ok(Encrypted::No(stream)) };
        stream.write_all(&SSL_REQUEST).await?;
        let mut answer = [0];
        stream.read_exact(&mut answer).await?;
        match (answer[0], self.mode) {
            (b'S', _) => {}
            (b'N', TlsMode::Prefer) => return Ok(Encrypted::No(stream)),
            _ => return Err(TlsFailure::NotOffered),
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsFailure::Name)?;
        let stream = connector.connect(name, stream).await.map_err(TlsFailure::Handshake)?;
        Ok(Encrypted::Yes(Box::new(stream)))
    }
}

pub(super) enum Encrypted {
    No(TcpStream),
    Yes(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// Why a connection is not encrypted.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsFailure {
    #[error("the server offers no encryption")]
    NotOffered,
    #[error("the host is no name that a certificate can carry")]
    Name,
    #[error("the handshake failed: {0}")]
    Handshake(std::io::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

fn client_config(mode: TlsMode, settings: &TlsSettings) -> Result<ClientConfig, DatabaseError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| DatabaseError::internal(error.to_string()))?;
    let config = match mode {
        TlsMode::VerifyFull => builder.with_root_certificates(roots(settings)?),
        TlsMode::VerifyCa => {
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots(settings)?), provider)
                    .build()
                    .map_err(|error| DatabaseError::internal(error.to_string()))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName(verifier)))
        }
        TlsMode::Disable | TlsMode::Prefer | TlsMode::DangerUnverified => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        }
    };
    Ok(config.with_no_client_auth())
}

fn roots(settings: &TlsSettings) -> Result<RootCertStore, DatabaseError> {
    let mut store = RootCertStore::empty();
    match &settings.root_certificates {
        Some(path) => read_roots(path, &mut store)?,
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        let rule = "there is no authority to verify the server with; name a PEM file";
        return Err(DatabaseError::invalid("root_certificates", rule));
    }
    Ok(store)
}

fn read_roots(path: &Path, store: &mut RootCertStore) -> Result<(), DatabaseError> {
    let rule = "must be a readable PEM file with certificates";
    let unreadable = || DatabaseError::invalid("root_certificates", rule);
    for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
        store.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    }
    Ok(())
}

/// Verifies the chain and lets any name pass.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        // The name is looked at after the chain, so that only a verified chain can fail by its name.
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Verifies nothing but that the server holds the key of the certificate it shows.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn require_verifies() {
        assert_eq!(TlsMode::from_sslmode("require"), Ok(TlsMode::VerifyFull));
        assert!(TlsMode::from_sslmode("allow").is_err());
    }

    #[test]
    fn a_missing_or_empty_file_of_authorities_is_refused_before_any_connection() {
        let directory = tempfile::tempdir().unwrap();
        let empty = directory.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        for path in [directory.path().join("missing.pem"), empty] {
            let settings = TlsSettings { mode: TlsMode::VerifyFull, root_certificates: Some(path) };
            assert!(Encryption::new(&settings).is_err());
        }
    }
}
