//! A home: the folder that holds everything of one node.

use super::node::NodeConfig;
use std::path::{Path, PathBuf};

/// Paths of one home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home at `flag`, else at the environment variable `variable`, else `<data folder>/<name>`.
    #[must_use]
    pub fn resolve(flag: Option<&Path>, variable: &str, name: &str) -> Self {
        let from_env = || std::env::var_os(variable).map(PathBuf::from);
        let data = || std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let user = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from).join(".local/share");
        let default = || data().unwrap_or_else(user).join(name);
        Self { root: flag.map(Path::to_path_buf).or_else(from_env).unwrap_or_else(default) }
    }
    /// The home at a path.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// A node's configuration.
    #[must_use]
    pub fn node_toml(&self) -> PathBuf {
        self.root.join("node.toml")
    }
    /// The folder of mailbox files.
    #[must_use]
    pub fn mailboxes(&self) -> PathBuf {
        self.root.join("mailboxes")
    }
    /// The genesis file that the configuration names.
    #[must_use]
    pub fn genesis(&self, config: &NodeConfig) -> PathBuf {
        self.root.join(&config.network.genesis)
    }
    /// The encrypted secrets.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets.age")
    }
    /// A file relative to the home.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }
    /// The store's folder.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }
    /// The control socket.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.root.join("control.sock")
    }
    /// The lock that one running program holds.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("node.lock")
    }
}
