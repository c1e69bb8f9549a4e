//! The key that opens a secrets file.

use super::SecretsError;
use crate::config::{Home, SecretsConfig, Unlock};
use age::secrecy::{ExposeSecret, SecretString};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use zeroize::Zeroizing;

/// A key file's or a passphrase's key.
pub(super) enum Key {
    X25519(age::x25519::Identity),
    Passphrase(SecretString),
}

fn io(path: &Path, e: &std::io::Error) -> SecretsError {
    SecretsError::Io { path: path.to_path_buf(), why: e.to_string() }
}

impl Key {
    /// Makes the key of a new file; a key file that is there already is used again.
    pub(super) fn create(home: &Home, config: &SecretsConfig) -> Result<Self, SecretsError> {
        if config.unlock == Unlock::Passphrase {
            return passphrase(true).map(Self::Passphrase);
        }
        if config.unlock != Unlock::KeyFile || home.join(&config.key_file).exists() {
            return Self::load(home, config);
        }
        let path = home.join(&config.key_file);
        let identity = age::x25519::Identity::generate();
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(|e| io(&path, &e))?;
        let text = Zeroizing::new(format!("{}\n", identity.to_string().expose_secret()));
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| io(&path, &e))?;
        Ok(Self::X25519(identity))
    }

    /// Finds the key.
    pub(super) fn load(home: &Home, config: &SecretsConfig) -> Result<Self, SecretsError> {
        match config.unlock {
            Unlock::KeyFile => {
                let path = home.join(&config.key_file);
                let mode = std::fs::metadata(&path).map_err(|e| io(&path, &e))?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(SecretsError::TooOpen { path });
                }
                Self::read(&path)
            }
            Unlock::Systemd => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).unwrap_or_default();
                Self::read(&folder.join("warmnet.key"))
            }
            Unlock::Passphrase => passphrase(false).map(Self::Passphrase),
        }
    }

    fn read(path: &Path) -> Result<Self, SecretsError> {
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|e| io(path, &e))?);
        let identity = age::x25519::Identity::from_str(text.trim());
        identity.map(Self::X25519).map_err(|_| SecretsError::Corrupt { path: path.to_path_buf() })
    }

    pub(super) fn encryptor(&self) -> Result<age::Encryptor, String> {
        match self {
            Self::Passphrase(p) => Ok(age::Encryptor::with_user_passphrase(p.clone())),
            Self::X25519(identity) => {
                let recipient = identity.to_public();
                age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).map_err(|e| e.to_string())
            }
        }
    }

    pub(super) fn decrypt<R: std::io::Read>(
        &self,
        decryptor: age::Decryptor<R>,
    ) -> Result<age::stream::StreamReader<R>, age::DecryptError> {
        match self {
            Self::X25519(identity) => decryptor.decrypt(std::iter::once(identity as &dyn age::Identity)),
            Self::Passphrase(p) => {
                let identity = age::scrypt::Identity::new(p.clone());
                decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
            }
        }
    }
}

/// The passphrase; a new one is asked twice, since a slip would lock its owner out.
fn passphrase(new: bool) -> Result<SecretString, SecretsError> {
    if let Some(path) = std::env::var_os("WARMNET_PASSPHRASE_FILE").map(PathBuf::from) {
        let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(|e| io(&path, &e))?);
        return not_empty(text.trim_end_matches(['\r', '\n']));
    }
    if !std::io::stdin().is_terminal() {
        return Err(SecretsError::NoPassphrase);
    }
    let ask = |what: &str| rpassword::prompt_password(what).map(Zeroizing::new).map_err(|_| SecretsError::NoPassphrase);
    let typed = ask(if new { "New passphrase for the secrets file: " } else { "Passphrase of the secrets file: " })?;
    if new && *ask("The same again: ")? != *typed {
        return Err(SecretsError::Different);
    }
    not_empty(&typed)
}

fn not_empty(text: &str) -> Result<SecretString, SecretsError> {
    if text.is_empty() { Err(SecretsError::NoPassphrase) } else { Ok(SecretString::from(text)) }
}
