//! Credits: who processes others' mail may send mail of its own. Each inbound exchange that was processed and reconciled
//! earns `credits_inbound`, each external mail of a self report spends one, and a credit lives as long as its epoch is in the window
//! (30 epochs). No state: everybody computes them from the window alone.
//!
//! Within an epoch what was earned comes before what was spent. Mails beyond the credits there were take nothing from later
//! ones.
//!
//! **Which credit is spent.** How many are left is the same whichever is taken; which ones decides when they expire. Here a mail
//! takes the youngest. Oldest first can't be told from the window: a mail still in it may have been paid by an epoch that left
//! it, so what was told to expire later would be gone today. Youngest first, an epoch that leaves takes exactly what is
//! shown as left of it.

use crate::ledger::Window;
use crate::params::Params;
use crate::time::Epoch;
use serde::{Deserialize, Serialize};

/// One epoch's credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// The epoch.
    pub epoch: Epoch,
    /// Inbound exchanges processed and reconciled.
    pub processed: u32,
    /// External mails of that epoch, by the self report.
    pub external: u32,
    /// Credits of it that are left; they go with their epoch.
    pub left: u32,
    /// First closed epoch with which they are gone.
    pub expires: Epoch,
}

/// A member's credits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credits {
    /// What one inbound exchange earns, by the parameters in force.
    pub each: u32,
    /// By epoch, oldest first; at most `window_epochs`.
    pub lots: Vec<Lot>,
    /// All that is left.
    pub left: u32,
    /// External mails that no credit was there for.
    pub uncovered: u32,
}

impl Credits {
    /// Credits by the window; none earned by who is not in it. `open`: external mails of epochs that are not closed yet, oldest
    /// first, by the reports of who hosts the member: they are spent already, though no record counts them; those of epochs that are
    /// closed are left out.
    #[must_use]
    pub fn of(params: &Params, window: &Window, index: Option<u32>, open: impl IntoIterator<Item = (Epoch, u32)>) -> Self {
        let sent = index.into_iter().flat_map(|i| window.reports(i)).map(|(_, r)| r.sent);
        let closed = index.into_iter().flat_map(|i| window.tallies(i));
        let closed = closed.zip(sent).map(|((epoch, t), sent)| (epoch, u32::from(t.seen_in), sent));
        let latest = window.latest().map(|l| l.epoch);
        let open = open.into_iter().filter(|(epoch, _)| latest.is_none_or(|l| *epoch > l)).map(|(epoch, sent)| (epoch, 0, sent));
        Self::from_days(params.credits_inbound, window.span(), closed.chain(open))
    }

    /// Credits of `(epoch, exchanges processed, external mails)`, oldest epoch first; an exchange earns `each`, a credit lives
    /// `span` epochs.
    ///
    /// # Example
    /// ```
    /// use warmnet_protocol::{policy::credits::Credits, time::Epoch};
    /// let credits = Credits::from_days(12, 30, [(Epoch(0), 2, 0), (Epoch(1), 0, 5)]);
    /// assert_eq!((credits.left, credits.lots[0].expires), (19, Epoch(30)));
    /// ```
    #[must_use]
    pub fn from_days(each: u32, span: u32, days: impl IntoIterator<Item = (Epoch, u32, u32)>) -> Self {
        let mut out = Self { each, ..Self::default() };
        for (epoch, processed, external) in days {
            let left = processed.saturating_mul(each);
            out.lots.push(Lot { epoch, processed, external, left, expires: epoch.plus(span) });
            let uncovered = out.take(external);
            out.uncovered = out.uncovered.saturating_add(uncovered);
        }
        out.left = out.lots.iter().fold(0u32, |sum, lot| sum.saturating_add(lot.left));
        out
    }

