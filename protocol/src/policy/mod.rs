//! Tomorrow's roster row: `row(e) = f(row(e-1), closed window)`, a pure function that any node can audit (PROTOCOL.md section 9).
//!
//! | file | what is in it |
//! |---|---|
//! | `row.rs` | the first row and the next one |
//! | `ramp.rs` | presets: mails a day, and when a day counts |
//! | `pools.rs` | pool by score, and the owner's daily allowance of external mail |
//! | `triggers.rs` | watch, throttle, rehab by raw rates |
//! | `rehabilitation.rs` | the debt: entry, payment, exit |
//! | `pause.rs` | pause and fix |
//! | `service.rs` | replies given over replies owed |
//! | `dead.rs` | mailboxes that bounce for everybody |
//!
//! Everything an epoch changes is taken from the epoch that its record closes (`close_lag` earlier); when that one was never
//! played, nothing is paid, cut or advanced.

pub mod dead;
pub mod pause;
pub mod pools;
pub mod ramp;
pub mod rehabilitation;
mod row;
pub mod service;
#[cfg(test)]
mod tests;
pub mod triggers;

pub use row::{as_first_row, first_row, next_row};
