//! DKIM: one Ed25519 key a domain, published in DNS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;

/// The selector of every key.
pub const SELECTOR: &str = "wn";

/// A domain's key.
pub struct DomainKey {
    pkcs8: Vec<u8>,
    /// The TXT record at `<selector>._domainkey.<domain>`.
    pub record: String,
}

impl DomainKey {
    /// A new key.
    ///
    /// # Errors
    /// Plain words.
    pub fn generate() -> Result<Self, String> {
        let pkcs8 = Ed25519Key::generate_pkcs8().map_err(|e| e.to_string())?;
        let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(&pkcs8).map_err(|e| e.to_string())?;
        let record = format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(key.public_key()));
        Ok(Self { pkcs8, record })
    }

    /// The signature field of a mail, with its line end.
    ///
    /// # Errors
    /// Plain words.
    pub fn sign(&self, domain: &str, raw: &[u8]) -> Result<String, String> {
        let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(&self.pkcs8).map_err(|e| e.to_string())?;
        let signer = DkimSigner::from_key(key).domain(domain).selector(SELECTOR).headers(["From", "To", "Subject", "Date", "Message-ID"]);
        signer.sign(raw).map(|s| s.to_header()).map_err(|e| e.to_string())
    }
}
