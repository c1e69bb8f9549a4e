//! The secrets file: an age file (age-encryption.org/v1) holding a small JSON map of names to secrets.
//!
//! Names: `identity` (the node key's seed in hex), `mailbox:<address>` (a password), `oauth:<address>` (a grant), and the
//! coordinator's own keys. Secrets are zeroized, never printed, and never stand in a config, a log or an argument.
//!
//! A running node renews grants while its owner may add a mailbox, so a save is a change of the file as it is then, under
//! the lock of `secrets.lock`: programs take turns, and none undoes what another wrote.

mod credential;
mod hidden;
mod unlock;

pub use credential::NewCredential;
pub(crate) use hidden::Hidden;

use crate::config::{Home, SecretsConfig};
use age::secrecy::ExposeSecret as _;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use unlock::Key;
use zeroize::Zeroizing;

/// Largest secrets file: a thousand mailboxes with long passwords.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why secrets can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// A file can't be read or written.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// Others than the owner can read the key file.
    #[error("{path} can be read by others than its owner")]
    TooOpen {
        /// The file.
        path: PathBuf,
    },
    /// The key or passphrase does not open the file.
    #[error("{path} can't be opened with this key or passphrase")]
    WrongKey {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{path} is damaged")]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// No passphrase was given.
    #[error("no passphrase was given")]
    NoPassphrase,
    /// The new passphrase was typed in two ways.
    #[error("the two passphrases differ")]
    Different,
    /// A secret that must be there is not.
    #[error("the secrets file holds no {0}")]
    Missing(&'static str),
}

/// An opened secrets file.
pub struct Secrets {
    path: PathBuf,
    key: Arc<Key>,
    values: Values,
    /// What was set or removed since the file was read.
    changes: BTreeMap<String, Option<Hidden>>,
}

type Values = BTreeMap<String, Hidden>;

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} values)", self.values.len())
    }
}

impl Secrets {
    /// Creates the file of a home with nothing in it, and the key file where one is used.
    ///
    /// # Errors
    /// [`SecretsError`]; an existing file is never overwritten.
    pub fn create(home: &Home, config: &SecretsConfig) -> Result<Self, SecretsError> {
        Self::create_at(&home.secrets(), home, config)
    }

    /// The same at another path, with the same key.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn create_at(path: &Path, home: &Home, config: &SecretsConfig) -> Result<Self, SecretsError> {
        if path.exists() {
            return Err(SecretsError::Io { path: path.to_path_buf(), why: "exists already".to_owned() });
        }
        let key = Arc::new(Key::create(home, config)?);
        let mut secrets = Self { path: path.to_path_buf(), key, values: Values::new(), changes: BTreeMap::new() };
        secrets.save()?;
        Ok(secrets)
    }

    /// Opens the file of a home.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn open(home: &Home, config: &SecretsConfig) -> Result<Self, SecretsError> {
        Self::open_at(&home.secrets(), home, config)
    }

    /// The same at another path.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn open_at(path: &Path, home: &Home, config: &SecretsConfig) -> Result<Self, SecretsError> {
        let key = Arc::new(Key::load(home, config)?);
        let values = read(path, &key)?;
        Ok(Self { path: path.to_path_buf(), key, values, changes: BTreeMap::new() })
    }

    /// A secret by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<SecretString> {
        self.values.get(name).map(|v| SecretString::from(&**v))
    }

    /// Sets a secret; [`Secrets::save`] makes it last.
    pub fn set(&mut self, name: &str, value: &SecretString) {
        self.put(name, value.expose_secret().into());
    }

    fn put(&mut self, name: &str, value: Hidden) {
        self.changes.insert(name.to_owned(), Some(value.clone()));
        self.values.insert(name.to_owned(), value);
    }

    /// Removes a secret.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
        self.changes.insert(name.to_owned(), None);
    }

    /// A 32-byte secret stored in hex.
    ///
    /// # Errors
    /// [`SecretsError::Missing`].
    pub fn seed(&self, name: &'static str) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        let hex_text = self.values.get(name).ok_or(SecretsError::Missing(name))?;
        let mut seed = Zeroizing::new([0u8; 32]);
        hex::decode_to_slice(&**hex_text, seed.as_mut_slice()).map_err(|_| SecretsError::Missing(name))?;
        Ok(seed)
    }

    /// Stores a 32-byte secret in hex.
    pub fn set_seed(&mut self, name: &str, seed: &[u8; 32]) {
        self.put(name, Hidden(Zeroizing::new(hex::encode(seed))));
    }

    /// The node key's seed.
    ///
    /// # Errors
    /// [`SecretsError::Missing`].
    pub fn identity(&self) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        self.seed("identity")
    }

    /// Makes the changes last: the file is replaced atomically, whole and new, or stays as it was.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn save(&mut self) -> Result<(), SecretsError> {
        let _turn = lock(&self.path)?;
        let mut values = if self.path.exists() { read(&self.path, &self.key)? } else { Values::new() };
        for (name, change) in &self.changes {
            match change {
                Some(value) => values.insert(name.clone(), value.clone()),
                None => values.remove(name),
            };
        }
        write(&self.path, &self.key, &values)?;
        self.values = values;
        self.changes.clear();
        Ok(())
    }
}

