//! What happens when: a pure function of the options.

use super::layout::BAD_APPLE;
use super::options::Options;

/// Ordinary mails of a whole run, and forged ones among them (more than the 300 and 60 that a run must show: a few
/// may be refused).
const CIVILIANS: u32 = 330;
const FORGED: u32 = 66;
/// Portions they come in.
const PORTIONS: u32 = 6;
/// The bad apple's own mail an epoch: one in six bounces, one in ten is complained about.
const EXTERNAL: (u32, u32, u32) = (30, 6, 3);

/// Something done to the network from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ordinary mail for the members, forged labels among it.
    Civilians {
        /// Mails.
        count: u32,
        /// Of these with a forged, replayed, expired or misaddressed label.
        forged: u32,
    },
    /// The owner of member `member` sends mail of his own and tells his node what came of it.
    External {
        /// Index of the member.
        member: usize,
        /// Mails to living addresses.
        good: u32,
        /// Mails to dead ones.
        dead: u32,
        /// Of the good ones marked as spam.
        complaints: u32,
    },
    /// A blocklist lists the domain of member `member`.
    List {
        /// Index of the member.
        member: usize,
    },
}

/// Epoch in which the bad apple begins.
pub fn bad_from(epochs: u32) -> u32 {
    (epochs / 5).clamp(1, 4)
}

/// Epoch in which its domain is listed: three fifths of the run.
pub fn listed_at(epochs: u32) -> u32 {
    (epochs * 3 / 5).max(bad_from(epochs))
}

/// What is done at the start of `epoch`.
pub fn at(options: &Options, epoch: u32) -> Vec<Action> {
    let mut actions = Vec::new();
    let n = options.epochs;
    if epoch >= bad_from(n) && epoch < n {
        let (good, dead, complaints) = EXTERNAL;
        actions.push(Action::External { member: BAD_APPLE, good, dead, complaints });
    }
    if epoch == listed_at(n) {
        actions.push(Action::List { member: BAD_APPLE });
    }
    for portion in 0..PORTIONS {
        if portion_epoch(n, portion) == epoch {
            actions.push(Action::Civilians { count: CIVILIANS / PORTIONS, forged: FORGED / PORTIONS });
        }
    }
    actions
}

/// Portions lie between a third and nine tenths of the run: by then real mail exists that can be replayed.
fn portion_epoch(epochs: u32, portion: u32) -> u32 {
    let (first, last) = ((epochs / 3).min(epochs - 1), (epochs * 9 / 10).min(epochs - 1));
    first + (last - first) * portion / (PORTIONS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(epochs: u32) -> Vec<(u32, Action)> {
        let options = Options { epochs, ..Options::default() };
        (0..epochs + 5).flat_map(|e| at(&options, e).into_iter().map(move |a| (e, a))).collect()
    }

    #[test]
    fn ordinary_mail_is_complete_whatever_the_length() {
        for epochs in 2..40 {
            let (mut count, mut forged) = (0, 0);
            for (_, action) in all(epochs) {
                if let Action::Civilians { count: c, forged: f } = action {
                    count += c;
                    forged += f;
                }
            }
            assert!(count >= 300 && forged >= 60, "{epochs}: {count} {forged}");
        }
    }

    #[test]
    fn the_bad_apple_sends_before_it_is_listed_once() {
        for epochs in 2..40 {
            let listed: Vec<u32> = all(epochs).iter().filter(|(_, a)| matches!(a, Action::List { .. })).map(|(e, _)| *e).collect();
            let first = all(epochs).iter().find(|(_, a)| matches!(a, Action::External { .. })).map(|(e, _)| *e);
            assert_eq!(listed.len(), 1, "{epochs}");
            assert!(first.is_some_and(|f| f <= listed[0]) && listed[0] < epochs, "{epochs}");
        }
    }

    #[test]
    fn the_default_run_is_as_told() {
        assert_eq!((bad_from(20), listed_at(20)), (4, 12));
        assert_eq!(portion_epoch(20, 0), 6);
        assert_eq!(portion_epoch(20, 5), 18);
    }
}
