//! Where a provider's sign-in service is, and what is asked of it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use url::{Host, Url};

/// The shipped table.
const TABLE: &str = include_str!("../../data/oauth.toml");

/// Why a provider can't be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProviderError {
    /// Neither a known name nor a file.
    #[error("\"{0}\" is neither google, microsoft nor a readable file: {1}")]
    Unknown(String, String),
    /// The file's form.
    #[error("{0}")]
    Syntax(String),
    /// An address that would carry secrets in the clear.
    #[error("{key} must be an https address (http only at 127.0.0.1 or [::1])")]
    NotSecure {
        /// Which address.
        key: &'static str,
    },
}

/// Addresses and scopes of one provider. A copy stands in every grant, so that a grant is whole by itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Authorization endpoint, opened in the owner's browser.
    pub authorization: String,
    /// Token endpoint.
    pub token: String,
    /// Device authorization endpoint (RFC 8628), where the provider offers it for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Further parameters of the authorization request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// PEM file with further trusted roots, for a service of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl Provider {
    /// A provider of the shipped table, or else one described by a TOML file with the keys of this type.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub fn find(name: &str) -> Result<Self, ProviderError> {
        let mut table: BTreeMap<String, Self> = toml::from_str(TABLE).map_err(|e| ProviderError::Syntax(e.to_string()))?;
        let provider = match table.remove(name) {
            Some(known) => known,
            None => Self::read(Path::new(name))?,
        };
        provider.check()?;
        Ok(provider)
    }

    fn read(path: &Path) -> Result<Self, ProviderError> {
        let text = std::fs::read_to_string(path).map_err(|e| ProviderError::Unknown(path.display().to_string(), e.to_string()))?;
        toml::from_str(&text).map_err(|e| ProviderError::Syntax(format!("{}: {e}", path.display())))
    }

    fn check(&self) -> Result<(), ProviderError> {
        let all = [("authorization", Some(&self.authorization)), ("token", Some(&self.token)), ("device", self.device.as_ref())];
        for (key, address) in all {
            if address.is_some_and(|a| !secure(a)) {
                return Err(ProviderError::NotSecure { key });
            }
        }
        Ok(())
    }

    /// Scopes as the protocol writes them.
    pub(super) fn scope(&self) -> String {
        self.scopes.join(" ")
    }
}

/// HTTPS, or HTTP to this very machine (RFC 8252 section 8.3), and no user information that hides the host.
fn secure(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    scheme && url.host().is_some() && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_whole() {
        let google = Provider::find("google").expect("known");
        assert_eq!(google.scope(), "https://mail.google.com/");
        assert!(google.device.is_none() && google.parameters["access_type"] == "offline");
        let microsoft = Provider::find("microsoft").expect("known");
        assert!(microsoft.device.is_some() && microsoft.scope().ends_with("offline_access"));
        assert!(matches!(Provider::find("nobody"), Err(ProviderError::Unknown(..))));
    }

    #[test]
    fn secrets_never_go_in_the_clear() {
        for good in ["https://login.a.test/t", "http://127.0.0.1:8080/t", "http://[::1]/t"] {
            assert!(secure(good), "{good}");
        }
        for bad in [
            "http://login.a.test/t",
            "http://localhost/t",
            "http://127.0.0.1.a.test/",
            "ftp://127.0.0.1/",
            "https://u@a.test/",
            "t",
            "http://10.0.0.1/",
        ] {
            assert!(!secure(bad), "{bad}");
        }
    }
}
