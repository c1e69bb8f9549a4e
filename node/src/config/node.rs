//! `node.toml`: one struct per section. The coordinator uses the same sections in its own file.

use super::error::ConfigError;
use super::suggest::nearest;
use crate::mail::MailTimeouts;
use crate::mail::smtp::{SendCaps, SubmitLimits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeConfig {
    /// Peer-to-peer network.
    pub network: NetworkConfig,
    /// Resource limits.
    pub limits: LimitsConfig,
    /// Mail.
    pub mail: MailConfig,
    /// Logging.
    pub log: LogConfig,
    /// How the secrets file is unlocked.
    pub secrets: SecretsConfig,
    /// Name resolution of the checks, of finding servers, and of DKIM where no provider is believed.
    pub dns: DnsConfig,
}

/// `[dns]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsConfig {
    /// An own resolver, such as unbound on loopback; absent: the system's. Blocklists refuse public resolvers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<SocketAddr>,
}

/// `[network]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// The network's founding document, relative to the home.
    pub genesis: PathBuf,
    /// Multiaddresses to listen on.
    pub listen: Vec<String>,
    /// Multiaddresses with `/p2p/<peer id>` of the peers to begin with.
    pub bootstrap: Vec<String>,
    /// Dial loopback and private addresses: for a network on one machine.
    pub allow_loopback: bool,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { genesis: "genesis.bin".into(), listen: vec!["/ip4/0.0.0.0/tcp/4011".to_owned()], bootstrap: vec![], allow_loopback: false }
    }
}

/// `[limits]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Established peer connections.
    pub max_connections: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { max_connections: 64 }
    }
}

/// `[mail]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// Wall seconds between two looks at the junk folder, and the fallback for IDLE at the inbox.
    pub poll_seconds: f64,
    /// Mails a minute and mailbox.
    pub smtp_per_minute: NonZeroU32,
    /// SMTP connections at a time and mailbox.
    pub smtp_concurrency: NonZeroU32,
    /// Days after which warming mail filed into the folder Warmnet is removed; 0 keeps it.
    pub keep_filed_days: u32,
    /// Time-outs.
    pub timeouts: MailTimeouts,
    /// Most mails in any hour and day.
    pub limits: SendLimits,
}

/// `[mail.limits]`: caps that survive a restart, in wall time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SendLimits {
    /// Of one mailbox. The default day is what the most careful of the large providers published for a personal account.
    pub mailbox: SendCaps,
    /// Of all mailboxes with one SMTP server together.
    pub provider: SendCaps,
    /// Instead of `provider`, by the name of the SMTP server.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub providers: BTreeMap<String, SendCaps>,
}

impl Default for SendLimits {
    fn default() -> Self {
        let mailbox = SendCaps { per_hour: 100, per_day: 200 };
        Self { mailbox, provider: SendCaps { per_hour: 500, per_day: 2000 }, providers: BTreeMap::new() }
    }
}

impl Default for MailConfig {
    fn default() -> Self {
        let n = |v: u32| NonZeroU32::new(v).unwrap_or(NonZeroU32::MIN);
        Self {
            poll_seconds: 300.0,
            smtp_per_minute: n(20),
            smtp_concurrency: n(2),
            keep_filed_days: 0,
            timeouts: MailTimeouts::default(),
            limits: SendLimits::default(),
        }
    }
}

impl MailConfig {
    /// The poll interval.
    #[must_use]
    pub fn poll(&self) -> Duration {
        Duration::from_secs_f64(self.poll_seconds)
    }
    /// How long filed warming mail is kept; `None`: for ever.
    #[must_use]
    pub fn keep_filed(&self) -> Option<Duration> {
        (self.keep_filed_days > 0).then(|| Duration::from_secs(u64::from(self.keep_filed_days) * 86_400))
    }
    /// The submission limits.
    #[must_use]
    pub fn submit_limits(&self) -> SubmitLimits {
        SubmitLimits { per_minute: self.smtp_per_minute, concurrency: self.smtp_concurrency }
    }
}

/// `log.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line a person reads.
    Text,
    /// A JSON object a line.
    Json,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter such as `warmnet_node::mail=debug,info`.
    pub level: String,
    /// Text or JSON.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How the secrets file is unlocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unlock {
    /// By a key file that only its owner can read.
    KeyFile,
    /// By a passphrase: asked, or from the file that WARMNET_PASSPHRASE_FILE names.
    Passphrase,
    /// By the systemd credential `warmnet.key`.
    Systemd,
}

/// `[secrets]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// How.
    pub unlock: Unlock,
    /// The key file, relative to the home.
    pub key_file: PathBuf,
}

impl Default for SecretsConfig {
    fn default() -> Self {
        Self { unlock: Unlock::KeyFile, key_file: "secrets.key".into() }
    }
}

/// Reads a TOML file into a type that refuses unknown keys.
///
/// # Errors
/// [`ConfigError`] naming file, line and key.
pub fn read_toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Io { path: path.to_path_buf(), why: e.to_string() })?;
    toml::from_str(&text).map_err(|e| {
        let hint = nearest(e.message()).map(|known| format!("\ndid you mean `{known}`?")).unwrap_or_default();
        ConfigError::Syntax { path: path.to_path_buf(), why: format!("{}{hint}", e.to_string().trim_end()) }
    })
}

