//! One mail's life, from the deal to the last reply.
//!
//! ```text
//! sender    Dealt ─> Introduced ─> Queued ─> Sent | Refused(hard|soft)        (or NoShow at the deadline)
//! receiver  Dealt ─> Introduced ─> Observed(inbox|tab|spam) ─> Engaged        (or Missing at the bundle)
//! both      a reply of turn t+1 falls to the addressee of turn t, as long as the exchange owes one
//! ```
//! `command.rs` holds what may happen to it, `event.rs` what it asks for, `state.rs` the data and the clock, `sending.rs` and
//! `engaging.rs` the transitions, `deadlines.rs` when things are due, `recognise.rs` the rule for "this mail is ours", `foreign.rs` whose words a mail holds that is not.

pub mod command;
pub mod deadlines;
mod engaging;
pub mod event;
pub mod foreign;
pub mod recognise;
mod sending;
pub mod state;
pub mod text;

#[cfg(test)]
mod tests;

pub use command::{Command, SendResult};
pub use event::{Act, Event};
pub use state::{Exchange, Side};
