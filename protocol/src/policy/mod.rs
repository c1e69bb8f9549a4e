//! Tomorrow's roster row: `row(e) = f(row(e-1), closed window)`, a pure function that any node can audit (PROTOCOL.md section 9).
//!
//! | file | what is in it |
//! |---|---|
//! | `row.rs` | the first row and the next one |
//! | `ramp.rs` | presets: mails a day, and when a day counts |
//! | `quota.rs` | ring mails an epoch, step by step |
//! | `pools.rs` | pool by score |
//! | `triggers.rs` | watch, throttle, rehab by raw rates |
//! | `rehabilitation.rs` | the debt: entry, payment, exit |
//! | `pause.rs` | pause and fix |
//! | `service.rs` | replies given over replies owed |
//! | `credits.rs` | inbound mail processed pays for external mail |
//! | `lock.rs` | what locks external mail |
//! | `allowance.rs` | the owner's daily allowance of external mail |
//! | `explain.rs` | a row taken apart: what stands behind it and what would raise it |
//! | `dead.rs` | mailboxes that bounce for everybody |
//! | `complaints.rs` | complaints of several domains: extra golden seats |
//!
//! Everything an epoch changes is taken from the epoch that its record closes (`close_lag` earlier); when that one was never
//! played, nothing is paid, cut or advanced. Credits and allowance are no part of the row: they follow from window, row and score.

pub mod allowance;
pub mod complaints;
pub mod credits;
pub mod dead;
pub mod explain;
pub mod lock;
pub mod pause;
pub mod pools;
pub mod quota;
pub mod ramp;
pub mod rehabilitation;
mod row;
pub mod service;
#[cfg(test)]
mod tests;
pub mod triggers;

pub use row::{as_first_row, first_row, next_row};
