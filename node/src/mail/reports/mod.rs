//! Reports that come back into a mailbox: bounces (RFC 3464), complaints (RFC 5965) and DMARC aggregates (RFC 7489, 9990).
//!
//! ```text
//! header fields --hint--> worth fetching? --read--> Report --origin, judge--> believed? --book--> counted once
//! ```
//! They are the owner's mail, or forged: nothing here marks, moves or answers one. A report proves nothing by itself, so
//! it counts only where it returns our own signed label, or where it says something of the owner's own mail and comes from
//! a system that would know (`judge.rs`).
//!
//! | file | what |
//! |---|---|
//! | `hint.rs` | which mails may be reports, by their header fields |
//! | `delivery.rs`, `plain.rs` | bounces: by the standard, and in the plain words of older servers |
//! | `complaint.rs` | feedback reports |
//! | `aggregate.rs`, `unpack.rs` | DMARC sums, and their attachments with size limits |
//! | `original.rs` | what a report returns of the mail it is about |
//! | `origin.rs` | who wrote the report, as far as that is proven |
//! | `judge.rs` | what is believed of the owner's external mail |
//! | `soft.rs` | five soft bounces in a row are a hard one |
//! | `book.rs` | one mailbox's figures and memory: each report counts once |

mod aggregate;
mod book;
mod complaint;
mod delivery;
mod hint;
mod judge;
mod origin;
mod original;
mod plain;
mod soft;
mod unpack;

pub use aggregate::{AggregateSums, MAX_UNPACKED};
pub use book::{Arrived, Book, Counted, Figures, Loss, Verified};
pub use complaint::Complaint;
pub use delivery::{DeliveryReport, Fate, Recipient};
pub use hint::Hint;
pub use judge::Owner;
pub use origin::Origin;
pub use original::Original;
pub use soft::SoftRuns;

use mail_parser::MessageParser;

/// A report, read. Nothing of it is proven.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Report {
    /// A mail was not delivered, or late, or delivered.
    Delivery(DeliveryReport),
    /// Somebody marked a mail as spam.
    Complaint(Complaint),
    /// What a provider saw of a domain's mail.
    Aggregate(AggregateSums),
}

/// Reads a raw mail as a report; `None` when it is none. `raw` may be cut at its end: what a bounce says stands first.
#[must_use]
pub fn read(raw: &[u8]) -> Option<Report> {
    let message = MessageParser::default().parse(raw)?;
    if let Some(report) = complaint::read(&message) {
        return Some(Report::Complaint(report));
    }
    if let Some(report) = delivery::read(&message) {
        return Some(Report::Delivery(report));
    }
    if let Some(sums) = aggregate::read(&message) {
        return Some(Report::Aggregate(sums));
    }
    plain::read(raw, &message).map(Report::Delivery)
}
