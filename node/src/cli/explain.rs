//! `score explain` and `policy explain`: numbers taken apart, for people.

mod policy;
mod score;
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

JSON holds points in millionths, rates in parts per million and weights in 65,536ths.";

/// Help of `policy explain`.
const POLICY_HELP: &str = "\
Examples:
  warmnet-node policy explain
  warmnet-node policy explain me@example.org
  warmnet-node policy explain me@example.org --json

JSON holds rates in parts per million, cut and service in thousandths.";

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

#[cfg(test)]
mod tests {
    use super::*;
    use warmnet_protocol::ids::{DomainTag, MemberId, NodeId};
    use warmnet_protocol::ledger::Window;
    use warmnet_protocol::params::Params;
    use warmnet_protocol::policy::{explain as policies, first_row};
    use warmnet_protocol::score::explain as scores;
    use warmnet_protocol::time::Epoch;
    use warmnet_protocol::trust::Trust;
    use warmnet_protocol::wire::roster::{ALL_WEEKDAYS, RampPreset, Role, Roster, acts};

    #[test]
    fn a_newcomers_pages_survive_the_socket_and_name_what_locks() {
        let (params, member) = (Params::standard(), MemberId([7; 32]));
        let (node, tag) = (NodeId([7; 32]), DomainTag([7; 16]));
        let row = first_row(&params, member, node, tag, 0, 1, ALL_WEEKDAYS, acts::ALL, RampPreset::Gentle, Role::Member, Epoch(3));
        let (window, roster) = (Window::new(&params), Roster::new(vec![row.clone()]));
        let trust = Trust::compute(&params, &window, &roster);
        let told = scores::explain(&params, &window, &trust, &roster, &member).expect("it stands in the roster");
        let sent = serde_json::json!(Explained { record: 4, explanation: told.clone() });
        let got: Explained<scores::Explanation> = serde_json::from_value(sent).expect("the same");
        assert_eq!(got.explanation, told);
        let page = score::render(4, &told);
        assert!(page.contains("score 0.00 by record 4") && page.contains("too few mails") && page.contains("one more mail"), "{page}");
        let told = policies::explain(&params, &window, &row, Some(&told.score), None, &[40]);
        let sent = serde_json::json!(Explained { record: 4, explanation: told.clone() });
        let got: Explained<policies::Explanation> = serde_json::from_value(sent).expect("the same");
        assert_eq!(got.explanation, told);
        let page = policy::render(4, &told);
        assert!(page.contains("quota 2 warming mails a day") && page.contains("day 0 of the gentle ramp"), "{page}");
        assert!(page.contains("allowance 0 mails") && page.contains("ceiling 40") && page.contains("the ramp's next day"), "{page}");
    }
}
