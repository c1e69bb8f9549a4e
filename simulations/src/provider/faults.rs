//! Faults on purpose: what a server does instead of its duty, told by a file, for tests of those who talk to it.
//!
//! ```
//! # use warmnet_sim::provider::faults::Faults;
//! let faults = Faults::read(r#"
//!     [[fault]]
//!     service = "smtp"
//!     step = "rcpt"
//!     mailbox = "post@m01.test"
//!     count = 1
//!     reply = "451 4.7.1 greylisted, try again later"
//! "#)?;
//! # assert!(Faults::read("[[fault]]\nservice = \"smtp\"\nstep = \"move\"\nclose = true").is_err());
//! # Ok::<(), warmnet_sim::provider::faults::FaultError>(())
//! ```
//! The first fault of the file that fits a step and is due happens, and only that one.

mod rule;
mod strike;

pub use rule::{Fault, Service, Step};
pub use strike::Strike;

use super::config::ProviderConfig;
use super::world::lock;
use serde::Deserialize;
use std::sync::Mutex;

/// Faults of one file.
const MAX_FAULTS: usize = 1_000;

/// Why a file of faults can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// No TOML, an unknown key or value.
    #[error("{0}")]
    Unreadable(#[from] toml::de::Error),
    /// One fault makes no sense.
    #[error("fault {number} of the file: {why}")]
    Senseless {
        /// Counted from 1.
        number: usize,
        /// Plain words.
        why: String,
    },
    /// More faults than a file may hold.
    #[error("a file may hold {MAX_FAULTS} faults, this one has {0}")]
    TooMany(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    seed: u64,
    #[serde(default, rename = "fault")]
    faults: Vec<Fault>,
}

/// A step that a server has come to.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// Which server.
    pub service: Service,
    /// The step.
    pub step: Step,
    /// Name of the provider.
    pub provider: &'a str,
    /// The mailbox, once it is known.
    pub mailbox: Option<&'a str>,
}

/// How often a fault's step was met, and how often the fault happened.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    met: u64,
    happened: u64,
}

/// All faults of a run.
#[derive(Debug, Default)]
pub struct Faults {
    seed: u64,
    rules: Vec<(Fault, Mutex<Counts>)>,
}

impl Faults {
    /// Reads a file (TOML).
    ///
    /// # Errors
    /// [`FaultError`]: it says which fault, and what is wrong with it.
    pub fn read(text: &str) -> Result<Self, FaultError> {
        let file: File = toml::from_str(text)?;
        if file.faults.len() > MAX_FAULTS {
            return Err(FaultError::TooMany(file.faults.len()));
        }
        for (i, fault) in file.faults.iter().enumerate() {
            fault.check().map_err(|why| FaultError::Senseless { number: i + 1, why })?;
        }
        let rules = file.faults.into_iter().map(|f| (f, Mutex::default())).collect();
        Ok(Self { seed: file.seed, rules })
    }

    /// Whether all providers and mailboxes that are named exist.
    ///
    /// # Errors
    /// [`FaultError::Senseless`].
    pub fn fit(&self, config: &ProviderConfig) -> Result<(), FaultError> {
        for (i, (fault, _)) in self.rules.iter().enumerate() {
            let unknown = |what: &str, name: &str| FaultError::Senseless { number: i + 1, why: format!("no {what} is called {name}") };
            if let Some(name) = fault.provider.as_deref()
                && !config.providers.iter().any(|p| p.name == name)
            {
                return Err(unknown("provider", name));
            }
            if let Some(name) = fault.mailbox.as_deref()
                && !config.mailboxes.iter().any(|m| m.address.eq_ignore_ascii_case(name))
            {
                return Err(unknown("mailbox", name));
            }
        }
        Ok(())
    }

    /// What happens at this step, if anything. Every call counts as one time that the step was met.
    pub fn strike(&self, at: At<'_>) -> Option<Strike> {
        for (index, (fault, counts)) in self.rules.iter().enumerate() {
            if !fault.fits(at) {
                continue;
            }
            let mut counts = lock(counts);
            let met = counts.met;
            counts.met += 1;
            let due = met >= fault.after && fault.count.is_none_or(|most| counts.happened < most);
            if due && self.coin(index, met) < fault.chance {
                counts.happened += 1;
                return Some(fault.strike());
            }
        }
        None
    }

    /// How often each fault of the file has happened, in its order.
    pub fn happened(&self) -> Vec<u64> {
        self.rules.iter().map(|(_, counts)| lock(counts).happened).collect()
    }

    /// A number from 0 to below 1 that follows from the seed, the fault and how often its step was met before.
    fn coin(&self, index: usize, met: u64) -> f64 {
        let mut h = blake3::Hasher::new();
        h.update(b"fault").update(&self.seed.to_le_bytes()).update(&(index as u64).to_le_bytes()).update(&met.to_le_bytes());
        let mut bytes = [0u8; 4];
        bytes.copy_from_slice(&h.finalize().as_bytes()[..4]);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests;
