//! Dead mailboxes: nothing is dealt to one, and it sends nothing but golden seats, until a golden mail of it arrives.
//!
//! - **Dead** when its bounces are its own fault (several senders, a good share of its mail) and the newly closed epoch
//!   brought another one.
//! - **Cleared** when its last bounce is `dead_clear_epochs` behind the newly closed epoch and a golden mailbox received a
//!   mail of it since: the account works again. Also when no bounce is left in the window.

use crate::ledger::Window;
use crate::params::Params;
use crate::time::Epoch;
use crate::wire::roster::Roster;

/// The flag after `closed` was closed. `roster` says who is golden.
#[must_use]
pub fn next(params: &Params, window: &Window, roster: &Roster, index: u32, was: bool, closed: Epoch) -> bool {
    let (at_fault, last) = window.bounces(index);
    let Some(last) = last else { return false };
    if !was {
        return at_fault && last == closed;
    }
    let quiet = last.plus(params.dead_clear_epochs) <= closed;
    let works = || window.sends(index).any(|(epoch, x)| epoch > last && x.outcome.delivered() && window.observed_by_golden(roster, &x));
    !(quiet && works())
}
