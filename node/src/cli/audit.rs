//! `audit`: recomputes the coordinator's records and rosters from the ledger in this node's store.

use super::exit::{CliError, ExitCode, usage};
use super::export::failed;
use super::out::say;
use super::{Global, load_config};
use crate::runtime::{AuditReport, AuditedRecord, StalledRecord, audit_store};
use clap::Args;

pub(super) const HELP: &str = "\
Each record is computed again from the bundles it counts: ledger, trust, scores, and every row of its roster. Works beside
a running node. Rows, trust and scores need 35 epochs of history before a record; a node keeps 48. What a record itself
says is looked at from the first one on: bundles it leaves out though they were here in time, members it silences without
a proof, more newcomers than an epoch may bring.

A bundle left out once may have been lost on its way to the coordinator; the same member again and again is censorship.

Exit codes: 0 all as it should be, 2 no such record here, 3 something is wrong with a record.

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
    let mut report = audit_store(&home, &config).map_err(failed)?;
    report.records.retain(|r| args.epoch.is_none_or(|e| r.record.0 == e));
    if let Some(epoch) = args.epoch {
        if report.records.is_empty() && report.stalled.as_ref().is_none_or(|s| s.record.0 != epoch) {
            let why = report.stalled.as_ref().filter(|s| s.record.0 < epoch).map(waits);
            return Err(usage(format!("the record of epoch {epoch} can't be audited here"))
                .why(why.unwrap_or_else(|| "it is not in the store".to_owned())));
        }
        report.stalled = report.stalled.filter(|s| s.record.0 == epoch);
    }
    if report.records.is_empty() && report.stalled.is_none() {
        return Err(usage("there is no record to audit yet").todo("run the node until it has caught up"));
    }
    if global.json {
        say!("{}", serde_json::json!(report));
    } else {
        print(&report);
    }
    let wrong = report.records.iter().filter(|r| !r.holds).count();
    let withheld = report.stalled.as_ref().is_some_and(|s| s.behind > 0);
    if wrong == 0 && !withheld {
        return Ok(());
    }
    let what = match (wrong, withheld) {
        (0, _) => "records wait for something that nobody has shown this node".to_owned(),
        (wrong, _) => format!("something is wrong with {wrong} of {} records", report.records.len()),
    };
    Err(CliError::new(ExitCode::Check, what)
        .why("the coordinator differs from what its own ledger leads to, or keeps back what it counts")
        .todo("compare with other members (`audit --json` holds the signed evidence), then ask the operator"))
}

/// What a record that could not be audited waits for.
fn waits(stalled: &StalledRecord) -> String {
    let what = match (stalled.roster_missing, stalled.bundles_missing.as_slice()) {
        (true, _) => "its roster".to_owned(),
        (false, [one]) => format!("the bundle of member {}, which it counts", short(one)),
        (false, many) => format!("the bundles of {} members, which it counts", many.len()),
    };
    format!("record {} lacks {what}: not in this store", stalled.record.0)
}

fn short(member: &str) -> &str {
    member.get(..8).unwrap_or(member)
}

fn print(report: &AuditReport) {
    say!("record  rows  differ  ledger  trust, scores  left out");
    let word = |same| if same { "same" } else { "OTHER" };
    for r in &report.records {
        let (ledger, results) = (word(r.ledger_same), word(r.results_same));
        // A window that is not whole says nothing about rows and results.
        let (differ, results) = if r.complete { (r.differences.len().to_string(), results) } else { ("-".to_owned(), "-") };
        say!("{:>6}  {:>4}  {differ:>6}  {ledger:>6}  {results:>13}  {:>8}", r.record.0, r.rows, r.left_out.len());
    }
    for r in &report.records {
        findings(r).into_iter().for_each(|line| say!("record {}: {line}", r.record.0));
    }
    if let Some(stalled) = &report.stalled {
        say!("{}; {} record(s) behind it wait too", waits(stalled), stalled.behind);
    }
    let incomplete = report.records.iter().filter(|r| !r.complete).count();
    if incomplete > 0 {
        say!("{incomplete} records have less than 35 epochs of history here: their rows and results (-) can't be judged");
    }
    if report.records.iter().all(|r| r.holds) {
        say!("{} records: all as the rules make them", report.records.len());
    }
}

