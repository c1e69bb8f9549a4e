//! `coordinator.toml`: the node's sections and the authority's own. Unknown keys are refused.

use crate::admission::AdmissionRules;
use crate::quarantine::{BlocklistConfig, QuarantineRules};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use warmnet_node::cli::{CliError, ExitCode};
use warmnet_node::config::node::read_toml;
use warmnet_node::config::{ConfigError, DnsConfig, Home, LimitsConfig, LogConfig, MailConfig, NetworkConfig, NodeConfig, SecretsConfig};

/// Port a coordinator listens on, beside the node's 4011.
pub const DEFAULT_LISTEN: &str = "/ip4/0.0.0.0/tcp/4001";
/// Lists an operator may configure: each costs a question a domain and round.
const MOST_LISTS: usize = 16;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoordinatorConfig {
    /// The network's name, for people; the genesis is what counts.
    pub name: String,
    /// Peer-to-peer network.
    pub network: NetworkConfig,
    /// Resource limits.
    pub limits: LimitsConfig,
    /// Mail of the golden mailboxes.
    pub mail: MailConfig,
    /// Logging.
    pub log: LogConfig,
    /// How the secrets file is unlocked.
    pub secrets: SecretsConfig,
    /// Who may enrol.
    pub admission: AdmissionRules,
    /// Records.
    pub epochs: EpochsConfig,
    /// Resolver for the blocklists.
    pub dns: DnsConfig,
    /// When a listing counts.
    pub quarantine: QuarantineRules,
    /// Blocklists; none by default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocklist: Vec<BlocklistConfig>,
}

/// `[epochs]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EpochsConfig {
    /// Longest wall wait for late bundles after a start, before the first record that is due; never more than an
    /// eighth of an epoch.
    pub settle_seconds: f64,
}

impl Default for EpochsConfig {
    fn default() -> Self {
        Self { settle_seconds: 3.0 }
    }
}

/// The file of a home.
#[must_use]
pub fn path(home: &Home) -> PathBuf {
    home.join("coordinator.toml")
}

/// Loads the file of a home, as a command wants it.
///
/// # Errors
/// [`CliError`] with exit code 2.
pub fn load(home: &Home) -> Result<CoordinatorConfig, CliError> {
    if !path(home).exists() {
        return Err(CliError::new(ExitCode::Usage, format!("there is no coordinator in {}", home.root().display()))
            .why("coordinator.toml is missing")
            .todo("run `warmnet-coordinator init`, or name another folder with --home"));
    }
    CoordinatorConfig::load(&path(home)).map_err(|e| {
        CliError::new(ExitCode::Usage, "the configuration can't be used").why(e).todo("correct the file; every key has a default")
    })
}

impl CoordinatorConfig {
    /// Loads and checks the file.
    ///
    /// # Errors
    /// [`ConfigError`] naming file and key.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let config: Self = read_toml(path)?;
        config.check(path)?;
        Ok(config)
    }

    fn check(&self, path: &Path) -> Result<(), ConfigError> {
        self.node().check(path)?;
        let bad = |key, why: &str| Err(ConfigError::Value { path: path.to_path_buf(), key, why: why.to_owned() });
        if !(0.0..=600.0).contains(&self.epochs.settle_seconds) {
            return bad("epochs.settle_seconds", "must lie between 0 and 600");
        }
        if self.quarantine.polls == 0 || self.quarantine.poll_minutes == 0 {
            return bad("quarantine", "polls and poll_minutes must be at least 1");
        }
        if self.blocklist.len() > MOST_LISTS {
            return bad("blocklist", "at most 16 lists can be polled");
        }
        let mut names: Vec<String> = self.blocklist.iter().map(BlocklistConfig::label).collect();
        names.sort();
        if names.windows(2).any(|w| w[0] == w[1]) {
            return bad("blocklist.name", "must differ from list to list");
        }
        if self.blocklist.iter().any(|l| l.listed.is_empty() || l.listed.iter().any(|a| !a.is_loopback())) {
            return bad("blocklist.listed", "must name the list's answers, all inside 127.0.0.0/8");
        }
        Ok(())
    }

    /// The sections that the node's runtime takes.
    #[must_use]
    pub fn node(&self) -> NodeConfig {
        NodeConfig {
            network: self.network.clone(),
            limits: self.limits.clone(),
            mail: self.mail.clone(),
            log: self.log.clone(),
            secrets: self.secrets.clone(),
            dns: self.dns.clone(),
        }
    }

    /// The file's text, with a blocklist to copy.
    ///
    /// # Errors
    /// Never in practice; the library's signature allows it.
    pub fn text(&self) -> Result<String, toml::ser::Error> {
        Ok(format!(
            "# Settings of this network's coordinator. Unknown keys are refused.\n\n{}{BLOCKLIST_EXAMPLE}",
            toml::to_string_pretty(self)?
        ))
    }
}

const BLOCKLIST_EXAMPLE: &str = r#"
# No blocklist is polled until you add one; read its terms first and ask it through your own resolver ([dns] server).
#
# [[blocklist]]
# name = "dbl"                         # for people and logs; the zone may hold your key
# zone = "dbl.example.org"
# kind = "domain"                      # or "ip"
# listed = ["127.0.1.2", "127.0.1.4"]  # answers that mean a listing; every other one is an error
# positive = "dbltest.com"             # must be listed, or the list is not believed
# negative = "INVALID"                 # must not be
# high_trust = true                    # enough by itself
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<CoordinatorConfig, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coordinator.toml");
        std::fs::write(&path, text).unwrap();
        CoordinatorConfig::load(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn the_written_file_is_read_back() {
        let config = CoordinatorConfig { name: "net".into(), ..CoordinatorConfig::default() };
        assert_eq!(load(&config.text().unwrap()).unwrap(), config);
    }

    #[test]
    fn a_rehearsals_file_is_read() {
        let text = r#"
            name = "demo"
            [admission]
            sponsor_all = true
            [dns]
            server = "127.0.0.1:5353"
            [quarantine]
            polls = 2
            poll_minutes = 30
            [[blocklist]]
            zone = "dbl.test"
            kind = "domain"
            listed = ["127.0.1.2"]
            positive = "dbltest.com"
            negative = "INVALID"
            high_trust = true
        "#;
        let config = load(text).unwrap();
        assert!(config.admission.sponsor_all && config.blocklist[0].high_trust);
        assert_eq!((config.quarantine.polls, config.quarantine.min_minutes), (2, 30));
        assert!(load(&text.replace("127.0.1.2", "203.0.113.1")).unwrap_err().contains("blocklist.listed"));
        assert!(load(&text.replace("sponsor_all", "sponsor_al")).unwrap_err().contains("sponsor_al"));
        assert!(load("[admission]\nsponsored = []\n").unwrap_err().contains("line 2"));
    }
}
