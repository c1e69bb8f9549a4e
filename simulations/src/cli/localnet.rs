//! `warmnet-sim localnet`.

use super::provider::read_faults;
use super::{CHECK_FAILED, Failure, INTERRUPTED};
use crate::localnet::layout::Layout;
use crate::localnet::options::Options;
use crate::localnet::run::{Ended, run};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Whether members act on the mail they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engagement {
    /// They read, answer, rescue and file.
    On,
    /// They only look where it landed: the control run.
    Off,
}

/// A whole network on this machine.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  warmnet-sim localnet                                    20 epochs of 12 s, 12 members\n  warmnet-sim localnet --engagement off --out control     the control run\n  warmnet-sim localnet --keep-running --dir net           leave it running to look around\n  warmnet-sim localnet --faults faults.toml               with what goes wrong at the providers\n\nOne member is a bad apple: its owner's own mail bounces and draws complaints, later its domain is\nblocklisted. Exit code 0 only when every check of the summary holds, 3 otherwise."
)]
pub(super) struct Localnet {
    /// Members, each with a node of its own
    #[arg(long, default_value_t = Options::default().members)]
    members: usize,
    /// Golden members of the coordinator
    #[arg(long, default_value_t = Options::default().golden)]
    golden: usize,
    /// Epochs (protocol days) to play
    #[arg(long, default_value_t = Options::default().epochs)]
    epochs: u32,
    /// Length of an epoch in seconds
    #[arg(long, default_value_t = Options::default().epoch_seconds)]
    epoch_seconds: u32,
    /// Seed of the emulator and of ordinary mail
    #[arg(long, default_value_t = Options::default().seed)]
    seed: u64,
    /// Whether members read, answer and rescue
    #[arg(long, value_enum, default_value = "on")]
    engagement: Engagement,
    /// File (TOML) of what is to go wrong at the mail providers, as for `warmnet-sim provider`
    #[arg(long)]
    faults: Option<PathBuf>,
    /// Folder for homes and logs (default: a temporary one, removed after a good run)
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Folder for summary.json and the plots
    #[arg(long)]
    out: Option<PathBuf>,
    /// Leave everything running after the summary until Ctrl-C
    #[arg(long)]
    keep_running: bool,
    /// Print the summary as JSON on standard output, all else on standard error
    #[arg(long)]
    json: bool,
    /// Folder of warmnet-node and warmnet-coordinator (default: beside this program)
    #[arg(long)]
    bin_dir: Option<PathBuf>,
}

impl Localnet {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let options = Options {
            members: self.members,
            golden: self.golden,
            epochs: self.epochs,
            epoch_seconds: self.epoch_seconds,
            seed: self.seed,
            engagement: self.engagement == Engagement::On,
            faults: self.faults,
            dir: self.dir,
            out: self.out,
            keep_running: self.keep_running,
            json: self.json,
            bin_dir: self.bin_dir,
        };
        options.check().map_err(|e| Failure::usage(e.to_string(), "such a network can't be run", "see `warmnet-sim localnet --help`"))?;
        if let Some(path) = &options.faults {
            let config = Layout::new(&options, Path::new("")).provider_config(&options, 0);
            read_faults(path, &serde_json::from_value(config)?)?;
        }
        Ok(match run(&options).await? {
            Ended::Passed => ExitCode::SUCCESS,
            Ended::Failed => ExitCode::from(CHECK_FAILED),
            Ended::Interrupted => ExitCode::from(INTERRUPTED),
        })
    }
}