/// Waits for the turn to change the file; it ends when the returned file is dropped, or with the process.
fn lock(path: &Path) -> Result<std::fs::File, SecretsError> {
    let path = path.with_extension("lock");
    let open = std::fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    open.and_then(|file| file.lock().map(|()| file)).map_err(|e| SecretsError::Io { path, why: e.to_string() })
}

fn read(path: &Path, key: &Key) -> Result<Values, SecretsError> {
    let io = |e: std::io::Error| SecretsError::Io { path: path.to_path_buf(), why: e.to_string() };
    let corrupt = || SecretsError::Corrupt { path: path.to_path_buf() };
    let file = std::fs::File::open(path).map_err(io)?;
    let decryptor = age::Decryptor::new(file.take(MAX_BYTES)).map_err(|_| corrupt())?;
    let mut reader = key.decrypt(decryptor).map_err(|e| match e {
        age::DecryptError::NoMatchingKeys | age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => {
            SecretsError::WrongKey { path: path.to_path_buf() }
        }
        _ => corrupt(),
    })?;
    let mut text = Zeroizing::new(String::new());
    reader.read_to_string(&mut text).map_err(|_| corrupt())?;
    let read: Values = serde_json::from_str(&text).map_err(|_| corrupt())?;
    Ok(read)
}

fn write(path: &Path, key: &Key, values: &Values) -> Result<(), SecretsError> {
    let failed = |why: String| SecretsError::Io { path: path.to_path_buf(), why };
    let io = |e: std::io::Error| failed(e.to_string());
    let text = Zeroizing::new(serde_json::to_string(values).map_err(|e| failed(e.to_string()))?);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    let mut writer = key.encryptor().map_err(failed)?.wrap_output(&mut file).map_err(io)?;
    writer.write_all(text.as_bytes()).map_err(io)?;
    writer.finish().map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    // The new name lasts only once the folder is on disk too.
    std::fs::File::open(folder).and_then(|f| f.sync_all()).map_err(io)
}

