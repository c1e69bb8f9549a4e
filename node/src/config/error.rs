//! What can be wrong with a configuration file.

use std::path::PathBuf;

/// A configuration that can't be used; each names the file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read or written.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// Not TOML, an unknown key, or a value of the wrong kind; the text holds line and column.
    #[error("{path}:\n{why}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's words.
        why: String,
    },
    /// A value out of range.
    #[error("{path}: {key} {why}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What it should be.
        why: String,
    },
}
