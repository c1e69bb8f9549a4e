//! Double entry: what both sides said of a dealt slot, reconciled, and the window of closed epochs behind every
//! derived value (PROTOCOL.md section 6).
//!
//! | file | what is in it |
//! |---|---|
//! | `exchange.rs` | one reconciled exchange and its 12-byte form |
//! | `words.rs` | what all members said, by position and round |
//! | `reconcile.rs` | the table of sender and receiver |
//! | `closed.rs` | one closed epoch |
//! | `fault.rs` | bounces that are the receiver's fault, soft bounces in a row |
//! | `window.rs` | up to `window_epochs` closed epochs |
//!
//! Choices made here:
//! - **What counts.** Per sender the first `quota` ring pairs about which its bundle says more than no-show, lowest rounds
//!   first, so a spare counts only while it is below its quota; golden seats always. Mail received beyond the
//!   receiver's quota counts for its sender: the receiver can't choose it and earns nothing by it.
//! - **Dealt** is `min(quota, valid ring pairs)` plus golden seats; what of it stayed empty is kept as a no-show.
//! - **Completed** (a sender's slot): it was delivered or refused for good, or it is unknown while the receiver filed no word at
//!   all. A "sent" that the receiver looked for and didn't find completes nothing, so claiming mails doesn't help; nor does
//!   "refused for now", which costs its sender nothing and which nobody can check.
//! - **Owed replies** follow from the exchange's id, which anybody derives: the draw that both nodes planned by.
//! - **Evidence.** A "sent" and an observation whose evidence doesn't fit together contradict each other.
//! - **The receiver's fault** and soft bounces in a row are judged over the whole window at each close, in the order of
//!   epoch and sender, so they too are a function of the window alone.
//! - **Order.** Window indices are ranks among the sorted ids of all its members: no history decides them.

mod closed;
mod exchange;
mod fault;
mod reconcile;
#[cfg(test)]
pub(crate) mod tests;
mod window;
mod words;

pub use closed::{ClosedEpoch, EpochSummary, Played, Tally};
pub use exchange::{Exchange, Outcome};
pub use reconcile::{Reconciled, reconcile};
pub use window::{Window, WindowMember};
