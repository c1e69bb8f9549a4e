//! What is kept of a permission that an owner gave.

use super::{OAuthError, Provider};
use crate::secrets::Hidden;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// Who asks: the owner's own registration at the provider.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its id; not a secret, but the owner's.
    pub id: String,
    /// Its secret, where the provider gave one.
    pub secret: Option<SecretString>,
}

/// A permission: everything needed for an access token.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Where.
    pub provider: Provider,
    /// Who.
    pub client: Client,
    /// With what.
    pub refresh_token: SecretString,
}

/// The JSON form in the secrets file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    provider: Provider,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<Hidden>,
    refresh_token: Hidden,
}

impl Grant {
    /// As one secret.
    ///
    /// # Errors
    /// [`OAuthError::Store`].
    pub fn to_secret(&self) -> Result<SecretString, OAuthError> {
        let copy = |s: &SecretString| Hidden::from(s.expose_secret());
        let stored = Stored {
            provider: self.provider.clone(),
            client_id: self.client.id.clone(),
            client_secret: self.client.secret.as_ref().map(copy),
            refresh_token: copy(&self.refresh_token),
        };
        let text = serde_json::to_string(&stored).map_err(|_| OAuthError::Store("it has no JSON form".to_owned()))?;
        Ok(SecretString::from(text))
    }

    /// Reads [`Grant::to_secret`].
    ///
    /// # Errors
    /// [`OAuthError::Store`], which repeats nothing of the text.
    pub fn from_secret(secret: &SecretString) -> Result<Self, OAuthError> {
        let stored: Stored = serde_json::from_str(secret.expose_secret()).map_err(|_| OAuthError::Store("it is damaged".to_owned()))?;
        let take = |s: Hidden| SecretString::from(&*s);
        Ok(Self {
            provider: stored.provider,
            client: Client { id: stored.client_id, secret: stored.client_secret.map(take) },
            refresh_token: take(stored.refresh_token),
        })
    }

    /// Whether the other one holds the same refresh token.
    pub(super) fn same_token(&self, other: &Self) -> bool {
        self.refresh_token.expose_secret() == other.refresh_token.expose_secret()
    }
}

/// Where a grant is kept. Both calls may block.
pub trait GrantStore: Send + Sync {
    /// The grant as it is kept now; another program may have renewed it.
    ///
    /// # Errors
    /// [`OAuthError::Store`].
    fn load(&self) -> Result<Grant, OAuthError>;
    /// Keeps it, durably when this returns.
    ///
    /// # Errors
    /// [`OAuthError::Store`].
    fn save(&self, grant: &Grant) -> Result<(), OAuthError>;
}

/// A grant in memory, until the mailbox it is for was tried.
#[derive(Debug)]
pub struct HeldGrant(Mutex<Grant>);

impl HeldGrant {
    /// Holds it.
    #[must_use]
    pub fn new(grant: Grant) -> Self {
        Self(Mutex::new(grant))
    }
}

impl GrantStore for HeldGrant {
    fn load(&self) -> Result<Grant, OAuthError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
    fn save(&self, grant: &Grant) -> Result<(), OAuthError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = grant.clone();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_survives_its_secret_and_never_shows() {
        let client = Client { id: "id".into(), secret: Some("hunter2".to_owned().into()) };
        let provider = Provider::find("google").expect("known");
        let grant = Grant { provider, client, refresh_token: "hunter3".to_owned().into() };
        let back = Grant::from_secret(&grant.to_secret().expect("written")).expect("read");
        assert!(back.same_token(&grant) && back.provider == grant.provider);
        assert_eq!(back.client.secret.as_ref().expect("kept").expose_secret(), "hunter2");
        assert!(!format!("{back:?}{:?}", HeldGrant::new(back.clone())).contains("hunter"));
        let damaged = Grant::from_secret(&"{\"hunter4\":1}".to_owned().into()).expect_err("damaged");
        assert!(!format!("{damaged} {damaged:?}").contains("hunter"));
    }
}
