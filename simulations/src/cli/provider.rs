//! `warmnet-sim provider`.

use super::Failure;
use crate::provider::config::ProviderConfig;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// The mail-provider emulator.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  warmnet-sim provider --config provider.json\n\nIt binds ports chosen by the system and writes DIR/ca.pem and DIR/ports.json."
)]
pub(super) struct Provider {
    /// Config file (JSON): providers, domains, mailboxes
    #[arg(long)]
    config: PathBuf,
}

impl Provider {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let what = || format!("{} can't be used", self.config.display());
        let fix = "see the config that `warmnet-sim localnet --dir DIR` writes to DIR/provider/provider.json";
        let text = std::fs::read_to_string(&self.config).map_err(|e| Failure::usage(what(), e.to_string(), fix))?;
        let config: ProviderConfig = serde_json::from_str(&text).map_err(|e| Failure::usage(what(), e.to_string(), fix))?;
        crate::provider::run(config).await?;
        Ok(ExitCode::SUCCESS)
    }
}
