//! The command line.

mod failure;
mod localnet;
mod provider;
mod trust;

use crate::localnet::guard;
use clap::{Parser, Subcommand};
pub use failure::Failure;
use std::process::ExitCode;

/// Exit code for a failed check.
const CHECK_FAILED: u8 = 3;
/// Exit code after Ctrl-C: 128 + SIGINT, as shells do.
const INTERRUPTED: u8 = 130;

/// Research and rehearsal tools of Warmnet: a whole network on one machine.
#[derive(Debug, Parser)]
#[command(
    name = "warmnet-sim",
    version,
    after_help = "Examples:\n  warmnet-sim localnet\n  warmnet-sim localnet --members 4 --golden 2 --epochs 9 --epoch-seconds 6 --out report\n  warmnet-sim provider --config provider.json\n  warmnet-sim trust edges.csv --golden golden.txt --out trust.csv\n\nExit codes: 0 ok, 1 error, 2 usage or config, 3 a check failed, 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a whole network on this machine: emulator, coordinator and nodes as separate processes.
    Localnet(localnet::Localnet),
    /// Run the mail-provider emulator: SMTP, IMAP and DNS on loopback.
    Provider(provider::Provider),
    /// Compute trust in any weighted graph with the protocol's kernel.
    Trust(trust::Trust),
    /// End children whose parent was killed (used by localnet).
    #[command(name = guard::COMMAND, hide = true)]
    Guard,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// A [`Failure`] with its exit code, or another error (code 1).
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Localnet(args) => args.run().await,
            Command::Provider(args) => args.run().await,
            Command::Trust(args) => args.run().await,
            Command::Guard => {
                tokio::task::spawn_blocking(|| guard::run(std::io::stdin().lock())).await?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
