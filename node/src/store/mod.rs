//! What a node keeps on disk: RocksDB column families of bytes.
//!
//! [`Store`] opens and checks, [`Family`] reads and writes one kind of thing, [`Batch`] changes
//! several at once. On top stand the two promises a crash must not break: [`Journal`] (a mail is
//! sent at most once) and [`HighWater`] (a member signs one bundle per epoch).
//!
//! Calls block for a disk access at most, and for an fsync with [`Durability::Synced`]: from async
//! code use [`Store::blocking`], [`Store::write_async`], or the async methods of the journal.

mod batch;
mod cursors;
mod error;
mod family;
mod high_water;
mod journal;
mod keys;
mod migrate;
mod open;
mod options;
mod send_windows;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Durability};
pub use cursors::{Cursors, MAX_CURSOR_BYTES};
pub use error::StoreError;
pub use family::{Family, Row};
pub use high_water::{HighWater, HighWaterError, Mark};
pub use journal::{Journal, JournalError, MAX_OUTCOME_BYTES, OpenMarks, Place, State, Task};
pub use keys::{Epoch, ExchangeId, MemberId, epoch_key, epoch_member_key, exchange_key};
pub use open::{SCHEMA, Store};
pub use options::FamilyName;
pub use send_windows::{MAX_WINDOW_BYTES, SendWindows};