/// 32 bytes of the system's randomness.
///
/// # Errors
/// The system has none: nothing can be created safely.
pub fn random_seed() -> Result<Zeroizing<[u8; 32]>, SecretsError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    let path = PathBuf::from("/dev/urandom");
    let read = std::fs::File::open(&path).and_then(|mut f| f.read_exact(seed.as_mut_slice()));
    read.map_err(|e| SecretsError::Io { path, why: e.to_string() })?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Credential;
    use std::os::unix::fs::PermissionsExt;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::at(dir.path());
        (dir, home)
    }

    #[test]
    fn secrets_survive_their_file_and_never_show() {
        let (_dir, home) = home();
        let config = SecretsConfig::default();
        let mut secrets = Secrets::create(&home, &config).expect("created");
        secrets.set_seed("identity", &[7; 32]);
        secrets.set_credential("Me@a.test", &NewCredential::Password(SecretString::from("hunter2"))).expect("set");
        secrets.save().expect("saved");
        let opened = Secrets::open(&home, &config).expect("opened");
        assert_eq!(*opened.identity().expect("there"), [7; 32]);
        let Ok(Some(Credential::Password(password))) = opened.credential("me@a.test") else { panic!("no password") };
        assert_eq!(password.expose_secret(), "hunter2");
        assert!(!format!("{opened:?}").contains("hunter2"));
        let raw = std::fs::read(home.secrets()).expect("there");
        assert!(!raw.windows(7).any(|w| w == b"hunter2"));
        assert!(Secrets::create(&home, &config).is_err(), "an existing file is not overwritten");
    }

    #[test]
    fn wrong_keys_and_damage_are_told_apart() {
        let (_dir, home) = home();
        let config = SecretsConfig::default();
        Secrets::create(&home, &config).expect("created");
        let key = home.join(&config.key_file);
        let kept = std::fs::read(&key).expect("there");
        std::fs::remove_file(&key).expect("removed");
        let other = SecretsConfig { key_file: "other.key".into(), ..config.clone() };
        Key::create(&home, &other).expect("another key");
        assert!(matches!(Secrets::open(&home, &other), Err(SecretsError::WrongKey { .. })));
        std::fs::write(&key, kept).expect("written");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("set");
        assert!(matches!(Secrets::open(&home, &config), Err(SecretsError::TooOpen { .. })));
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("set");
        let whole = std::fs::read(home.secrets()).expect("there");
        let mut flipped = whole.clone();
        *flipped.last_mut().expect("not empty") ^= 1;
        for damaged in [b"age-encryption.org/v1\n-> garbage".as_slice(), &whole[..whole.len() - 1], &flipped, b""] {
            std::fs::write(home.secrets(), damaged).expect("written");
            assert!(matches!(Secrets::open(&home, &config), Err(SecretsError::Corrupt { .. })));
        }
        std::fs::write(home.secrets(), &whole).expect("written");
        assert!(Secrets::open(&home, &config).is_ok());
    }

    #[test]
    fn a_passphrase_opens_what_it_closed() {
        let (_dir, home) = home();
        let key = |text: &str| Key::Passphrase(SecretString::from(text));
        let mut secrets =
            Secrets { path: home.secrets(), key: Arc::new(key("correct horse")), values: Values::new(), changes: BTreeMap::new() };
        secrets.set("identity", &SecretString::from("x"));
        secrets.save().expect("saved");
        let file = || std::fs::File::open(home.secrets()).expect("there");
        let open = |k: Key| k.decrypt(age::Decryptor::new(file()).expect("an age file")).map(|_| ());
        assert!(open(key("correct horse")).is_ok());
        assert!(matches!(open(key("battery")), Err(age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed)));
        assert!(open(Key::X25519(age::x25519::Identity::generate())).is_err());
    }

    #[test]
    fn what_was_removed_is_gone() {
        let (_dir, home) = home();
        let config = SecretsConfig::default();
        let mut secrets = Secrets::create(&home, &config).expect("created");
        secrets.set_credential("me@a.test", &NewCredential::Password(SecretString::from("x"))).expect("set");
        secrets.remove("mailbox:me@a.test");
        secrets.save().expect("saved");
        let opened = Secrets::open(&home, &config).expect("opened");
        assert!(opened.credential("me@a.test").expect("readable").is_none());
        assert!(matches!(opened.identity(), Err(SecretsError::Missing("identity"))));
    }

    #[test]
    fn two_programs_undo_nothing_of_each_other() {
        let (_dir, home) = home();
        let config = SecretsConfig::default();
        let mut node = Secrets::create(&home, &config).expect("created");
        let mut owner = Secrets::open(&home, &config).expect("opened");
        owner.set("mailbox:new@a.test", &SecretString::from("p"));
        owner.save().expect("saved");
        node.set("oauth:old@a.test", &SecretString::from("g"));
        node.save().expect("saved");
        let opened = Secrets::open(&home, &config).expect("opened");
        assert!(opened.get("mailbox:new@a.test").is_some() && opened.get("oauth:old@a.test").is_some());
        assert!(node.get("mailbox:new@a.test").is_some(), "the node sees it too");
    }
}
