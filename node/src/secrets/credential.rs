//! What a mailbox signs in with, in the secrets file: `mailbox:<address>` is a password, `oauth:<address>` a grant.

use super::unlock::Key;
use super::{Secrets, SecretsError, Values, lock, read, write};
use crate::mail::{Credential, Login};
use crate::oauth::{Bearer, Grant, GrantStore, HeldGrant, OAuthError};
use secrecy::{ExposeSecret as _, SecretString};
use std::path::PathBuf;
use std::sync::Arc;

fn password_name(address: &str) -> String {
    format!("mailbox:{}", address.to_ascii_lowercase())
}

fn grant_name(address: &str) -> String {
    format!("oauth:{}", address.to_ascii_lowercase())
}

/// What a new mailbox signs in with, before it is kept.
#[derive(Clone, Debug)]
pub enum NewCredential {
    /// A password.
    Password(SecretString),
    /// A grant; trying it may renew it.
    Grant(Arc<HeldGrant>),
}

impl NewCredential {
    /// To try it.
    #[must_use]
    pub fn login(&self, user: &str) -> Login {
        let password = match self {
            Self::Password(password) => Credential::Password(password.clone()),
            Self::Grant(grant) => Credential::OAuth(Bearer::new(grant.clone())),
        };
        Login { user: user.to_owned(), password }
    }
}

impl Secrets {
    /// What a mailbox signs in with; `None`: nothing is kept.
    ///
    /// # Errors
    /// [`SecretsError::Corrupt`] for a grant that can't be read.
    pub fn credential(&self, address: &str) -> Result<Option<Credential>, SecretsError> {
        let name = grant_name(address);
        if let Some(grant) = self.get(&name) {
            Grant::from_secret(&grant).map_err(|_| SecretsError::Corrupt { path: self.path.clone() })?;
            let store = FileGrant { path: self.path.clone(), key: self.key.clone(), name };
            return Ok(Some(Credential::OAuth(Bearer::new(Arc::new(store)))));
        }
        Ok(self.get(&password_name(address)).map(Credential::Password))
    }

    /// Sets it, instead of the other kind; [`Secrets::save`] makes it last.
    ///
    /// # Errors
    /// [`SecretsError::Corrupt`] for a grant that has no written form.
    pub fn set_credential(&mut self, address: &str, credential: &NewCredential) -> Result<(), SecretsError> {
        let (set, value, other) = match credential {
            NewCredential::Password(password) => (password_name(address), password.clone(), grant_name(address)),
            NewCredential::Grant(grant) => {
                let written = grant.load().and_then(|g| g.to_secret());
                let written = written.map_err(|_| SecretsError::Corrupt { path: self.path.clone() })?;
                (grant_name(address), written, password_name(address))
            }
        };
        self.set(&set, &value);
        self.remove(&other);
        Ok(())
    }

    /// Removes what a mailbox signs in with; [`Secrets::save`] makes it last.
    pub fn remove_credential(&mut self, address: &str) {
        self.remove(&password_name(address));
        self.remove(&grant_name(address));
    }
}

/// One mailbox's grant in the file.
struct FileGrant {
    path: PathBuf,
    key: Arc<Key>,
    name: String,
}

impl FileGrant {
    fn grant(&self, values: &Values) -> Result<Grant, OAuthError> {
        let kept = values.get(&self.name).ok_or(OAuthError::Revoked)?;
        Grant::from_secret(&SecretString::from(&**kept))
    }
}

impl GrantStore for FileGrant {
    fn load(&self) -> Result<Grant, OAuthError> {
        self.grant(&read(&self.path, &self.key).map_err(store)?)
    }

    fn save(&self, grant: &Grant) -> Result<(), OAuthError> {
        let _turn = lock(&self.path).map_err(store)?;
        let mut values = read(&self.path, &self.key).map_err(store)?;
        // Its mailbox may have left meanwhile; then nothing of it is kept.
        self.grant(&values)?;
        values.insert(self.name.clone(), grant.to_secret()?.expose_secret().into());
        write(&self.path, &self.key, &values).map_err(store)
    }
}

fn store(error: SecretsError) -> OAuthError {
    OAuthError::Store(error.to_string())
}
