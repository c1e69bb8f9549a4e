//! What the owner decides: `node.toml` and one file per mailbox. Unknown keys are refused everywhere.

pub mod error;
pub mod home;
pub mod mailbox;
pub mod node;
mod suggest;

pub use error::ConfigError;
pub use home::Home;
pub use mailbox::{Consent, MailboxConfig};
pub use node::{DnsConfig, LimitsConfig, LogConfig, LogFormat, MailConfig, NetworkConfig, NodeConfig, SecretsConfig, SendLimits, Unlock};
