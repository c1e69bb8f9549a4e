//! The table of section 6: the sender's word against the receiver's.

use super::Outcome;
use crate::wire::bundle::{AuthResult, Entry, Evidence, Observation, Placement, SenderOutcome, Word, chain};

/// One side's word on a slot known otherwise, with its evidence.
pub(super) type Said = (Word, Evidence);

/// What both words together say of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// Outcome; never `Void`, which only the window can tell.
    pub outcome: Outcome,
    /// SPF, DKIM and DMARC all passed; `None` when one of them is not known and none failed, or nothing was delivered.
    pub auth: Option<bool>,
    /// Marked read.
    pub read: bool,
    /// Answered.
    pub replied: bool,
    /// Moved out of spam.
    pub rescued: bool,
    /// Complained of: kept as unconfirmed even where nothing was delivered.
    pub complaint: bool,
    /// The sender did its part, as far as anybody can tell (see the module's "completed").
    pub completed: bool,
}

fn auth(o: &Observation) -> Option<bool> {
    let all = [o.spf, o.dkim, o.dmarc];
    if all.contains(&AuthResult::Fail) {
        Some(false)
    } else if all.contains(&AuthResult::Unknown) {
        None
    } else {
        Some(true)
    }
}

/// Reconciles one slot: `sender` is the entry of the sender's bundle on the sender's side, `receiver` that of the receiver's
/// on the receiver's side; `None` where there is no bundle, no entry, or a bundle that is void.
///
/// # Example
/// ```
/// use warmnet_protocol::ledger::{reconcile, Outcome};
/// assert_eq!(reconcile(None, None).outcome, Outcome::NoShow);
/// ```
#[must_use]
pub fn reconcile(sender: Option<&Entry>, receiver: Option<&Entry>) -> Reconciled {
    reconcile_said(sender.map(Entry::said), receiver.map(Entry::said))
}

/// [`reconcile`] of words whose slot is known.
pub(super) fn reconcile_said(sender: Option<Said>, receiver: Option<Said>) -> Reconciled {
    let seen = match receiver {
        Some((Word::Receiver(Some(o)), _)) if o.placement != Placement::Missing => Some(o),
        _ => None,
    };
    let said = match sender {
        Some((Word::Sender(outcome), _)) => outcome,
        _ => SenderOutcome::NoShow,
    };
    let fits = || match (sender, receiver) {
        (Some((_, sent)), Some((_, seen))) => sent == chain(&seen),
        _ => false,
    };
    let outcome = match (said, seen) {
        (SenderOutcome::NoShow, _) => Outcome::NoShow,
        (SenderOutcome::Sent, None) => Outcome::Unknown,
        (SenderOutcome::Sent, Some(_)) if !fits() => Outcome::Contradiction,
        (SenderOutcome::Sent, Some(o)) if o.placement == Placement::Spam => Outcome::DeliveredSpam,
        (SenderOutcome::Sent, Some(_)) => Outcome::DeliveredInbox,
        (SenderOutcome::RefusedHard, None) => Outcome::HardBounce,
        (SenderOutcome::RefusedSoft, None) => Outcome::SoftBounce,
        (SenderOutcome::RefusedHard | SenderOutcome::RefusedSoft, Some(_)) => Outcome::Contradiction,
    };
    let completed = outcome.delivered() || outcome == Outcome::HardBounce || (outcome == Outcome::Unknown && receiver.is_none());
    let act = seen.filter(|_| outcome.delivered());
    Reconciled {
        outcome,
        auth: act.as_ref().and_then(auth),
        read: act.is_some_and(|o| o.read),
        replied: act.is_some_and(|o| o.replied),
        rescued: act.is_some_and(|o| o.rescued),
        complaint: seen.is_some_and(|o| o.complaint),
        completed,
    }
}
