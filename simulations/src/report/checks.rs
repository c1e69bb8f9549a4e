//! What a run must show, each with its figure and a yes or no.

use super::summary::Summary;

/// Pairs that the default run must plan.
pub const PLANNED_AT_LEAST: u32 = 800;
/// Share of the closed epochs' pairs on which both bundles must agree.
pub const RECONCILED_AT_LEAST: f64 = 0.9;
/// Score below which external sending is locked.
pub const LOCK_SCORE: f64 = 70.0;
/// Ordinary mails that a run must put before the nodes.
pub const FOREIGN_AT_LEAST: u64 = 300;

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is asked.
    pub name: String,
    /// What was found.
    pub found: String,
    /// Whether it holds.
    pub pass: bool,
}

fn check(name: impl Into<String>, found: impl Into<String>, pass: bool) -> Check {
    Check { name: name.into(), found: found.into(), pass }
}

/// All checks of a run.
pub fn checks(s: &Summary) -> Vec<Check> {
    let mut list = Vec::new();
    let totals = &s.totals;
    if s.run.defaults {
        list.push(check(format!("planned pairs >= {PLANNED_AT_LEAST}"), totals.planned.to_string(), totals.planned >= PLANNED_AT_LEAST));
    } else {
        list.push(check("planned pairs > 0", totals.planned.to_string(), totals.planned > 0));
    }
    let share = format!("{:.1} % of {} in {} closed epochs", totals.reconciled_share * 100.0, totals.dealt_closed, totals.closed_epochs);
    list.push(check("reconciled >= 90 %", share, totals.reconciled_share >= RECONCILED_AT_LEAST));
    list.push(check("mails doubled = 0", s.doubled.to_string(), s.doubled == 0));
    let touched = format!("{} of {} delivered", s.foreign_touched, s.foreign_delivered);
    list.push(check(
        format!("ordinary mails touched = 0, of {FOREIGN_AT_LEAST} or more"),
        touched,
        s.foreign_touched == 0 && s.foreign_delivered >= FOREIGN_AT_LEAST,
    ));
    let digests = s.digests.differences.first().cloned().unwrap_or_else(|| format!("{} closed epochs", s.digests.compared));
    list.push(check("digests equal on all programs", digests, s.digests.equal));
    if let Some(bad) = &s.quarantined {
        let score = bad.score.map_or_else(|| "unknown".to_owned(), |v| format!("{v:.1}"));
        list.push(check(format!("bad apple {} below {LOCK_SCORE:.0}", bad.name), score, bad.score.is_some_and(|v| v < LOCK_SCORE)));
        let told = |epoch: Option<u32>| epoch.map_or_else(|| "never".to_owned(), |e| format!("epoch {e}"));
        let found = format!(
            "listed {}, excluded {}, pairs before {}, after {}",
            told(bad.listed_epoch),
            told(bad.excluded_epoch),
            bad.planned_before,
            bad.planned_after
        );
        let pass = bad.listed_epoch.is_some() && bad.excluded_epoch.is_some() && bad.planned_before > 0 && bad.planned_after == 0;
        list.push(check("bad apple excluded after its listing", found, pass));
    }
    list
}

/// Whether all hold.
pub fn all_pass(list: &[Check]) -> bool {
    list.iter().all(|c| c.pass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::{Digests, Quarantined, Run, Totals};

    fn good() -> Summary {
        Summary {
            run: Run { defaults: true, ..Run::default() },
            totals: Totals { planned: 900, reconciled_share: 0.95, ..Totals::default() },
            foreign_delivered: 330,
            digests: Digests { equal: true, compared: 14, ..Digests::default() },
            quarantined: Some(Quarantined {
                name: "m02".into(),
                listed_epoch: Some(12),
                excluded_epoch: Some(13),
                planned_before: 40,
                planned_after: 0,
                score: Some(12.0),
            }),
            ..Summary::default()
        }
    }

    #[test]
    fn a_good_run_passes() {
        assert!(all_pass(&checks(&good())), "{:?}", checks(&good()));
    }

    #[test]
    fn every_figure_can_fail_it() {
        let breakages: [fn(&mut Summary); 9] = [
            |s| s.totals.planned = 799,
            |s| s.totals.reconciled_share = 0.89,
            |s| s.doubled = 1,
            |s| s.foreign_touched = 1,
            |s| s.foreign_delivered = 299,
            |s| s.digests.equal = false,
            |s| s.quarantined.as_mut().expect("set").score = Some(71.0),
            |s| s.quarantined.as_mut().expect("set").excluded_epoch = None,
            |s| s.quarantined.as_mut().expect("set").planned_after = 1,
        ];
        for (n, breakage) in breakages.iter().enumerate() {
            let mut summary = good();
            breakage(&mut summary);
            let failed = checks(&summary).iter().filter(|c| !c.pass).count();
            assert_eq!(failed, 1, "breakage {n}");
        }
    }

    #[test]
    fn a_small_run_needs_fewer_pairs() {
        let mut summary = good();
        summary.run.defaults = false;
        summary.totals.planned = 12;
        assert!(all_pass(&checks(&summary)));
    }
}
