//! `warmnet-sim provider`.

use super::Failure;
use crate::provider::config::ProviderConfig;
use crate::provider::faults::Faults;
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The mail-provider emulator.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  warmnet-sim provider --config provider.json\n  warmnet-sim provider --config provider.json --faults faults.toml\n\nIt binds ports \
                  chosen by the system and writes DIR/ca.pem and DIR/ports.json. docs/guide/researcher.md describes both files."
)]
pub(super) struct Provider {
    /// Config file (JSON): providers, domains, mailboxes
    #[arg(long)]
    config: PathBuf,
    /// File (TOML) of what is to go wrong: replies, delays, broken and hanging connections, by mailbox and step
    #[arg(long)]
    faults: Option<PathBuf>,
}

impl Provider {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let what = || format!("{} can't be used", self.config.display());
        let fix = "see the config that `warmnet-sim localnet --dir DIR` writes to DIR/provider/provider.json";
        let text = std::fs::read_to_string(&self.config).map_err(|e| Failure::usage(what(), e.to_string(), fix))?;
        let config: ProviderConfig = serde_json::from_str(&text).map_err(|e| Failure::usage(what(), e.to_string(), fix))?;
        let faults = match &self.faults {
            None => Faults::default(),
            Some(path) => read_faults(path, &config)?,
        };
        crate::provider::run(config, faults).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The faults of a file, for these providers and mailboxes.
pub(super) fn read_faults(path: &Path, config: &ProviderConfig) -> Result<Faults, Failure> {
    let refused = |why: String| {
        let fix = "see \"Faults on purpose\" in docs/guide/researcher.md";
        Failure::usage(format!("{} can't be used", path.display()), why, fix)
    };
    let text = std::fs::read_to_string(path).map_err(|e| refused(e.to_string()))?;
    let faults = Faults::read(&text).map_err(|e| refused(e.to_string()))?;
    faults.fit(config).map_err(|e| refused(e.to_string()))?;
    Ok(faults)
}
