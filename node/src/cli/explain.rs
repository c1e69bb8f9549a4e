//! `score explain` and `policy explain`: numbers taken apart, for people.

mod policy;
mod score;
#[cfg(test)]
mod tests;
mod words;

use super::Global;
use super::exit::{CliError, ExitCode};
use super::out::{self, say};
use crate::control::{Client, Explained, Request};
use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;

/// Help of `score explain`.
pub(super) const SCORE_HELP: &str = "\
Examples:
  warmnet-node score explain
  warmnet-node score explain me@example.org
  warmnet-node score explain me@example.org --json

JSON holds points in millionths, rates in parts per million and weights in 65,536ths, and up to 32 entries of each kind.
Tables show 8. `word`: a rater's trust against the median, at most 1, times what of it is credible; `shared`: the words of all
raters of its domain, or of its node, summed, by which it is divided; `golden`: what a golden seat counts more.";

/// Help of `policy explain`.
const POLICY_HELP: &str = "\
Examples:
  warmnet-node policy explain
  warmnet-node policy explain me@example.org
  warmnet-node policy explain me@example.org --json

JSON holds rates in parts per million, cut and service in thousandths, and up to 32 entries of each kind; tables show 8.";

/// Whom to explain.
#[derive(Args)]
pub(super) struct ExplainArgs {
    /// A member in hex, or the address of a mailbox of this node [default: the members of this node]
    member: Option<String>,
}

/// Verbs of `policy`.
#[derive(Subcommand)]
pub(super) enum PolicyVerb {
    /// Take quota and allowance apart: ramp, cuts, triggers, debt, service, locks, credits, what would raise them
    #[command(after_help = POLICY_HELP)]
    Explain(ExplainArgs),
}

pub(super) fn score(global: &Global, args: ExplainArgs) -> Result<(), CliError> {
    show(global, &Request::ScoreExplain { member: args.member }, score::render)
}

pub(super) fn policy(global: &Global, verb: PolicyVerb) -> Result<(), CliError> {
    let PolicyVerb::Explain(args) = verb;
    show(global, &Request::PolicyExplain { member: args.member }, policy::render)
}

fn show<T: DeserializeOwned>(global: &Global, request: &Request, render: fn(u32, &T) -> String) -> Result<(), CliError> {
    let value = Client::connect(&global.home())?.ask(request)?;
    if global.json {
        say!("{value}");
        return Ok(());
    }
    let all: Vec<Explained<T>> = serde_json::from_value(value)
        .map_err(|e| CliError::new(ExitCode::Error, "the answer can't be read").why(e).todo("use the same version as the running node"))?;
    for one in &all {
        out::text(format_args!("{}\n", render(one.record, &one.explanation)));
    }
    Ok(())
}
