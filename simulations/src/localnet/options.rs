//! What a local network is asked to be.

use crate::report::summary::Run;
use std::path::PathBuf;
use std::time::Duration;

/// Members most: each is a process, and statuses list at most 200.
pub const MEMBERS_MAX: usize = 100;
/// Epochs most: a status keeps 40, but the newest are collected all the time.
pub const EPOCHS_MAX: u32 = 400;

/// Settings of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Members, a node each.
    pub members: usize,
    /// Golden members.
    pub golden: usize,
    /// Epochs played.
    pub epochs: u32,
    /// Length of an epoch.
    pub epoch_seconds: u32,
    /// Seed of passwords, the emulator's randomness and ordinary mail.
    pub seed: u64,
    /// Whether members read, answer, rescue and file.
    pub engagement: bool,
    /// What goes wrong at the mail providers (TOML).
    pub faults: Option<PathBuf>,
    /// Where homes live; a temporary folder when absent.
    pub dir: Option<PathBuf>,
    /// Where the report goes.
    pub out: Option<PathBuf>,
    /// Leave everything running afterwards until Ctrl-C.
    pub keep_running: bool,
    /// Print the summary as JSON on standard output, all else on standard error.
    pub json: bool,
    /// Folder of the programs; that of this one when absent.
    pub bin_dir: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            members: 12,
            golden: 3,
            epochs: 20,
            epoch_seconds: 12,
            seed: 7,
            engagement: true,
            faults: None,
            dir: None,
            out: None,
            keep_running: false,
            json: false,
            bin_dir: None,
        }
    }
}

/// A setting out of range.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} is {value}, it must be {range}")]
pub struct OptionsError {
    name: &'static str,
    value: u64,
    range: String,
}

impl Options {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`OptionsError`] names the first setting that is out of range.
    pub fn check(&self) -> Result<(), OptionsError> {
        let within = |name, value: u64, low: u64, high: u64| {
            if (low..=high).contains(&value) { Ok(()) } else { Err(OptionsError { name, value, range: format!("{low} to {high}") }) }
        };
        within("--members", self.members as u64, 2, MEMBERS_MAX as u64)?;
        within("--golden", self.golden as u64, 1, 20)?;
        within("--epochs", self.epochs.into(), 2, EPOCHS_MAX.into())?;
        within("--epoch-seconds", self.epoch_seconds.into(), 2, 86_400)
    }

    /// Length of an epoch.
    pub fn epoch(&self) -> Duration {
        Duration::from_secs(self.epoch_seconds.into())
    }

    /// For the report.
    pub fn run(&self) -> Run {
        let standard = Self::default();
        let shape = |o: &Self| (o.members, o.golden, o.epochs, o.epoch_seconds, o.engagement, o.faults.clone());
        Run {
            members: self.members,
            golden: self.golden,
            epochs: self.epochs,
            epoch_ms: u64::from(self.epoch_seconds) * 1_000,
            seed: self.seed,
            engagement: self.engagement,
            defaults: shape(self) == shape(&standard),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range_and_known_as_such() {
        assert_eq!(Options::default().check(), Ok(()));
        assert!(Options::default().run().defaults);
        assert!(!Options { members: 4, ..Options::default() }.run().defaults);
    }

    #[test]
    fn one_member_is_no_network() {
        let error = Options { members: 1, ..Options::default() }.check().expect_err("refused");
        assert_eq!(error.to_string(), "--members is 1, it must be 2 to 100");
    }
}
