//! A certificate authority for one run, and the servers' certificate under it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What clients trust, and what servers show.
pub struct Tls {
    /// The authority's certificate in PEM.
    pub ca_pem: String,
    /// For all servers: its certificate names every host.
    pub acceptor: TlsAcceptor,
    /// For a client that trusts the authority and nobody else.
    pub connector: TlsConnector,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate can't be made.
    #[error("a certificate can't be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refuses it.
    #[error("TLS refuses its certificate: {0}")]
    Rustls(#[from] tokio_rustls::rustls::Error),
}

/// Makes both for these host names.
///
/// # Errors
/// [`TlsError`].
pub fn make(hosts: Vec<String>) -> Result<Tls, TlsError> {
    let mut ca = CertificateParams::new(vec![])?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    ca.distinguished_name.push(DnType::CommonName, "Warmnet emulator");
    let ca_key = KeyPair::generate()?;
    let authority = ca.self_signed(&ca_key)?;
    let ca_pem = authority.pem();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone())?;
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(hosts)?.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(Tls { ca_pem, acceptor: TlsAcceptor::from(Arc::new(config)), connector: TlsConnector::from(Arc::new(client)) })
}
