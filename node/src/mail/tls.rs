//! TLS for mail: always verified, system roots plus an optional file, ring provider.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, CertificateError, ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::connect::ConnectError;

/// A verified TLS client for one set of roots. Cheap to clone; building one reads the system's roots.
#[derive(Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClient")
    }
}

impl TlsClient {
    /// The system's roots and those of `ca_file`.
    ///
    /// # Errors
    /// [`ConnectError::CaFile`] when the file can't be read or holds no certificate.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, ConnectError> {
        let mut roots = RootCertStore::empty();
        // Broken certificates of the system are left out; trust in the rest is not lessened by that.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = ca_file {
            let bad = |why: String| ConnectError::CaFile { why };
            let certs = CertificateDer::pem_file_iter(path)
                .map_err(|e| bad(e.to_string()))?
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| bad(e.to_string()))?;
            if certs.is_empty() {
                return Err(bad("no certificate in the file".to_owned()));
            }
            for cert in certs {
                roots.add(cert).map_err(|e| bad(e.to_string()))?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| ConnectError::Tls { why: e.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config) })
    }

    /// The handshake over `tcp`, verifying `host`. The caller sets the time-out.
    ///
    /// # Errors
    /// [`ConnectError`] that tells an untrusted, expired or misnamed certificate apart.
    pub(crate) async fn handshake(&self, host: &str, tcp: TcpStream) -> Result<TlsStream<TcpStream>, ConnectError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::BadHostName)?;
        TlsConnector::from(self.config.clone()).connect(name, tcp).await.map_err(|e| classify(&e))
    }
}

/// The clients of many mailboxes: those with the same roots share one, and its tickets.
#[derive(Debug, Default)]
pub struct TlsClients(BTreeMap<Option<PathBuf>, TlsClient>);

impl TlsClients {
    /// The client with the system's roots and those of `ca_file`, made when it is first asked for.
    ///
    /// # Errors
    /// As [`TlsClient::new`].
    pub fn get(&mut self, ca_file: Option<&Path>) -> Result<TlsClient, ConnectError> {
        let key = ca_file.map(Path::to_path_buf);
        if let Some(client) = self.0.get(&key) {
            return Ok(client.clone());
        }
        let client = TlsClient::new(ca_file)?;
        self.0.insert(key, client.clone());
        Ok(client)
    }
}

/// The kind of failure behind a handshake's I/O error.
fn classify(error: &io::Error) -> ConnectError {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::ApplicationVerificationFailure => {
                ConnectError::UntrustedCertificate
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => ConnectError::WrongName,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => ConnectError::ExpiredCertificate,
            // A self-signed server certificate that is itself a CA ends here.
            CertificateError::Other(_) => ConnectError::UntrustedCertificate,
            other => ConnectError::Tls { why: format!("{other:?}") },
        },
        Some(other) => ConnectError::Tls { why: other.to_string() },
        None => ConnectError::from_io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_empty_root_file_is_named() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("ca.pem");
        assert!(matches!(TlsClient::new(Some(&path)), Err(ConnectError::CaFile { .. })));
        std::fs::write(&path, "nothing here\n").expect("write");
        assert!(matches!(TlsClient::new(Some(&path)), Err(ConnectError::CaFile { .. })));
    }

    #[test]
    fn mailboxes_with_the_same_roots_share_a_client() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let made = rcgen::generate_simple_self_signed(vec!["mx.a.test".to_owned()]).expect("certificate");
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, made.cert.pem()).expect("write");
        let mut clients = TlsClients::default();
        let mut get = |ca: Option<&Path>| clients.get(ca).expect("roots").config;
        let (first, own, again) = (get(None), get(Some(&path)), get(None));
        assert!(Arc::ptr_eq(&first, &again) && !Arc::ptr_eq(&first, &own));
    }

    #[test]
    fn certificate_errors_are_told_apart() {
        let wrap = |e: CertificateError| classify(&io::Error::other(rustls::Error::InvalidCertificate(e)));
        assert_eq!(wrap(CertificateError::UnknownIssuer), ConnectError::UntrustedCertificate);
        assert_eq!(wrap(CertificateError::NotValidForName), ConnectError::WrongName);
        assert_eq!(wrap(CertificateError::Expired), ConnectError::ExpiredCertificate);
    }
}