    /// Takes the youngest credits for so many mails; what no credit is there for.
    fn take(&mut self, mails: u32) -> u32 {
        let mut owed = mails;
        for lot in self.lots.iter_mut().rev() {
            let paid = owed.min(lot.left);
            lot.left -= paid;
            owed -= paid;
        }
        owed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{network, play, seen};
    use crate::wire::bundle::{Placement, SenderOutcome};
    use proptest::prelude::*;

    const EACH: u32 = 12;
    const SPAN: u32 = 6;

    /// Days of at most `SPAN` epochs, oldest first.
    fn days() -> impl Strategy<Value = Vec<(Epoch, u32, u32)>> {
        prop::collection::vec((0u32..6, 0u32..90), 1..SPAN as usize + 1)
            .prop_map(|v| (10u32..).zip(v).map(|(e, (got, sent))| (Epoch(e), got, sent)).collect())
    }

    #[test]
    fn what_is_not_closed_yet_is_spent_already() {
        let p = Params::standard();
        let roster = network(12, 2);
        let mut window = Window::new(&p);
        play(&p, &mut window, 3, &roster, |_| (SenderOutcome::Sent, seen(Placement::Inbox)));
        let closed = Credits::of(&p, &window, Some(0), []);
        assert!(closed.left > 20 && closed.lots.len() == 1);
        // Epoch 3 is closed: what its bundle said of it counts, and the host's word no more.
        let open = Credits::of(&p, &window, Some(0), [(Epoch(3), 9), (Epoch(4), 8), (Epoch(7), 2)]);
        assert_eq!((open.left, open.lots.len(), open.lots[2].external), (closed.left - 10, 3, 2));
        assert_eq!(Credits::of(&p, &window, Some(0), [(Epoch(4), closed.left + 5)]).uncovered, 5);
        assert_eq!(Credits::of(&p, &Window::new(&p), None, [(Epoch(0), 3)]).uncovered, 3);
    }

    #[test]
    fn an_inbound_exchange_pays_twelve_mails() {
        let credits = Credits::from_days(EACH, SPAN, [(Epoch(3), 2, 10), (Epoch(4), 1, 20), (Epoch(5), 0, 9)]);
        let left: Vec<u32> = credits.lots.iter().map(|l| l.left).collect();
        assert_eq!((left, credits.left, credits.uncovered), (vec![0, 0, 0], 0, 3));
        let credits = Credits::from_days(EACH, SPAN, [(Epoch(3), 2, 10), (Epoch(4), 1, 5)]);
        assert_eq!((credits.lots[0].left, credits.lots[1].left, credits.left), (14, 7, 21));
        let p = Params::standard();
        assert_eq!(Credits::of(&p, &Window::new(&p), None, []), Credits { each: EACH, ..Credits::default() });
        assert_eq!(Credits::from_days(EACH, SPAN, [(Epoch(0), u32::MAX, 0), (Epoch(1), 9, u32::MAX)]).uncovered, 0);
    }

    proptest! {
        #[test]
        fn never_more_than_earned_and_never_below_nothing(days in days()) {
            let credits = Credits::from_days(EACH, SPAN, days.clone());
            let earned: u32 = days.iter().map(|d| d.1 * EACH).sum();
            let spent: u32 = days.iter().map(|d| d.2).sum();
            // Every mail took one credit or found none.
            prop_assert_eq!(credits.left, earned + credits.uncovered - spent);
            prop_assert!(credits.left <= earned && credits.uncovered <= spent);
            prop_assert!(credits.lots.iter().all(|l| l.left <= l.processed * EACH && l.expires == l.epoch.plus(SPAN)));
        }

        #[test]
        fn what_expires_is_what_was_told(days in days()) {
            let before = Credits::from_days(EACH, SPAN, days.clone());
            let after = Credits::from_days(EACH, SPAN, days[1..].to_vec());
            prop_assert_eq!(after.left, before.left - before.lots[0].left);
            prop_assert_eq!(&after.lots[..], &before.lots[1..]);
        }

        #[test]
        fn one_mail_more_costs_one_at_most(days in days(), at in 0usize..SPAN as usize) {
            let at = at % days.len();
            let (mut sent, mut got) = (days.clone(), days.clone());
            sent[at].2 += 1;
            got[at].1 += 1;
            let left = |days: Vec<_>| Credits::from_days(EACH, SPAN, days).left;
            let now = left(days);
            prop_assert!([now, now.saturating_sub(1)].contains(&left(sent)));
            prop_assert!((now..=now + EACH).contains(&left(got)));
        }
    }
}
