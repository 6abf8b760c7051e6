//! TLS by configuration: rustls with aws-lc, TLS 1.2 and 1.3.

use std::{path::PathBuf, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// Where the certificate and its key are, as PEM files.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// The certificate and its chain, leaf first.
    pub cert: PathBuf,
    /// Its private key (PKCS #8, PKCS #1 or SEC1).
    pub key: PathBuf,
}

/// Why TLS can't be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read, or is not PEM.
    #[error("the {what} {path} can't be used: {error}")]
    File {
        /// Which of the two.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// Why.
        error: rustls::pki_types::pem::Error,
    },
    /// The two do not fit each other, or can't be used.
    #[error("the certificate and key can't be used together: {0}")]
    Pair(#[from] rustls::Error),
}

impl TlsSettings {
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let file = |what, path: &PathBuf| {
            let path = path.clone();
            move |error| TlsError::File { what, path, error }
        };
        let certs = CertificateDer::pem_file_iter(&self.cert)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(file("certificate", &self.cert))?;
        let key =
            PrivateKeyDer::from_pem_file(&self.key).map_err(file("private key", &self.key))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certs, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
