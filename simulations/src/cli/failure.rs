//! How an error is told: one block of what happened, why, and what to do.

use std::process::ExitCode;

/// An error with advice and an exit code.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Exit code.
    pub code: u8,
}

impl Failure {
    /// A usage or config error: exit code 2.
    pub fn usage(what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), fix: fix.into(), code: 2 }
    }

    /// Prints `error` on standard error and gives its exit code.
    pub fn print(error: &anyhow::Error) -> ExitCode {
        if let Some(known) = error.downcast_ref::<Self>() {
            eprintln!("error: {}\n  why: {}\n  do: {}", known.what, known.why, known.fix);
            return ExitCode::from(known.code);
        }
        let why: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        eprintln!("error: {error}");
        if !why.is_empty() {
            eprintln!("  why: {}", why.join(": "));
        }
        eprintln!("  do: read the logs of the run, then try again with --dir to keep everything");
        ExitCode::FAILURE
    }
}