/// What is to be said of one record, a line each.
fn findings(r: &AuditedRecord) -> Vec<String> {
    let mut lines = Vec::new();
    for row in r.differences.iter().filter(|_| r.complete) {
        for (name, published, computed) in &row.fields {
            lines.push(format!("member {}: {name} is {published} in the roster, {computed} by the rules", short(&row.member)));
        }
    }
    if !r.ledger_same {
        lines.push("no bundles that this node could find have the digest it names".to_owned());
    }
    if r.complete && !r.results_same {
        lines.push(format!("trust and scores have the digest {} by the rules, {} in the record", short(&r.results.0), short(&r.results.1)));
    }
    lines.extend(
        r.left_out.iter().map(|left| format!("the bundle of member {} is left out, though it was here in time", short(&left.member))),
    );
    lines.extend(r.came_late.iter().map(|member| format!("the bundle of member {} is left out; it came late", short(member))));
    lines.extend(
        r.unproved
            .iter()
            .map(|(member, proof)| format!("member {} is silenced by proof {}, which nobody has shown", short(member), short(proof))),
    );
    lines
        .extend(r.spared.iter().map(|member| format!("member {} is counted, though two different bundles of it are known", short(member))));
    if let Some(most) = r.admissible.filter(|most| r.admitted > *most) {
        lines.push(format!("it admits {} members, where its epoch may bring {most}", r.admitted));
    }
    lines.extend(r.golden.iter().map(|member| format!("member {} is new and golden: everybody's trust begins at it", short(member))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::LeftOut;
    use warmnet_protocol::time::Epoch;

    fn record() -> AuditedRecord {
        AuditedRecord {
            record: Epoch(7),
            complete: true,
            rows: 9,
            ledger_same: true,
            results_same: true,
            results: ("aa".repeat(32), "bb".repeat(32)),
            differences: vec![],
            left_out: vec![],
            came_late: vec![],
            unproved: vec![],
            spared: vec![],
            admitted: 3,
            admissible: Some(20),
            golden: vec![],
            holds: true,
            evidence: None,
        }
    }

    #[test]
    fn each_finding_has_a_line_and_a_clean_record_none() {
        assert!(findings(&record()).is_empty());
        let member = || "0123456789abcdef".to_owned();
        let wrong = AuditedRecord {
            ledger_same: false,
            results_same: false,
            left_out: vec![LeftOut { member: member(), evidence: None }],
            came_late: vec![member()],
            unproved: vec![(member(), member())],
            spared: vec![member()],
            admitted: 21,
            golden: vec![member()],
            ..record()
        };
        let lines = findings(&wrong);
        for told in [
            "have the digest it names",
            "aaaaaaaa by the rules, bbbbbbbb in the record",
            "left out, though",
            "it came late",
            "silenced by proof 01234567",
            "two different bundles",
            "admits 21 members, where its epoch may bring 20",
            "new and golden",
        ] {
            assert_eq!(lines.iter().filter(|line| line.contains(told)).count(), 1, "{told}: {lines:?}");
        }
        assert_eq!(lines.len(), 8);
        // Without a whole window nothing is said of what the window decides.
        assert!(findings(&AuditedRecord { results_same: false, complete: false, ..record() }).is_empty());
    }

    #[test]
    fn a_record_that_waits_says_for_what() {
        let stalled = |roster_missing, bundles: usize| StalledRecord {
            record: Epoch(9),
            roster_missing,
            bundles_missing: vec!["0123456789abcdef".to_owned(); bundles],
            behind: 2,
            evidence: None,
        };
        assert!(waits(&stalled(true, 0)).contains("lacks its roster"));
        assert!(waits(&stalled(false, 1)).contains("the bundle of member 01234567, which it counts"));
        assert!(waits(&stalled(false, 3)).contains("the bundles of 3 members"));
    }
}