impl NodeConfig {
    /// Loads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let config: Self = read_toml(path)?;
        config.check(path)?;
        Ok(config)
    }

    /// Checks values that the types allow and the program can't use.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn check(&self, path: &Path) -> Result<(), ConfigError> {
        let bad = |key, why: &str| Err(ConfigError::Value { path: path.to_path_buf(), key, why: why.to_owned() });
        if !(0.05..=86_400.0).contains(&self.mail.poll_seconds) {
            return bad("mail.poll_seconds", "must lie between 0.05 and 86400");
        }
        if (1..7).contains(&self.mail.keep_filed_days) {
            return bad("mail.keep_filed_days", "must be 0 (keep) or at least 7: mail of an open exchange is still needed");
        }
        let caps = self.mail.limits.providers.values().chain([&self.mail.limits.mailbox, &self.mail.limits.provider]);
        if caps.into_iter().any(|caps| caps.per_hour == 0 || caps.per_day == 0) {
            return bad("mail.limits", "must allow at least one mail an hour and a day; `warmnet-node pause` stops a mailbox");
        }
        if self.limits.max_connections < 4 {
            return bad("limits.max_connections", "must be at least 4");
        }
        if self.network.listen.is_empty() {
            return bad("network.listen", "must name at least one multiaddress, such as \"/ip4/0.0.0.0/tcp/4011\"");
        }
        if self.network.listen.iter().any(|a| !a.starts_with('/')) {
            return bad("network.listen", "holds what is no multiaddress; one is \"/ip4/0.0.0.0/tcp/4011\"");
        }
        if self.network.bootstrap.iter().any(|a| !a.starts_with('/') || !a.contains("/p2p/")) {
            return bad(
                "network.bootstrap",
                "must hold multiaddresses that end in /p2p/<peer id>, as the network's operator gives them out",
            );
        }
        if !crate::observe::readable(&self.log.level) {
            return bad("log.level", "must be error, warn, info, debug, trace, or a filter such as \"warmnet_node::mail=debug,info\"");
        }
        Ok(())
    }

    /// The file with every key, its default and what it means.
    #[must_use]
    pub fn example() -> String {
        EXAMPLE.to_owned()
    }
}

const EXAMPLE: &str = r#"# Every key with its default. Unknown keys are refused.

[network]
genesis = "genesis.bin"                  # the network's founding document, relative to this folder
listen = ["/ip4/0.0.0.0/tcp/4011"]       # where other nodes reach this one
bootstrap = []                           # peers to begin with: "/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW..."
allow_loopback = false                   # true only for a network on one machine

[limits]
max_connections = 64                     # peer connections

[mail]
poll_seconds = 300.0                     # between two looks at the junk folder; the inbox is watched by IDLE
smtp_per_minute = 20                     # mails a minute and mailbox
smtp_concurrency = 2                     # SMTP connections at a time and mailbox
keep_filed_days = 0                      # remove filed warming mail after so many days; 0 keeps it

[mail.timeouts]                          # seconds; RFC 5321 section 4.5.3.2
connect_seconds = 30
greeting_seconds = 300
command_seconds = 300                    # EHLO, STARTTLS, AUTH, MAIL, RCPT; also one by one: hello_seconds, starttls_seconds,
                                         # sign_in_seconds, mail_seconds, recipient_seconds
data_seconds = 120
block_seconds = 180
final_dot_seconds = 600
imap_seconds = 60

[mail.limits]                            # most mails in any hour and day, counted over restarts
mailbox = { per_hour = 100, per_day = 200 }
provider = { per_hour = 500, per_day = 2000 }  # all mailboxes with one SMTP server together; for one server alone:
                                         # providers."smtp.example.org" = { per_hour = 20, per_day = 100 }

[log]
level = "info"                           # error, warn, info, debug, trace, or a filter like "warmnet_node::mail=debug,info"
format = "text"                          # or "json"

[secrets]
unlock = "key-file"                      # or "passphrase" or "systemd"
key_file = "secrets.key"

[dns]                                    # for finding servers and for `doctor`
# server = "127.0.0.1:53"                # asked instead of the system's
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_the_default() {
        let read: NodeConfig = toml::from_str(&NodeConfig::example()).expect("the example is valid");
        assert_eq!(read, NodeConfig::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("node.toml");
        std::fs::write(&path, "[mail]\npoll_secs = 3\n").expect("written");
        let error = NodeConfig::load(&path).expect_err("refused").to_string();
        for part in ["node.toml", "line 2", "poll_secs", "did you mean `poll_seconds`?"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn values_out_of_range_are_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("node.toml");
        for (text, key) in [
            ("[mail]\npoll_seconds = 0.0", "mail.poll_seconds"),
            ("[mail]\nkeep_filed_days = 3", "mail.keep_filed_days"),
            ("[mail.limits]\nmailbox = { per_hour = 0, per_day = 5 }", "mail.limits"),
            ("[limits]\nmax_connections = 1", "limits.max_connections"),
            ("[network]\nlisten = []", "network.listen"),
            ("[network]\nlisten = [\"localhost:4011\"]", "network.listen"),
            ("[network]\nbootstrap = [\"/ip4/192.0.2.1/tcp/4001\"]", "network.bootstrap"),
            ("[log]\nlevel = \"warmnet_node=loud\"", "log.level"),
        ] {
            std::fs::write(&path, text).expect("written");
            let error = NodeConfig::load(&path).expect_err(key);
            assert!(matches!(&error, ConfigError::Value { key: named, .. } if *named == key), "{key}: {error}");
        }
    }
}
