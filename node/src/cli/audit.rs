//! `audit`: recomputes the coordinator's records and rosters from the ledger in this node's store.

use super::exit::{CliError, ExitCode, usage};
use super::export::failed;
use super::out::say;
use super::{Global, load_config};
use crate::runtime::{AuditedRecord, audit_store};
use clap::Args;

pub(super) const HELP: &str = "\
Each record is computed again from the bundles it counts: ledger, trust, scores, and every row of its roster. Works beside
a running node. A record needs 35 epochs of history before it; a node keeps 48. Bundles that this node holds and a record
leaves out may have reached the coordinator too late; the same member again and again is censorship.

Exit codes: 0 all as it should be, 2 no such record here, 3 a record differs.

Examples:
  warmnet-node audit
  warmnet-node audit --epoch 412 --json     with the signed evidence";

/// Options of `audit`.
#[derive(Args)]
pub(super) struct AuditArgs {
    /// Only the record of this epoch [default: all that can be audited]
    #[arg(long)]
    epoch: Option<u32>,
}

pub(super) fn audit(global: &Global, args: &AuditArgs) -> Result<(), CliError> {
    let home = global.home();
    let config = load_config(&home)?;
    let mut records = audit_store(&home, &config).map_err(failed)?;
    records.retain(|r| args.epoch.is_none_or(|e| r.record.0 == e));
    if args.epoch.is_none() {
        records.retain(|r| r.complete);
    }
    match (records.first(), args.epoch) {
        (None, Some(epoch)) => {
            return Err(usage(format!("the record of epoch {epoch} can't be audited here"))
                .why("it, or a bundle that it counts, is not in the store"));
        }
        (None, None) => return Err(usage("there is no record to audit yet").todo("run the node until it has caught up")),
        (Some(only), Some(epoch)) if !only.complete => {
            return Err(usage(format!("the record of epoch {epoch} can't be audited here"))
                .why("its window of 35 epochs is not whole in this store"));
        }
        _ => {}
    }
    if global.json {
        say!("{}", serde_json::json!(records));
    } else {
        print(&records);
    }
    let wrong = records.iter().filter(|r| !r.holds()).count();
    if wrong > 0 {
        return Err(CliError::new(ExitCode::Check, format!("{wrong} of {} records are not what the rules make of them", records.len()))
            .why("the coordinator differs from what its own ledger leads to")
            .todo("compare with other members (`audit --json` holds the signed evidence), then ask the operator"));
    }
    Ok(())
}

fn print(records: &[AuditedRecord]) {
    say!("record  rows  differ  ledger  trust, scores  bundles left out");
    let word = |same| if same { "same" } else { "OTHER" };
    for r in records {
        let (ledger, results) = (word(r.ledger_same), word(r.results_same));
        say!("{:>6}  {:>4}  {:>6}  {ledger:>6}  {results:>13}  {:>16}", r.record.0, r.rows, r.differences.len(), r.left_out.len());
    }
    for r in records {
        for row in &r.differences {
            let member = row.member.get(..8).unwrap_or(&row.member);
            for (name, published, computed) in &row.fields {
                say!("record {}, member {member}: {name} is {published} in the roster, {computed} by the rules", r.record.0);
            }
        }
        for left in &r.left_out {
            say!("record {}: the bundle of member {} is left out", r.record.0, left.member.get(..8).unwrap_or(&left.member));
        }
    }
    if records.iter().all(AuditedRecord::holds) {
        say!("{} records: all as the rules make them", records.len());
    }
}
